using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using SmartLock.Device;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Broker;
using SmartLock.Testing;

namespace SmartLock.Firmware.Tests.Rig;

/// <summary>SmartLock's own broker on a port that it keeps when it goes and comes back; with the rules that a server has for devices.</summary>
internal sealed class Broker : IAsyncDisposable
{
    private readonly X509Certificate2? _certificate;
    private WebApplication? _application;

    private Broker(X509Certificate2? certificate)
    {
        _certificate = certificate;
    }

    public int Port { get; } = FreePort.Next();

    public static async Task<Broker> StartNewAsync(X509Certificate2? certificate = null)
    {
        var broker = new Broker(certificate);
        await broker.StartAsync();
        return broker;
    }

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, Port, endpoint =>
        {
            if (_certificate is not null)
            {
                endpoint.UseHttps(_certificate);
            }

            endpoint.UseConnectionHandler<MqttConnectionHandler>();
        }));
        builder.Services.AddMqttBroker();
        builder.Services.AddSingleton<IMqttAuthenticator, Login>().AddSingleton<IMqttAuthorizer, Topics>();
        _application = builder.Build();
        await _application.StartAsync();
    }

    public async Task StopAsync()
    {
        if (_application is not null)
        {
            await _application.DisposeAsync();
            _application = null;
        }
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private sealed class Login : IMqttAuthenticator
    {
        public ValueTask<MqttAuthentication> AuthenticateAsync(MqttConnectRequest request, CancellationToken ct)
        {
            var name = request.UserName ?? "";
            var isServer = name == "server";
            var right = isServer ? "server" : SignedMessage.MqttPassword(Door.Key, name);
            return ValueTask.FromResult(Encoding.UTF8.GetString(request.Password.Span) == right
                ? MqttAuthentication.Accept(new MqttIdentity(name) { IsServer = isServer, SeesDirected = isServer })
                : MqttAuthentication.Refuse(MqttReasonCode.BadUserNameOrPassword));
        }
    }

    private sealed class Topics : IMqttAuthorizer
    {
        public MqttReasonCode CanPublish(MqttIdentity identity, ReadOnlySpan<byte> topicUtf8, bool retain, MqttQoS qos) =>
            identity.IsServer || Encoding.UTF8.GetString(topicUtf8) == $"smartlock/status/{identity.Name}"
                ? MqttReasonCode.Success
                : MqttReasonCode.NotAuthorized;

        /// <summary>"unheard" is a device that may read nothing.</summary>
        public MqttReasonCode CanSubscribe(MqttIdentity identity, string filter) =>
            identity.Name == "unheard" ? MqttReasonCode.NotAuthorized : MqttReasonCode.Success;
    }
}
