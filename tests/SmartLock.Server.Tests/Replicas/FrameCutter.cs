using System.Buffers;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Server.Tests.Replicas;

/// <summary>Cuts one direction of a connection into MQTT packets, of which it keeps no more than the one that is not all there.</summary>
internal sealed class FrameCutter(FrameCutter.FrameHandler reported)
{
    /// <summary>Twice what the server takes.</summary>
    private const int LongestPacket = 32 * 1024;

    private readonly ArrayBufferWriter<byte> _pending = new();

    public delegate void FrameHandler(byte fixedHeader, ReadOnlySpan<byte> body);

    /// <exception cref="Mqtt.MqttProtocolException">These are no packets.</exception>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        _pending.Write(bytes);
        var buffer = new ReadOnlySequence<byte>(_pending.WrittenMemory);
        while (MqttFrame.TryRead(ref buffer, LongestPacket, out var fixedHeader, out var body))
        {
            reported(fixedHeader, body.FirstSpan);
        }

        var rest = buffer.ToArray();
        _pending.ResetWrittenCount();
        _pending.Write(rest);
    }
}
