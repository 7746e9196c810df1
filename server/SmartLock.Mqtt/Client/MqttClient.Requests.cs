using System.Buffers;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Client;

public sealed partial class MqttClient
{
    private readonly Dictionary<string, (MqttSubscription Subscription, MqttProperties? Properties)> _subscriptions =
        new(StringComparer.Ordinal);

    /// <summary>Sends a request; again on the next connection of a started client, when one is lost before the answer.</summary>
    private async Task<IReadOnlyList<MqttReasonCode>> RequestAsync(
        Func<ClientConnection, Task<IReadOnlyList<MqttReasonCode>>> send,
        CancellationToken cancellationToken)
    {
        while (true)
        {
            var connection = await ConnectedAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                return await send(connection).WaitAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (MqttNotConnectedException) when (IsRunning)
            {
                await WaitForEndAsync(connection, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// Remembered from the moment of sending: were the connection lost right behind the SUBACK, the next one must renew it.
    /// Forgotten when the connection is lost before, as the caller then asks again.
    /// </summary>
    private async Task<IReadOnlyList<MqttReasonCode>> SendSubscribeAsync(
        ClientConnection connection,
        IReadOnlyList<MqttSubscription> subscriptions,
        MqttProperties? properties)
    {
        Remember(subscriptions, properties);
        try
        {
            return await SendRequestAsync(
                connection,
                MqttPacketType.SubAck,
                subscriptions.Count,
                (id, output) => new SubscribePacket(id, subscriptions, properties).WriteTo(output, _options.ProtocolVersion))
                .ConfigureAwait(false);
        }
        catch
        {
            Forget(subscriptions.Select(s => s.Filter));
            throw;
        }
    }

    /// <summary>
    /// Completes with the answer, whether or not its caller still waits: only then is the identifier free again. Without one in time
    /// the connection is given up.
    /// </summary>
    private async Task<IReadOnlyList<MqttReasonCode>> SendRequestAsync(
        ClientConnection connection,
        MqttPacketType answer,
        int count,
        Action<ushort, IBufferWriter<byte>> write)
    {
        if (!_outgoing.TryRentRequestId(out var id))
        {
            throw new InvalidOperationException("Too many requests wait for an answer.");
        }

        try
        {
            var packet = new ArrayBufferWriter<byte>();
            write(id, packet);
            if (!connection.Takes(packet.WrittenCount))
            {
                var refusals = new MqttReasonCode[count];
                Array.Fill(refusals, MqttReasonCode.PacketTooLarge);
                return refusals;
            }

            var answered = connection.Requests.Add(id, answer, count);
            connection.Output.Append(output => output.Write(packet.WrittenSpan));
            connection.Output.Flush();
            return await answered.WaitAsync(_options.ConnectTimeout, _time).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            // A broker that answers pings but no requests is of no use: the next connection may find a better one.
            connection.Abort(new(MqttDisconnectCause.ConnectionLost, MqttReasonCode.UnspecifiedError, e));
            throw new MqttNotConnectedException("The broker did not answer in time.");
        }
        finally
        {
            _outgoing.ReturnRequestId(connection, id);
        }
    }

    private void Remember(IEnumerable<MqttSubscription> subscriptions, MqttProperties? properties)
    {
        lock (_gate)
        {
            foreach (var subscription in subscriptions)
            {
                _subscriptions[subscription.Filter] = (subscription, properties);
            }
        }
    }

    private void Forget(IEnumerable<string> filters)
    {
        lock (_gate)
        {
            foreach (var filter in filters)
            {
                _subscriptions.Remove(filter);
            }
        }
    }

    /// <summary>All filters that share their properties (a subscription identifier) together.</summary>
    private void Resubscribe(ClientConnection connection)
    {
        (MqttSubscription Subscription, MqttProperties? Properties)[] all;
        lock (_gate)
        {
            all = [.. _subscriptions.Values];
        }

        foreach (var group in all.GroupBy(s => s.Properties))
        {
            Resubscribe(connection, [.. group.Select(s => s.Subscription)], group.Key);
        }
    }

    /// <summary>In as few packets as the broker's Maximum Packet Size allows.</summary>
    private void Resubscribe(ClientConnection connection, MqttSubscription[] subscriptions, MqttProperties? properties)
    {
        var packet = new ArrayBufferWriter<byte>();
        new SubscribePacket(1, subscriptions, properties).WriteTo(packet, _options.ProtocolVersion);
        if (subscriptions.Length == 1 || connection.Takes(packet.WrittenCount))
        {
            _ = ResubscribeAsync(connection, subscriptions, properties);
            return;
        }

        var half = subscriptions.Length / 2;
        Resubscribe(connection, subscriptions[..half], properties);
        Resubscribe(connection, subscriptions[half..], properties);
    }

    private async Task ResubscribeAsync(ClientConnection connection, MqttSubscription[] subscriptions, MqttProperties? properties)
    {
        try
        {
            var codes = await SendRequestAsync(
                connection,
                MqttPacketType.SubAck,
                subscriptions.Length,
                (id, output) => new SubscribePacket(id, subscriptions, properties).WriteTo(output, _options.ProtocolVersion))
                .ConfigureAwait(false);
            for (var i = 0; i < codes.Count; i++)
            {
                if (codes[i].IsFailure())
                {
                    _logger.ResubscribeRefused(ClientId, subscriptions[i].Filter, codes[i]);
                }
            }
        }
        catch (MqttNotConnectedException)
        {
            // The next connection renews them again.
            _logger.ResubscribeInterrupted(ClientId);
        }
    }
}
