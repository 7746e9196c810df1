namespace SmartLock.Mqtt.Packets;

/// <summary>
/// Takes the properties of a packet twice: once to learn their size, once to write them, so that both follow one list.
/// </summary>
internal ref struct PropertySink(SpanWriter writer, bool isMeasuring)
{
    private SpanWriter _writer = writer;

    public int Size { get; private set; }

    /// <summary>The identifiers that were added, one bit each.</summary>
    public ulong Present { get; private set; }

    public readonly SpanWriter Writer => _writer;

    public void AddBoolean(PropertyId id, bool? value) => AddByte(id, value is { } v ? (byte)(v ? 1 : 0) : null);

    public void AddByte(PropertyId id, byte? value)
    {
        if (value is { } v && Begin(id, 1))
        {
            _writer.WriteByte(v);
        }
    }

    public void AddUInt16(PropertyId id, ushort? value)
    {
        if (value is { } v && Begin(id, sizeof(ushort)))
        {
            _writer.WriteUInt16(v);
        }
    }

    public void AddUInt32(PropertyId id, uint? value)
    {
        if (value is { } v && Begin(id, sizeof(uint)))
        {
            _writer.WriteUInt32(v);
        }
    }

    public void AddSubscriptionIdentifier(uint value)
    {
        if (value is 0 or > SpanWriter.MaximumVariableByteInteger)
        {
            throw new ArgumentOutOfRangeException(nameof(value), "A subscription identifier is out of range.");
        }

        if (Begin(PropertyId.SubscriptionIdentifier, SpanWriter.SizeOfVariableByteInteger((int)value)))
        {
            _writer.WriteVariableByteInteger((int)value);
        }
    }

    public void AddString(PropertyId id, string? value)
    {
        if (value is not null && Begin(id, isMeasuring ? SpanWriter.SizeOfString(value) : 0))
        {
            _writer.WriteString(value);
        }
    }

    public void AddBinary(PropertyId id, ReadOnlyMemory<byte>? value)
    {
        if (value is { } v && Begin(id, SpanWriter.SizeOfBinary(v)))
        {
            _writer.WriteBinary(v.Span);
        }
    }

    public void AddUserProperty(MqttUserProperty property)
    {
        var size = isMeasuring ? SpanWriter.SizeOfString(property.Name) + SpanWriter.SizeOfString(property.Value) : 0;
        if (Begin(PropertyId.UserProperty, size))
        {
            _writer.WriteString(property.Name);
            _writer.WriteString(property.Value);
        }
    }

    /// <summary>True when the value is to be written now.</summary>
    private bool Begin(PropertyId id, int valueSize)
    {
        Present |= 1UL << (int)id;
        if (isMeasuring)
        {
            Size += 1 + valueSize;
            return false;
        }

        _writer.WriteByte((byte)id);
        return true;
    }
}
