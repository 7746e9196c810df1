using System.Diagnostics.CodeAnalysis;

namespace SmartLock.Mqtt.Broker;

/// <summary>One message on its way from a publisher to whoever is subscribed; lives on the publisher's stack.</summary>
internal ref struct Publication
{
    public const long NeverExpires = long.MaxValue;

    public ReadOnlySpan<byte> Topic;

    /// <summary>
    /// The v5 properties that travel on unchanged, encoded, without their length: neither topic alias, message expiry nor subscription identifiers.
    /// </summary>
    public ReadOnlySpan<byte> Properties;

    public ReadOnlySpan<byte> Payload;
    public MqttQoS QoS;
    public bool Retain;

    /// <summary>Milliseconds of <see cref="BrokerClock"/>.</summary>
    public long ExpiresAt;

    /// <summary>Null when the process itself publishes.</summary>
    public Session? Publisher;

    public MqttIdentity? Identity;
    public string? ClientId;

    private StoredMessage? _stored;

    /// <summary>The copy that sessions keep until it is acknowledged: made when the first one needs it, shared by all.</summary>
    /// <param name="held">Counts it until the last one has let go.</param>
    public StoredMessage Store(HeldBytes held) => _stored ??= StoredMessage.Rent(this, held);

    /// <summary>Gives up the publication's own hold on the shared copy.</summary>
    public void End()
    {
        _stored?.Release();
        _stored = null;
    }
}

/// <summary>How one subscriber is given a message.</summary>
internal readonly struct DeliveryTerms
{
    private readonly uint _identifier;

    public required MqttQoS QoS { get; init; }

    public required bool Retain { get; init; }

    /// <summary>The only subscription identifier; zero when there is none.</summary>
    public uint Identifier
    {
        get => _identifier;
        init => _identifier = value;
    }

    /// <summary>All of them, when overlapping subscriptions bring more than one.</summary>
    public uint[]? Identifiers { get; init; }

    [UnscopedRef]
    public ReadOnlySpan<uint> GetIdentifiers()
    {
        if (Identifiers is not null)
        {
            return Identifiers;
        }

        return Identifier == 0 ? default : new ReadOnlySpan<uint>(in _identifier);
    }
}
