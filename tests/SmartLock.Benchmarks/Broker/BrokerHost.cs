using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Broker;

namespace SmartLock.Benchmarks;

/// <summary>
/// The broker in a process of its own, with Kestrel and the runtime's settings as the server has them, and nothing else of the server; with <c>bare</c>, a <see cref="BareForwarder"/> in its place.
/// It prints its port and ends when its input does.
/// </summary>
internal static class BrokerHost
{
    public static async Task<int> RunAsync(string[] arguments)
    {
        var isBare = arguments is ["bare"];
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, e => _ = isBare
            ? e.UseConnectionHandler<BareForwarder>()
            : e.UseConnectionHandler<MqttConnectionHandler>()));
        builder.Services.AddMqttBroker(options =>
        {
            options.MaxOutboundBytes = 16 * 1024 * 1024;
            options.MaxQueuedMessages = 100_000;
            options.MaxQueuedBytes = 64 * 1024 * 1024;
        });
        builder.Services.AddSingleton<IMqttAuthenticator, Everyone>().AddSingleton<IMqttAuthorizer, Everyone>();
        builder.Services.AddSingleton<BareForwarder>();
        await using var application = builder.Build();
        await application.StartAsync();
        using var directed = Direct(application.Services.GetRequiredService<MqttBroker>());
        var address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        Console.WriteLine(new Uri(address.Replace("tcp://", "http://", StringComparison.Ordinal)).Port);
        // The parent closes our input when it is done, however it ends.
        await Console.In.ReadToEndAsync();
        return 0;
    }

    // What the load publishes here goes on to the one device the way the server's own commands do.
    private static IDisposable Direct(MqttBroker broker)
    {
        var topic = System.Text.Encoding.UTF8.GetBytes(LoadTopics.Control(LoadTopics.Device));
        return broker.Subscribe(LoadTopics.Directed, (in InboundMessage message) => broker.PublishTo(LoadTopics.Device, topic, message.Payload, message.QoS));
    }

    private sealed class Everyone : IMqttAuthenticator, IMqttAuthorizer
    {
        public ValueTask<MqttAuthentication> AuthenticateAsync(MqttConnectRequest request, CancellationToken ct)
        {
            return ValueTask.FromResult(MqttAuthentication.Accept(new MqttIdentity(request.ClientId)));
        }

        public MqttReasonCode CanPublish(MqttIdentity identity, ReadOnlySpan<byte> topicUtf8, bool retain, MqttQoS qos) => MqttReasonCode.Success;

        public MqttReasonCode CanSubscribe(MqttIdentity identity, string filter) => MqttReasonCode.Success;
    }
}
