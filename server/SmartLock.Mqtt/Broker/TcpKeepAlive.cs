using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace SmartLock.Mqtt.Broker;

/// <summary>
/// Has the system look after peers that vanish without a trace: a v3.1.1 client may ask for no keep-alive of MQTT's (MQTT 3.1.1, 3.1.2.10), and
/// would stay for ever.
/// </summary>
internal static class TcpKeepAlive
{
    private const int Probes = 4;

    /// <param name="features">Of the connection; one that has no socket of its own is left as it is.</param>
    /// <param name="silence">As <see cref="MqttBrokerOptions.TcpKeepAlive"/>.</param>
    public static void Apply(IFeatureCollection features, TimeSpan silence)
    {
        if (silence == TimeSpan.Zero
            || features.Get<IConnectionSocketFeature>()?.Socket is not { ProtocolType: ProtocolType.Tcp } socket)
        {
            return;
        }

        var seconds = Math.Max(1, (int)silence.TotalSeconds);
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, seconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, Math.Max(1, seconds / Probes));
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, Probes);
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is gone already, which the first read will tell.
            return;
        }
    }
}
