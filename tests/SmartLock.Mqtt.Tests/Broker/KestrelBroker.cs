using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using SmartLock.Mqtt.Broker;

namespace SmartLock.Mqtt.Tests.Broker;

/// <summary>A broker as an application hosts it: MQTT on one TCP port of Kestrel's, WebSocket on another.</summary>
internal sealed class KestrelBroker : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly List<IDisposable> _sockets = [];

    private KestrelBroker(WebApplication application)
    {
        _application = application;
        Broker = application.Services.GetRequiredService<MqttBroker>();
        var addresses = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ToArray();
        MqttPort = new Uri(addresses[0].Replace("tcp://", "http://", StringComparison.Ordinal)).Port;
        HttpPort = new Uri(addresses[1]).Port;
    }

    public MqttBroker Broker { get; }

    public int MqttPort { get; }

    public int HttpPort { get; }

    /// <param name="access">Null: none is registered.</param>
    /// <param name="configure">The broker's limits.</param>
    /// <param name="listen">The MQTT endpoint's own options.</param>
    /// <param name="listenWeb">The HTTP endpoint's.</param>
    public static async Task<KestrelBroker> StartAsync(
        TestAccess? access,
        Action<MqttBrokerOptions>? configure = null,
        Action<ListenOptions>? listen = null,
        Action<ListenOptions>? listenWeb = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, endpoint =>
            {
                listen?.Invoke(endpoint);
                endpoint.UseConnectionHandler<MqttConnectionHandler>();
            });
            kestrel.Listen(IPAddress.Loopback, 0, endpoint => listenWeb?.Invoke(endpoint));
        });
        builder.Services.AddMqttBroker(options =>
        {
            // In real time the default of a second would be waited for in every test of a refused login.
            options.RefusalDelay = TimeSpan.FromMilliseconds(50);
            configure?.Invoke(options);
        });
        if (access is not null)
        {
            builder.Services.AddSingleton<IMqttAuthenticator>(access).AddSingleton<IMqttAuthorizer>(access);
        }

        var application = builder.Build();
        application.MapMqttWebSocket("/mqtt");
        await application.StartAsync();
        return new KestrelBroker(application);
    }

    public Task StopAsync() => _application.StopAsync();

    public async Task<TestClient> OpenTcpAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        _sockets.Add(socket);
        await socket.ConnectAsync(IPAddress.Loopback, MqttPort);
        return StreamClient.Over(new NetworkStream(socket, ownsSocket: true));
    }

    public async Task<ClientWebSocket> OpenWebSocketAsync(string? protocol = "mqtt")
    {
        var socket = new ClientWebSocket();
        _sockets.Add(socket);
        if (protocol is not null)
        {
            socket.Options.AddSubProtocol(protocol);
        }

        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{HttpPort}/mqtt"), CancellationToken.None);
        return socket;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var socket in _sockets)
        {
            socket.Dispose();
        }

        await _application.DisposeAsync();
    }
}
