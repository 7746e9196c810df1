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
using SmartLock.Mqtt;
using SmartLock.Mqtt.Broker;

namespace SmartLock.VirtualDevice.Tests.Brokers;

/// <summary>SmartLock's own broker, on a port of Kestrel's, with the login and topic rules that a server has for devices.</summary>
internal sealed class EmbeddedBroker : BrokerUnderTest
{
    private readonly WebApplication _application;

    private EmbeddedBroker(WebApplication application)
    {
        _application = application;
        var address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        Port = int.Parse(address[(address.LastIndexOf(':') + 1)..], CultureInfo.InvariantCulture);
    }

    public override int Port { get; }

    /// <param name="certificate">With one, the port speaks TLS only.</param>
    public static async Task<BrokerUnderTest> StartAsync(X509Certificate2? certificate = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, endpoint =>
            {
                if (certificate is not null)
                {
                    endpoint.UseHttps(certificate);
                }

                endpoint.UseConnectionHandler<MqttConnectionHandler>();
            }));
        builder.Services.AddMqttBroker();
        builder.Services.AddSingleton<IMqttAuthenticator, DeviceLogin>().AddSingleton<IMqttAuthorizer, DeviceTopics>();
        var application = builder.Build();
        await application.StartAsync();
        return new EmbeddedBroker(application);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _application.DisposeAsync();
    }

    private sealed class DeviceLogin : IMqttAuthenticator
    {
        public ValueTask<MqttAuthentication> AuthenticateAsync(MqttConnectRequest request, CancellationToken ct)
        {
            var name = request.UserName ?? "";
            var password = Encoding.UTF8.GetString(request.Password.Span);
            var isRight = name == "server" ? password == "server" : password == KeyOf(name).Sign($"v1|mqtt|{name}");
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
