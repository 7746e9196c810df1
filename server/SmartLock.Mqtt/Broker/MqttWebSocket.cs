using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace SmartLock.Mqtt.Broker;

/// <summary>MQTT over WebSocket (MQTT 5, section 6).</summary>
public static class MqttWebSocket
{
    private const string Protocol = "mqtt";

    /// <summary>Serves the sub-protocol <c>mqtt</c> at the pattern, on any HTTP endpoint of the application.</summary>
    public static IEndpointConventionBuilder MapMqttWebSocket(this IEndpointRouteBuilder endpoints, string pattern)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var application = endpoints.CreateApplicationBuilder();
        application.UseWebSockets();
        application.Run(ServeAsync);
        return endpoints.Map(pattern, application.Build()).WithDisplayName("MQTT over WebSocket");
    }

    private static async Task ServeAsync(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest || !context.WebSockets.WebSocketRequestedProtocols.Contains(Protocol))
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        var broker = context.RequestServices.GetRequiredService<MqttBroker>();
        var silence = broker.Core.Options.TcpKeepAlive;
        TcpKeepAlive.Apply(context.Features, silence);
        // Pings of its own beside that: behind a proxy the TCP connection is the proxy's.
        using var socket = await context.WebSockets.AcceptWebSocketAsync(silence == TimeSpan.Zero
            ? new WebSocketAcceptContext { SubProtocol = Protocol }
            : new WebSocketAcceptContext { SubProtocol = Protocol, KeepAliveInterval = silence, KeepAliveTimeout = silence });
        var address = context.Connection.RemoteIpAddress;
        var remote = address is null ? null : new IPEndPoint(address, context.Connection.RemotePort);
        await using var transport = new WebSocketTransport(socket);
        await broker.ServeAsync(transport, remote, context.Connection.ClientCertificate, context.Abort, context.RequestAborted);
        broker.Core.Connections.AbortUnlessClosed(context.Abort, transport.Ended);
    }
}
