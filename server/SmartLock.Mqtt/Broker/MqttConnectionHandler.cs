using Microsoft.AspNetCore.Connections;
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
        await broker.ServeAsync(connection.Transport, connection.RemoteEndPoint, certificate, connection.Abort, connection.ConnectionClosed);
        broker.Core.Connections.AbortUnlessClosed(connection.Abort, connection.ConnectionClosed);
    }
}
