using System.Buffers.Binary;

namespace SmartLock.Mqtt.Packets;

/// <summary>Fills a span whose size was computed beforehand.</summary>
internal ref struct SpanWriter(Span<byte> target)
{
    public const int MaximumVariableByteInteger = 268_435_455;

    private readonly Span<byte> _target = target;

    public int Position { get; private set; }

    public static int SizeOfVariableByteInteger(int value) => value switch
    {
        < 128 => 1,
        < 16_384 => 2,
        < 2_097_152 => 3,
        _ => 4,
    };

    public static int SizeOfString(string text)
    {
        var length = MqttUtf8.GetByteCount(text);
        if (length > ushort.MaxValue || text.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException("A string is longer than 65,535 bytes in UTF-8 or contains U+0000.");
        }

        return sizeof(ushort) + length;
    }

    public static int SizeOfBinary(ReadOnlyMemory<byte> data)
    {
        return data.Length <= ushort.MaxValue
            ? sizeof(ushort) + data.Length
            : throw new ArgumentException("A binary field is longer than 65,535 bytes.");
    }

    public void WriteByte(byte value) => _target[Position++] = value;

    public void WriteUInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_target[Position..], value);
        Position += sizeof(ushort);
    }

    public void WriteUInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_target[Position..], value);
        Position += sizeof(uint);
    }

    public void WriteVariableByteInteger(int value)
    {
        while (value >= 128)
        {
            WriteByte((byte)(value | 0x80));
            value >>= 7;
        }

        WriteByte((byte)value);
    }

    public void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_target[Position..]);
        Position += bytes.Length;
    }

    public void WriteBinary(ReadOnlySpan<byte> bytes)
    {
        WriteUInt16((ushort)bytes.Length);
        WriteBytes(bytes);
    }

    public void WriteString(string text)
    {
        var length = MqttUtf8.GetBytes(text, _target[(Position + sizeof(ushort))..]);
        WriteUInt16((ushort)length);
        Position += length;
    }
}
