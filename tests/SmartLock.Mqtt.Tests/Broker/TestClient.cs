using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Broker;

/// <summary>A packet as it arrived.</summary>
internal sealed record Received(MqttPacketType Type, byte Header, byte[] Body, MqttProtocolVersion Version)
{
    public ReceivedPublish Publish()
    {
        Type.ShouldBe(MqttPacketType.Publish);
        var packet = PublishPacket.Read(Header, Body, Version);
        return new ReceivedPublish(
            Encoding.UTF8.GetString(packet.Topic),
            Encoding.UTF8.GetString(packet.Payload),
            packet.QoS,
            packet.Retain,
            packet.Duplicate,
            packet.PacketId,
            packet.DecodeProperties());
    }

    public AckPacket Ack(MqttPacketType type)
    {
        Type.ShouldBe(type);
        return AckPacket.Read(Header, Body, Version);
    }

    public SubAckPacket SubAck() => Type == MqttPacketType.SubAck ? SubAckPacket.Read(Body, Version) : throw Unexpected();

    public UnsubAckPacket UnsubAck() => Type == MqttPacketType.UnsubAck ? UnsubAckPacket.Read(Body, Version) : throw Unexpected();

    public DisconnectPacket Disconnect() => Type == MqttPacketType.Disconnect ? DisconnectPacket.Read(Body, Version) : throw Unexpected();

    private ShouldAssertException Unexpected() => new($"Unexpected {Type}.");
}

internal sealed record ReceivedPublish(
    string Topic,
    string Payload,
    MqttQoS QoS,
    bool Retain,
    bool Duplicate,
    ushort PacketId,
    MqttProperties? Properties);

