using System.Globalization;
using System.Net;
using System.Net.Sockets;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Broker;

namespace SmartLock.Server.Tests.MainJob;

/// <summary>A raw client with a session that lasts, over any number of connections.</summary>
internal abstract class LastingClient(IPEndPoint broker, string userName, string password) : IAsyncDisposable
{
    private Socket? _socket;

    protected string UserName => userName;

    protected TestClient Client { get; private set; } = null!;

    /// <param name="isNew">Whether the broker is to know nothing of it.</param>
    public async Task ConnectAsync(bool isNew)
    {
        _socket?.Dispose();
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await _socket.ConnectAsync(broker);
        Client = StreamClient.Over(new NetworkStream(_socket));
        var answer = await Client.ConnectAsync(new ConnectPacket
        {
            ProtocolVersion = MqttProtocolVersion.V500,
            ClientId = userName,
            CleanStart = false,
            UserName = userName,
            Password = System.Text.Encoding.UTF8.GetBytes(password),
            Properties = new MqttProperties { SessionExpiryInterval = 3600 },
        });
        (answer.ReasonCode, answer.SessionPresent).ShouldBe((MqttReasonCode.Success, !isNew));
    }

    /// <summary>Null when the server is gone.</summary>
    protected async Task<Received?> TryReadAsync()
    {
        try
        {
            return await Client.TryReadAsync();
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <returns>False when the server is gone.</returns>
    protected async Task<bool> TrySendAsync(Action<System.Buffers.IBufferWriter<byte>> write)
    {
        try
        {
            await Client.SendAsync(write);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    public ValueTask DisposeAsync()
    {
        _socket?.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>Publishes as fast as its window lets it, and knows what was acknowledged.</summary>
internal sealed class RecordingPublisher(IPEndPoint broker, string deviceId, string password) : LastingClient(broker, deviceId, password)
{
    private const int Window = 200;

    // By packet identifier, in the order of sending.
    private readonly OrderedDictionary<ushort, (string Payload, bool IsReceived)> _open = [];
    private ushort _lastId;

    /// <summary>In the order of sending, over all rounds.</summary>
    public List<string> Sent { get; } = [];

    /// <summary>Sends this many, or until the server is gone.</summary>
    /// <param name="acknowledged">Called with the number of acknowledgements in this round.</param>
    public async Task PublishAsync(int count, MqttQoS qos, string prefix, Action<int> acknowledged)
    {
        var (sent, done) = (0, 0);
        while (done < count)
        {
            var room = Math.Min(Window - _open.Count, count - sent);
            if (room > 0 && !await TrySendAsync(output => WriteNew(output, room, qos, prefix, sent)))
            {
                return;
            }

            sent += Math.Max(room, 0);
            if (await TryTakeAckAsync() is not { } isDone)
            {
                return;
            }

            done += isDone ? 1 : 0;
            acknowledged(done);
        }
    }

    /// <summary>As the protocol has it after a reconnect: what is not known to have arrived goes again.</summary>
    public async Task FinishAsync(MqttQoS qos)
    {
        (await TrySendAsync(output =>
        {
            foreach (var (id, (payload, isReceived)) in _open)
            {
                if (isReceived)
                {
                    new AckPacket(MqttPacketType.PubRel, id).WriteTo(output, MqttProtocolVersion.V500);
                    continue;
                }

                Client.WritePublish(output, Topic, payload, qos, packetId: id, duplicate: true);
            }
        })).ShouldBeTrue();
        while (_open.Count > 0)
        {
            (await TryTakeAckAsync()).ShouldNotBeNull();
        }
    }

    private string Topic => $"smartlock/status/{UserName}";

    private void WriteNew(System.Buffers.IBufferWriter<byte> output, int count, MqttQoS qos, string prefix, int from)
    {
        for (var i = 0; i < count; i++)
        {
            var payload = prefix + (from + i).ToString(CultureInfo.InvariantCulture);
            _lastId = (ushort)((_lastId % ushort.MaxValue) + 1);
            _open.Add(_lastId, (payload, false));
            Sent.Add(payload);
            Client.WritePublish(output, Topic, payload, qos, packetId: _lastId);
        }
    }

    /// <returns>Whether a message is through; null when the server is gone.</returns>
    private async Task<bool?> TryTakeAckAsync()
    {
        if (await TryReadAsync() is not { } packet)
        {
            return null;
        }

        var ack = packet.Ack(packet.Type);
        switch (packet.Type)
        {
            case MqttPacketType.PubRec:
                ack.ReasonCode.IsFailure().ShouldBeFalse();
                _open[ack.PacketId] = (_open[ack.PacketId].Payload, true);
                return await TrySendAsync(output => new AckPacket(MqttPacketType.PubRel, ack.PacketId).WriteTo(output, MqttProtocolVersion.V500)) ? false : null;
            case MqttPacketType.PubAck or MqttPacketType.PubComp:
                // A PUBREL that goes again may have been reported before: its exchange is over then.
                (ack.ReasonCode.IsFailure() && ack.ReasonCode != MqttReasonCode.PacketIdentifierNotFound).ShouldBeFalse($"{packet.Type} {ack.PacketId}");
                _open.Remove(ack.PacketId).ShouldBeTrue();
                return true;
            default:
                throw new ShouldAssertException($"Unexpected {packet.Type}.");
        }
    }
}

/// <summary>Takes messages exactly as often as the protocol says, over any number of connections.</summary>
internal sealed class RecordingSubscriber(IPEndPoint broker, string name, string password) : LastingClient(broker, name, password)
{
    private readonly HashSet<ushort> _received = [];

    public List<string> Taken { get; } = [];

    public Task SubscribeAsync() => Client.SubscribeAsync("smartlock/status/#", MqttQoS.ExactlyOnce);

    /// <summary>Until so many different messages are there, or the server is gone.</summary>
    public async Task TakeAsync(int different)
    {
        var seen = Taken.ToHashSet();
        while (seen.Count < different && await TryReadAsync() is { } packet)
        {
            if (packet.Type == MqttPacketType.Publish)
            {
                var message = packet.Publish();
                if (message.QoS != MqttQoS.ExactlyOnce || _received.Add(message.PacketId))
                {
                    Taken.Add(message.Payload);
                    seen.Add(message.Payload);
                }

                await AnswerAsync(message.QoS == MqttQoS.ExactlyOnce ? MqttPacketType.PubRec : MqttPacketType.PubAck, message.PacketId);
                continue;
            }

            await ReleaseAsync(packet);
        }
    }

    /// <summary>
    /// Proves that nothing new comes. At QoS 1 a message may come that came before: the publisher sent it again because its acknowledgement
    /// was lost, and the server had it.
    /// </summary>
    public async Task ShouldHaveNothingNewAsync()
    {
        await TrySendAsync(PingPackets.WriteRequest);
        for (var packet = await TryReadAsync(); packet!.Type != MqttPacketType.PingResp; packet = await TryReadAsync())
        {
            if (packet.Type == MqttPacketType.Publish)
            {
                await TakeAgainAsync(packet.Publish());
                continue;
            }

            await ReleaseAsync(packet);
        }
    }

    private async Task TakeAgainAsync(ReceivedPublish message)
    {
        message.QoS.ShouldBe(MqttQoS.AtLeastOnce);
        Taken.ShouldContain(message.Payload);
        Taken.Add(message.Payload);
        await AnswerAsync(MqttPacketType.PubAck, message.PacketId);
    }

    private async Task ReleaseAsync(Received packet)
    {
        var id = packet.Ack(MqttPacketType.PubRel).PacketId;
        _received.Remove(id);
        await AnswerAsync(MqttPacketType.PubComp, id);
    }

    private Task<bool> AnswerAsync(MqttPacketType type, ushort id) =>
        TrySendAsync(output => new AckPacket(type, id).WriteTo(output, MqttProtocolVersion.V500));
}
