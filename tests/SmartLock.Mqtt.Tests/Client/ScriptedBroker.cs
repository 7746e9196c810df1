using System.Buffers;
using System.Threading.Channels;
using SmartLock.Mqtt.Client;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Client;

/// <summary>Accepts in-memory connections; the test plays the broker's part on each.</summary>
internal sealed class ScriptedBroker
{
    private readonly Channel<Peer> _accepted = Channel.CreateUnbounded<Peer>();

    public MqttProtocolVersion Version { get; init; } = MqttProtocolVersion.V500;

    public int Attempts { get; private set; }

    public MqttClientOptions Options => new()
    {
        ClientId = "device",
        ProtocolVersion = Version,
        Connector = Connect,
        KeepAlive = TimeSpan.Zero,
        ReconnectMinimum = TimeSpan.FromMilliseconds(1),
        ReconnectMaximum = TimeSpan.FromMilliseconds(2),
    };

    public static Task<T> InTime<T>(Task<T> task) => task.WaitAsync(TimeSpan.FromSeconds(15));

    public static Task InTime(Task task) => task.WaitAsync(TimeSpan.FromSeconds(15));

    public Task<Peer> AcceptAsync() => InTime(_accepted.Reader.ReadAsync().AsTask());

    /// <summary>Takes a connection through CONNECT and CONNACK.</summary>
    public async Task<Peer> WelcomeAsync(bool sessionPresent = false, MqttProperties? properties = null)
    {
        var peer = await AcceptAsync();
        await peer.ExpectAsync(MqttPacketType.Connect);
        await peer.SendAsync(o => new ConnAckPacket(sessionPresent, MqttReasonCode.Success, properties).WriteTo(o, Version));
        return peer;
    }

    /// <summary>Connects the client by one attempt.</summary>
    public async Task<Peer> ConnectAsync(MqttClient client, MqttProperties? properties = null, bool sessionPresent = false)
    {
        var connecting = client.ConnectAsync();
        var peer = await WelcomeAsync(sessionPresent, properties);
        await InTime(connecting);
        return peer;
    }

    private ValueTask<MqttConnection> Connect(CancellationToken cancellationToken)
    {
        Attempts++;
        var (client, server) = InMemoryMqttConnection.CreatePair();
        _accepted.Writer.TryWrite(new Peer(server, Version));
        return ValueTask.FromResult<MqttConnection>(client);
    }
}

/// <summary>The broker's end of one connection.</summary>
internal sealed class Peer(InMemoryMqttConnection connection, MqttProtocolVersion version)
{
    /// <summary>The next packet of the client; null when it has ended the connection.</summary>
    public async Task<Frame?> NextAsync()
    {
        while (true)
        {
            ReadOnlySequence<byte> buffer;
            bool isCompleted;
            try
            {
                var result = await ScriptedBroker.InTime(connection.Input.ReadAsync().AsTask());
                (buffer, isCompleted) = (result.Buffer, result.IsCompleted);
            }
            catch (IOException)
            {
                return null;
            }

            Frame? frame = null;
            if (MqttFrame.TryRead(ref buffer, uint.MaxValue, out var header, out var body))
            {
                frame = new Frame(header, body.ToArray(), version);
            }

            connection.Input.AdvanceTo(buffer.Start, frame is null ? buffer.End : buffer.Start);
            if (frame is not null || isCompleted)
            {
                return frame;
            }
        }
    }

    public async Task<Frame> ExpectAsync(MqttPacketType type)
    {
        var frame = await NextAsync();
        frame.ShouldNotBeNull();
        frame.Type.ShouldBe(type);
        return frame;
    }

    public async Task<PublishFrame> ExpectPublishAsync() => (await ExpectAsync(MqttPacketType.Publish)).AsPublish();

    public async Task<AckPacket> ExpectAckAsync(MqttPacketType type) => (await ExpectAsync(type)).AsAck();

    public async Task ExpectEndAsync() => (await NextAsync()).ShouldBeNull();

    public async Task SendAsync(Action<IBufferWriter<byte>> write)
    {
        write(connection.Output);
        await connection.Output.FlushAsync();
    }

    public Task SendRawAsync(params byte[] bytes) => SendAsync(o => o.Write(bytes));

    public Task AckAsync(MqttPacketType type, ushort id, MqttReasonCode code = MqttReasonCode.Success)
    {
        return SendAsync(o => new AckPacket(type, id, code).WriteTo(o, version));
    }

    public Task PublishAsync(string topic, MqttQoS qos, ushort id = 0, bool duplicate = false, string payload = "x", ushort alias = 0)
    {
        return SendAsync(o => new OutgoingPublish
        {
            Topic = MqttUtf8.GetBytes(topic),
            Payload = MqttUtf8.GetBytes(payload),
            QoS = qos,
            PacketId = id,
            Duplicate = duplicate,
            TopicAlias = alias,
        }.WriteTo(o, version));
    }

    /// <summary>
    /// Returns when the client has read everything sent so far: it answers a release of an identifier it does not know.
    /// </summary>
    public async Task BarrierAsync()
    {
        await AckAsync(MqttPacketType.PubRel, ushort.MaxValue);
        (await ExpectAckAsync(MqttPacketType.PubComp)).PacketId.ShouldBe(ushort.MaxValue);
    }

    /// <summary>A lost connection.</summary>
    public void Abort() => connection.Abort();

    /// <summary>An orderly end.</summary>
    public ValueTask CloseAsync() => connection.DisposeAsync();

    /// <summary>Takes the DISCONNECT of a client that goes, and lets it go.</summary>
    public async Task<MqttReasonCode> FarewellAsync()
    {
        var packet = (await ExpectAsync(MqttPacketType.Disconnect)).AsDisconnect();
        await CloseAsync();
        return packet.ReasonCode;
    }
}

internal sealed record PublishFrame(string Topic, string Payload, MqttQoS QoS, ushort Id, bool Duplicate, bool Retain, ushort Alias);

internal sealed record Frame(byte Header, byte[] Body, MqttProtocolVersion Version)
{
    public MqttPacketType Type => MqttFrame.TypeOf(Header);

    public PublishFrame AsPublish()
    {
        var p = PublishPacket.Read(Header, Body, Version);
        return new(
            MqttUtf8.GetString(p.Topic),
            MqttUtf8.GetString(p.Payload),
            p.QoS,
            p.PacketId,
            p.Duplicate,
            p.Retain,
            p.TopicAlias);
    }

    public AckPacket AsAck() => AckPacket.Read(Header, Body, Version);

    public SubscribePacket AsSubscribe() => SubscribePacket.Read(Body, Version);

    public UnsubscribePacket AsUnsubscribe() => UnsubscribePacket.Read(Body, Version);

    public ConnectPacket AsConnect() => ConnectPacket.Read(Body);

    public DisconnectPacket AsDisconnect() => DisconnectPacket.Read(Body, Version);
}

/// <summary>Lets a test await the end of a connection.</summary>
internal sealed class Ending
{
    private readonly TaskCompletionSource<MqttDisconnectedEventArgs> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Ending(MqttClient client)
    {
        client.Disconnected += (_, e) => _end.TrySetResult(e);
    }

    public Task<MqttDisconnectedEventArgs> Task => ScriptedBroker.InTime(_end.Task);
}
