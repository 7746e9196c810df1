using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using SmartLock.Device;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Broker;

namespace SmartLock.VirtualDevice.Tests.Brokers;

/// <summary>SmartLock's own broker, on a port of Kestrel's, with the login and topic rules that a server has for devices.</summary>
internal sealed class EmbeddedBroker : BrokerUnderTest
{
    private readonly X509Certificate2? _certificate;
    private readonly Func<string, DeviceKey> _keyOf;
    private WebApplication? _application;

    /// <summary>0, for one that is free, until the first start.</summary>
    private int _port;

    private EmbeddedBroker(X509Certificate2? certificate, Func<string, DeviceKey> keyOf)
    {
        _certificate = certificate;
        _keyOf = keyOf;
    }

    public override int Port => _port;

    /// <param name="certificate">With one, the port speaks TLS only.</param>
    /// <param name="keyOf">The devices' keys; left out: <see cref="BrokerUnderTest.KeyOf"/>.</param>
    public static async Task<BrokerUnderTest> StartAsync(X509Certificate2? certificate = null, Func<string, DeviceKey>? keyOf = null)
    {
        var broker = new EmbeddedBroker(certificate, keyOf ?? KeyOf);
        await broker.RestartAsync();
        return broker;
    }

    public override async Task RestartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, _port, endpoint =>
            {
                if (_certificate is not null)
                {
                    endpoint.UseHttps(_certificate);
                }

                endpoint.UseConnectionHandler<MqttConnectionHandler>();
            }));
        builder.Services.AddMqttBroker();
        builder.Services.AddSingleton<IMqttAuthenticator>(new DeviceLogin(_keyOf)).AddSingleton<IMqttAuthorizer, DeviceTopics>();
        _application = builder.Build();
        await _application.StartAsync();
        var address = _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        _port = int.Parse(address[(address.LastIndexOf(':') + 1)..], CultureInfo.InvariantCulture);
    }

    public override async Task KillAsync()
    {
        if (_application is not null)
        {
            await _application.StopAsync();
            await _application.DisposeAsync();
            _application = null;
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_application is not null)
        {
            await _application.DisposeAsync();
        }
    }

    private sealed class DeviceLogin(Func<string, DeviceKey> keyOf) : IMqttAuthenticator
    {
        public ValueTask<MqttAuthentication> AuthenticateAsync(MqttConnectRequest request, CancellationToken ct)
        {
            var name = request.UserName ?? "";
            var password = Encoding.UTF8.GetString(request.Password.Span);
            var isRight = name == "server" ? password == "server" : password == keyOf(name).Sign($"v1|mqtt|{name}");
            return ValueTask.FromResult(isRight
                ? MqttAuthentication.Accept(new MqttIdentity(name) { IsServer = name == "server", SeesDirected = name == "server" })
                : MqttAuthentication.Refuse(MqttReasonCode.BadUserNameOrPassword));
        }
    }

    private sealed class DeviceTopics : IMqttAuthorizer
    {
        public MqttReasonCode CanPublish(MqttIdentity identity, ReadOnlySpan<byte> topicUtf8, bool retain, MqttQoS qos)
        {
            var topic = Encoding.UTF8.GetString(topicUtf8);
            return identity.IsServer || (!retain && topic == $"smartlock/status/{identity.Name}")
                ? MqttReasonCode.Success
                : MqttReasonCode.NotAuthorized;
        }

        public MqttReasonCode CanSubscribe(MqttIdentity identity, string filter) =>
            identity.IsServer || filter == "smartlock/commands" || filter == $"smartlock/commands/{identity.Name}"
                ? MqttReasonCode.Success
                : MqttReasonCode.NotAuthorized;
    }
}
