using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;

namespace SmartLock.Mqtt.Broker;

/// <summary>MQTT over TLS on a Kestrel endpoint.</summary>
public static class MqttTlsEndpoint
{
    /// <summary>
    /// In place of <c>UseHttps</c> and <c>UseConnectionHandler&lt;MqttConnectionHandler&gt;</c>: the broker sees a connection only when its handshake is
    /// done, so handshakes are bounded here, by <see cref="MqttBrokerOptions.MaxHandshakes"/>, <see cref="MqttBrokerOptions.MaxConnectingPerAddress"/> and
    /// <see cref="MqttBrokerOptions.ConnectTimeout"/>.
    /// </summary>
    public static void UseMqttOverTls(this ListenOptions endpoint, HttpsConnectionAdapterOptions tls)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        ArgumentNullException.ThrowIfNull(tls);
        var options = endpoint.ApplicationServices.GetRequiredService<MqttBroker>().Core.Options;
        var handshakes = new Handshakes(options.MaxHandshakes, options.MaxConnectingPerAddress);
        tls.HandshakeTimeout = options.ConnectTimeout;
        endpoint.Use(next => connection => handshakes.BeginAsync(connection, next));
        endpoint.UseHttps(tls);
        endpoint.Use(next => connection =>
        {
            handshakes.End(connection);
            return next(connection);
        });
        endpoint.UseConnectionHandler<MqttConnectionHandler>();
    }

    private sealed class Handshakes(int most, int mostPerAddress)
    {
        private readonly Lock _gate = new();
        private readonly WaitingLine<ConnectionContext> _line = new(most, mostPerAddress);

        public async Task BeginAsync(ConnectionContext connection, ConnectionDelegate next)
        {
            ConnectionContext? oldest;
            lock (_gate)
            {
                oldest = _line.Add(connection, RemoteAddress.Of(connection.RemoteEndPoint));
            }

            oldest?.Abort(new ConnectionAbortedException("More handshakes are under way than may be, and this one has waited longest."));
            try
            {
                await next(connection).ConfigureAwait(false);
            }
            finally
            {
                End(connection);
            }
        }

        public void End(ConnectionContext connection)
        {
            lock (_gate)
            {
                _line.Remove(connection);
            }
        }
    }
}
