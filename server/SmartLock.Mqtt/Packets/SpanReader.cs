using System.Buffers.Binary;

namespace SmartLock.Mqtt.Packets;

/// <summary>Reads MQTT's data types (section 1.5) in order; anything cut short or ill-formed is a malformed packet.</summary>
internal ref struct SpanReader(ReadOnlySpan<byte> data)
{
    private readonly ReadOnlySpan<byte> _data = data;
    private int _position;

    public readonly int Position => _position;

    public readonly int Remaining => _data.Length - _position;

    public readonly bool AtEnd => _position == _data.Length;

    public byte ReadByte()
    {
        if (_position >= _data.Length)
        {
            ThrowTruncated();
        }

        return _data[_position++];
    }

    public ushort ReadUInt16() => BinaryPrimitives.ReadUInt16BigEndian(ReadBytes(sizeof(ushort)));

    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32BigEndian(ReadBytes(sizeof(uint)));

    public uint ReadVariableByteInteger()
    {
        uint value = 0;
        for (var shift = 0; shift <= 21; shift += 7)
        {
            var next = ReadByte();
            value |= (uint)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        MqttProtocolException.ThrowMalformed("A variable byte integer is longer than four bytes.");
        return 0;
    }

    public ReadOnlySpan<byte> ReadBytes(int count)
    {
        if ((uint)count > (uint)Remaining)
        {
            ThrowTruncated();
        }

        var bytes = _data.Slice(_position, count);
        _position += count;
        return bytes;
    }

    public ReadOnlySpan<byte> ReadBinary() => ReadBytes(ReadUInt16());

    /// <summary>A UTF-8 encoded string: well-formed, without surrogates and U+0000 (section 1.5.4).</summary>
    public ReadOnlySpan<byte> ReadUtf8()
    {
        var text = ReadBinary();
        if (text.Contains((byte)0) || !MqttUtf8.IsWellFormed(text))
        {
            MqttProtocolException.ThrowMalformed("A string is not well-formed UTF-8.");
        }

        return text;
    }

    public string ReadString() => MqttUtf8.GetString(ReadUtf8());

    public ushort ReadPacketId()
    {
        var id = ReadUInt16();
        if (id == 0)
        {
            MqttProtocolException.ThrowProtocolError("A packet identifier is zero.");
        }

        return id;
    }

    /// <summary>The bytes of a property block, after its length.</summary>
    public ReadOnlySpan<byte> ReadPropertyBlock()
    {
        var length = ReadVariableByteInteger();
        if (length > (uint)Remaining)
        {
            MqttProtocolException.ThrowMalformed("A property length runs past the end of its packet.");
        }

        return ReadBytes((int)length);
    }

    public ReadOnlySpan<byte> ReadRest() => ReadBytes(Remaining);

    public readonly void ExpectEnd()
    {
        if (!AtEnd)
        {
            MqttProtocolException.ThrowMalformed("A packet has bytes after its last field.");
        }
    }

    private static void ThrowTruncated() => MqttProtocolException.ThrowMalformed("A packet ends within a field.");
}