/// <summary>A client that does exactly what a test tells it, and answers nothing by itself.</summary>
internal sealed class TestClient(IDuplexPipe transport, Task served) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private ushort _packetId;

    public MqttProtocolVersion Version { get; private set; } = MqttProtocolVersion.V500;

    /// <summary>Ends when the broker has let go of the connection.</summary>
    public Task Served { get; } = served;

    public async Task<ConnAckPacket> ConnectAsync(ConnectPacket connect)
    {
        Version = connect.ProtocolVersion;
        await SendAsync(connect.WriteTo);
        var answer = await ReadAsync();
        answer.Type.ShouldBe(MqttPacketType.ConnAck);
        return ConnAckPacket.Read(answer.Body, Version);
    }

    public async Task SendAsync(Action<IBufferWriter<byte>> write)
    {
        write(transport.Output);
        await transport.Output.FlushAsync().AsTask().WaitAsync(Patience);
    }

    public Task SendAsync(params byte[] bytes) => SendAsync(output => output.Write(bytes));

    public Task SendAsync(AckPacket ack) => SendAsync(output => ack.WriteTo(output, Version));

    /// <summary>Sends without waiting for an acknowledgement.</summary>
    public async Task<ushort> PublishAsync(
        string topic,
        string payload,
        MqttQoS qos = MqttQoS.AtMostOnce,
        bool retain = false,
        MqttProperties? properties = null,
        ushort packetId = 0,
        bool duplicate = false)
    {
        var id = qos == MqttQoS.AtMostOnce ? (ushort)0 : packetId != 0 ? packetId : ++_packetId;
        await SendAsync(output => WritePublish(output, topic, payload, qos, retain, properties, id, duplicate));
        return id;
    }

    public void WritePublish(
        IBufferWriter<byte> output,
        string topic,
        string payload,
        MqttQoS qos = MqttQoS.AtMostOnce,
        bool retain = false,
        MqttProperties? properties = null,
        ushort packetId = 0,
        bool duplicate = false)
    {
        var publish = new OutgoingPublish
        {
            Topic = Encoding.UTF8.GetBytes(topic),
            Payload = Encoding.UTF8.GetBytes(payload),
            QoS = qos,
            Retain = retain,
            Duplicate = duplicate,
            PacketId = packetId,
            Properties = OutgoingPublish.EncodeProperties(properties),
        };
        publish.WriteTo(output, Version);
    }

    /// <summary>Subscribes and reads the SUBACK.</summary>
    public async Task<IReadOnlyList<MqttReasonCode>> SubscribeAsync(uint identifier = 0, params MqttSubscription[] subscriptions)
    {
        var properties = identifier == 0 ? null : new MqttProperties { SubscriptionIdentifiers = [identifier] };
        var packet = new SubscribePacket(++_packetId, subscriptions, properties);
        await SendAsync(output => packet.WriteTo(output, Version));
        var answer = (await ReadAsync()).SubAck();
        answer.PacketId.ShouldBe(packet.PacketId);
        return answer.ReasonCodes;
    }

    public async Task SubscribeAsync(string filter, MqttQoS qos = MqttQoS.AtMostOnce, uint identifier = 0)
    {
        (await SubscribeAsync(identifier, new MqttSubscription(filter, qos))).ShouldBe([(MqttReasonCode)qos]);
    }

    public async Task<Received> ReadAsync()
    {
        return await TryReadAsync() ?? throw new ShouldAssertException("The broker closed the connection.");
    }

    public async Task<ReceivedPublish> ReadPublishAsync() => (await ReadAsync()).Publish();

    /// <summary>Reads a QoS 1 message and acknowledges it.</summary>
    public async Task<ReceivedPublish> TakeAsync()
    {
        var message = await ReadPublishAsync();
        if (message.QoS == MqttQoS.AtLeastOnce)
        {
            await SendAsync(new AckPacket(MqttPacketType.PubAck, message.PacketId));
        }

        return message;
    }

    /// <summary>Proves that nothing else is under way: the next thing to arrive is the answer to a ping.</summary>
    public async Task ShouldHaveNothingAsync()
    {
        await SendAsync(PingPackets.WriteRequest);
        (await ReadAsync()).Type.ShouldBe(MqttPacketType.PingResp);
    }

    /// <summary>What the broker says last; null when it closes without a word.</summary>
    public async Task<MqttReasonCode?> ReadDisconnectAsync()
    {
        if (await TryReadAsync() is not { } last)
        {
            return null;
        }

        var reason = last.Disconnect().ReasonCode;
        (await TryReadAsync()).ShouldBeNull();
        return reason;
    }

    /// <summary>Null at the end of the stream.</summary>
    public async Task<Received?> TryReadAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            var result = await transport.Input.ReadAsync(patience.Token);
            var buffer = result.Buffer;
            if (MqttFrame.TryRead(ref buffer, uint.MaxValue, out var header, out var body))
            {
                var packet = new Received(MqttFrame.TypeOf(header), header, body.ToArray(), Version);
                transport.Input.AdvanceTo(buffer.Start);
                return packet;
            }

            transport.Input.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCompleted)
            {
                return null;
            }
        }
    }

    /// <summary>Reads and forgets this many bytes.</summary>
    public async Task SkipAsync(long bytes)
    {
        while (bytes > 0)
        {
            var result = await transport.Input.ReadAsync();
            bytes -= result.Buffer.Length;
            transport.Input.AdvanceTo(result.Buffer.End);
            result.IsCompleted.ShouldBeFalse();
        }
    }

    /// <summary>Says goodbye, and waits until the broker has let go.</summary>
    public async Task LeaveAsync(MqttReasonCode reason = MqttReasonCode.Success, uint? sessionExpiry = null)
    {
        var properties = sessionExpiry is { } seconds ? new MqttProperties { SessionExpiryInterval = seconds } : null;
        await SendAsync(output => new DisconnectPacket(reason, properties).WriteTo(output, Version));
        await Served.WaitAsync(Patience);
    }

    /// <summary>Vanishes without a goodbye, and waits until the broker has noticed.</summary>
    /// <param name="error">What the broker's side reads at the end.</param>
    public async Task VanishAsync(Exception? error = null)
    {
        await transport.Output.CompleteAsync(error);
        await Served.WaitAsync(Patience);
    }

    public async ValueTask DisposeAsync()
    {
        await transport.Output.CompleteAsync();
        await transport.Input.CompleteAsync();
        await Served.WaitAsync(Patience);
    }
}
