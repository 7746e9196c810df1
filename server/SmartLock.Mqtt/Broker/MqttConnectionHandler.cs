using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace SmartLock.Mqtt.Broker;

/// <summary>
/// MQTT on a Kestrel endpoint: <c>listenOptions.UseConnectionHandler&lt;MqttConnectionHandler&gt;()</c>; for TLS see <see cref="MqttTlsEndpoint"/>.
/// </summary>
public sealed class MqttConnectionHandler(MqttBroker broker) : ConnectionHandler
{
    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        TcpKeepAlive.Apply(connection.Features, broker.Core.Options.TcpKeepAlive);
        var certificate = connection.Features.Get<ITlsConnectionFeature>()?.ClientCertificate;
        await broker.ServeAsync(
            connection.Transport, connection.RemoteEndPoint, certificate, connection.Abort, () => HalfClose(connection.Features), connection.ConnectionClosed);
        broker.Core.Connections.AbortUnlessClosed(connection.Abort, connection.ConnectionClosed);
    }

    private static void HalfClose(IFeatureCollection features)
    {
        // Under TLS the end has to be sealed, or the peer takes it for an attack: it is told by Kestrel, when the connection is let go.
        if (features.Get<ITlsHandshakeFeature>() is not null || features.Get<IConnectionSocketFeature>()?.Socket is not { } socket)
        {
            return;
        }

        try
        {
            // A socket that takes nothing now has not been given the last word yet.
            if (socket.Poll(0, SelectMode.SelectWrite))
            {
                socket.Shutdown(SocketShutdown.Send);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The peer is gone already, which the next read tells.
            return;
        }
    }
}
