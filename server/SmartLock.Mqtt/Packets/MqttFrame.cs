using System.Buffers;

namespace SmartLock.Mqtt.Packets;

/// <summary>Cuts packets out of a byte stream by their fixed header (section 2.1).</summary>
public static class MqttFrame
{
    /// <summary>One type byte and four length bytes.</summary>
    public const int MaximumHeaderLength = 5;

    public static MqttPacketType TypeOf(byte fixedHeader) => (MqttPacketType)(fixedHeader >> 4);

    /// <summary>
    /// Takes the next whole packet off the front of <paramref name="buffer"/>. False when more bytes are needed; the buffer is
    /// then left as it was.
    /// </summary>
    /// <param name="buffer">Moved past the packet that was read.</param>
    /// <param name="maximumPacketSize">Bytes of a whole packet, header included; refused as soon as its length is known.</param>
    /// <param name="fixedHeader">The first byte: type and flags, which are checked.</param>
    /// <param name="body">What follows the fixed header; valid as long as the buffer is.</param>
    /// <exception cref="MqttProtocolException">Unknown type, reserved flags, bad length, or too large.</exception>
    public static bool TryRead(
        ref ReadOnlySequence<byte> buffer,
        uint maximumPacketSize,
        out byte fixedHeader,
        out ReadOnlySequence<byte> body)
    {
        var first = buffer.FirstSpan;
        int headerLength;
        int bodyLength;
        if (first.Length >= MaximumHeaderLength || buffer.IsSingleSegment)
        {
            if (!TryReadHeader(first, maximumPacketSize, out fixedHeader, out headerLength, out bodyLength))
            {
                body = default;
                return false;
            }
        }
        else
        {
            Span<byte> header = stackalloc byte[MaximumHeaderLength];
            var available = (int)Math.Min(buffer.Length, MaximumHeaderLength);
            buffer.Slice(0, available).CopyTo(header);
            if (!TryReadHeader(header[..available], maximumPacketSize, out fixedHeader, out headerLength, out bodyLength))
            {
                body = default;
                return false;
            }
        }

        if (buffer.Length < headerLength + (long)bodyLength)
        {
            body = default;
            return false;
        }

        body = buffer.Slice(headerLength, bodyLength);
        buffer = buffer.Slice(body.End);
        return true;
    }

    /// <summary>
    /// Reads the fixed header at the front of <paramref name="data"/>; false when it is not all there. The body may be
    /// incomplete: compare <paramref name="bodyLength"/> with what is left.
    /// </summary>
    /// <exception cref="MqttProtocolException">Unknown type, reserved flags, bad length, or too large.</exception>
    public static bool TryReadHeader(
        ReadOnlySpan<byte> data,
        uint maximumPacketSize,
        out byte fixedHeader,
        out int headerLength,
        out int bodyLength)
    {
        headerLength = 0;
        bodyLength = 0;
        fixedHeader = 0;
        if (data.IsEmpty)
        {
            return false;
        }

        fixedHeader = data[0];
        CheckFlags(fixedHeader);
        for (var i = 1; i < MaximumHeaderLength; i++)
        {
            if (i == data.Length)
            {
                return false;
            }

            bodyLength |= (data[i] & 0x7F) << (7 * (i - 1));
            if (data[i] < 0x80)
            {
                headerLength = i + 1;
                if ((uint)(headerLength + bodyLength) > maximumPacketSize)
                {
                    MqttProtocolException.Throw(MqttReasonCode.PacketTooLarge, "A packet is larger than allowed.");
                }

                return true;
            }
        }

        MqttProtocolException.ThrowMalformed("A remaining length is longer than four bytes.");
        return false;
    }

    private static void CheckFlags(byte fixedHeader)
    {
        var flags = fixedHeader & 0x0F;
        switch (TypeOf(fixedHeader))
        {
            case 0:
                MqttProtocolException.ThrowMalformed("Packet type 0 is reserved.");
                break;
            case MqttPacketType.Publish:
                CheckPublishFlags(flags);
                break;
            case MqttPacketType.PubRel or MqttPacketType.Subscribe or MqttPacketType.Unsubscribe:
                if (flags != 0b0010)
                {
                    MqttProtocolException.ThrowMalformed("The fixed header's flags must be 0010.");
                }

                break;
            default:
                if (flags != 0)
                {
                    MqttProtocolException.ThrowMalformed("The fixed header's flags must be zero.");
                }

                break;
        }
    }

    private static void CheckPublishFlags(int flags)
    {
        var qos = (flags >> 1) & 0b11;
        if (qos == 3)
        {
            MqttProtocolException.ThrowMalformed("A PUBLISH has QoS 3.");
        }

        if (qos == 0 && (flags & 0b1000) != 0)
        {
            MqttProtocolException.ThrowMalformed("A PUBLISH of QoS 0 is marked as a duplicate.");
        }
    }
}

/// <summary>
/// A packet's body as one span: the buffer's own memory when it lies in one segment, else a pooled copy that
/// <see cref="Dispose"/> gives back.
/// </summary>
public ref struct ContiguousBody
{
    private byte[]? _rented;

    public ContiguousBody(in ReadOnlySequence<byte> body)
    {
        if (body.IsSingleSegment)
        {
            Span = body.FirstSpan;
            return;
        }

        var length = (int)body.Length;
        _rented = ArrayPool<byte>.Shared.Rent(length);
        body.CopyTo(_rented);
        Span = _rented.AsSpan(0, length);
    }

    public ReadOnlySpan<byte> Span { get; private set; }

    public void Dispose()
    {
        Span = default;
        if (_rented is { } rented)
        {
            _rented = null;
            ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
