using System.Buffers.Binary;
using System.Text;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Benchmarks;

/// <summary>What a subscriber is sent: publishes of one length, each checked for being whole and of its QoS, and acknowledged where due.</summary>
internal sealed class Deliveries(Peer peer, string topic, MqttQoS qos)
{
    private const int AckBytes = 4;

    private readonly byte[] _expected = PublishFrames.Encode(topic, qos);
    private readonly int _idOffset = PublishFrames.HeaderBytes + 2 + Encoding.UTF8.GetByteCount(topic);
    private byte[] _buffer = [];
    private byte[] _acks = [];
    private int _held;

    /// <summary>Whatever one read of the socket gives.</summary>
    /// <returns>How many publishes became whole; -1 at the end.</returns>
    public int TakeSome(int bufferBytes)
    {
        Grow(bufferBytes);
        var read = peer.Receive(_buffer.AsSpan(_held));
        if (read == 0)
        {
            return -1;
        }

        _held += read;
        var count = _held / _expected.Length;
        Check(count);
        var used = count * _expected.Length;
        _buffer.AsSpan(used, _held - used).CopyTo(_buffer);
        _held -= used;
        return count;
    }

    /// <summary>So many and no more, even if more have come.</summary>
    public void TakeExactly(int count)
    {
        Grow(count * _expected.Length);
        peer.ReceiveExactly(_buffer.AsSpan(0, count * _expected.Length));
        Check(count);
    }

    private void Grow(int bytes)
    {
        if (_buffer.Length < bytes)
        {
            Array.Resize(ref _buffer, bytes);
            _acks = new byte[((bytes / _expected.Length) + 1) * AckBytes];
        }
    }

    private void Check(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var frame = _buffer.AsSpan(i * _expected.Length, _expected.Length);
            if (!frame[..PublishFrames.HeaderBytes].SequenceEqual(_expected.AsSpan(0, PublishFrames.HeaderBytes)))
            {
                throw new InvalidDataException($"Not the publish that was sent: {Convert.ToHexString(frame[..PublishFrames.HeaderBytes])}");
            }

            if (qos == MqttQoS.AtLeastOnce)
            {
                var ack = _acks.AsSpan(i * AckBytes, AckBytes);
                ack[0] = (byte)MqttPacketType.PubAck << 4;
                ack[1] = AckBytes - 2;
                BinaryPrimitives.WriteUInt16BigEndian(ack[2..], BinaryPrimitives.ReadUInt16BigEndian(frame[_idOffset..]));
            }
        }

        if (qos == MqttQoS.AtLeastOnce && count > 0)
        {
            peer.Send(_acks.AsSpan(0, count * AckBytes));
        }
    }
}
