using System.Buffers;
using BenchmarkDotNet.Attributes;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Benchmarks;

/// <summary>MQTT packets to and from bytes: a device's heartbeat of 200 bytes.</summary>
public class PacketBenchmarks
{
    private const int StreamPackets = 100;
    private const uint MaximumPacketSize = 256 * 1024;

    private readonly ArrayBufferWriter<byte> _output = new(4096);
    private readonly byte[] _payload = new byte[200];
    private byte[] _publish311 = [];
    private byte[] _publish500 = [];
    private byte[] _properties = [];
    private byte[] _stream = [];

    [GlobalSetup]
    public void SetUp()
    {
        _properties = OutgoingPublish.EncodeProperties(new MqttProperties
        {
            ContentType = "application/json",
            UserProperties = [new MqttUserProperty("site", "north")],
        });
        _publish311 = Written(() => Heartbeat().WriteTo(_output, MqttProtocolVersion.V311));
        _publish500 = Written(() => HeartbeatWithProperties().WriteTo(_output, MqttProtocolVersion.V500));
        _stream = [.. Enumerable.Repeat(_publish311, StreamPackets).SelectMany(p => p)];
    }

    [Benchmark]
    public int DecodePublish311() => Decode(_publish311, MqttProtocolVersion.V311);

    [Benchmark]
    public int DecodePublish500WithProperties() => Decode(_publish500, MqttProtocolVersion.V500);

    /// <summary>All 100.</summary>
    [Benchmark]
    public int Cut100FramesOutOfAStream()
    {
        var buffer = new ReadOnlySequence<byte>(_stream);
        var bytes = 0;
        while (MqttFrame.TryRead(ref buffer, MaximumPacketSize, out _, out var body))
        {
            bytes += (int)body.Length;
        }

        return bytes;
    }

    [Benchmark]
    public int EncodePublish311()
    {
        _output.ResetWrittenCount();
        Heartbeat().WriteTo(_output, MqttProtocolVersion.V311);
        return _output.WrittenCount;
    }

    [Benchmark]
    public int EncodePublish500WithProperties()
    {
        _output.ResetWrittenCount();
        HeartbeatWithProperties().WriteTo(_output, MqttProtocolVersion.V500);
        return _output.WrittenCount;
    }

    [Benchmark]
    public int EncodePubAck()
    {
        _output.ResetWrittenCount();
        new AckPacket(MqttPacketType.PubAck, 77).WriteTo(_output, MqttProtocolVersion.V500);
        return _output.WrittenCount;
    }

    private OutgoingPublish Heartbeat() => new() { Topic = "smartlock/status/ESP32-7C9EBD"u8, Payload = _payload };

    private OutgoingPublish HeartbeatWithProperties() => new()
    {
        Topic = "smartlock/status/ESP32-7C9EBD"u8,
        Payload = _payload,
        Properties = _properties,
        MessageExpiryInterval = 30,
        QoS = MqttQoS.AtLeastOnce,
        PacketId = 77,
    };

    private byte[] Written(Action write)
    {
        _output.ResetWrittenCount();
        write();
        return _output.WrittenSpan.ToArray();
    }

    private static int Decode(byte[] packet, MqttProtocolVersion version)
    {
        var buffer = new ReadOnlySequence<byte>(packet);
        MqttFrame.TryRead(ref buffer, MaximumPacketSize, out var header, out var sequence);
        using var body = new ContiguousBody(sequence);
        return PublishPacket.Read(header, body.Span, version).Payload.Length;
    }
}
