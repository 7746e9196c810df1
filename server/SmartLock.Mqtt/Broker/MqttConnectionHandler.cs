using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace SmartLock.Mqtt.Broker;

/// <summary>
/// MQTT on a Kestrel endpoint: <c>listenOptions.UseConnectionHandler&lt;MqttConnectionHandler&gt;()</c>, after <c>UseHttps()</c> for TLS.
/// </summary>
public sealed class MqttConnectionHandler(MqttBroker broker) : ConnectionHandler
{
    public override Task OnConnectedAsync(ConnectionContext connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        var certificate = connection.Features.Get<ITlsConnectionFeature>()?.ClientCertificate;
        return broker.ServeAsync(connection.Transport, connection.RemoteEndPoint, certificate, connection.Abort, connection.ConnectionClosed);
    }
}
