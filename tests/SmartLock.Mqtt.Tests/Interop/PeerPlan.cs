namespace SmartLock.Mqtt.Tests.Interop;

/// <summary>What a peer is to do: connect, subscribe, publish each message and wait for its acknowledgement, then wait.</summary>
internal sealed record PeerPlan
{
    public string Host { get; init; } = "127.0.0.1";

    public required int Port { get; init; }

    /// <summary>tcp, tls, ws or wss.</summary>
    public required string Transport { get; init; }

    /// <summary>A PEM file of the only authority to trust.</summary>
    public required string Ca { get; init; }

    /// <summary>The protocol level: 4 is 3.1.1.</summary>
    public required int Version { get; init; }

    public required string ClientId { get; init; }

    public string User { get; init; } = InteropBroker.UserName;

    public required string Password { get; init; }

    public bool Clean { get; init; } = true;

    /// <summary>Seconds, in 5.0.</summary>
    public int SessionExpiry { get; init; }

    /// <summary>Seconds.</summary>
    public int KeepAlive { get; init; } = 60;

    public PeerMessage? Will { get; init; }

    public IReadOnlyList<PeerSubscription> Subscribe { get; init; } = [];

    public int? SubscriptionIdentifier { get; init; }

    public IReadOnlyList<PeerMessage> Publish { get; init; } = [];

    /// <summary>It disconnects after as many messages; null: it stays.</summary>
    public int? Until { get; init; }
}

internal sealed record PeerSubscription(string Filter, int Qos = 2)
{
    public bool NoLocal { get; init; }

    public bool RetainAsPublished { get; init; }

    public int RetainHandling { get; init; }
}

internal sealed record PeerMessage(string Topic, string Payload, int Qos = 0)
{
    public bool Retain { get; init; }

    public PeerProperties? Properties { get; init; }

    /// <summary>What tells messages apart, in a test's failure too.</summary>
    public override string ToString() => $"{Topic} {Payload} at {Qos}{(Retain ? ", retained" : "")}";
}

internal sealed record PeerProperties
{
    public int? PayloadFormatIndicator { get; init; }

    public int? MessageExpiryInterval { get; init; }

    public string? ContentType { get; init; }

    public string? ResponseTopic { get; init; }

    public string? CorrelationData { get; init; }

    public int? TopicAlias { get; init; }

    public int? WillDelayInterval { get; init; }

    public IReadOnlyList<int>? SubscriptionIdentifiers { get; init; }

    /// <summary>Pairs of a name and a value.</summary>
    public IReadOnlyList<IReadOnlyList<string>>? UserProperties { get; init; }

    public override string ToString() => System.Text.Json.JsonSerializer.Serialize(this);
}

/// <summary>A line that a peer printed.</summary>
internal sealed record PeerEvent
{
    public required string Event { get; init; }

    public int? Reason { get; init; }

    public bool? SessionPresent { get; init; }

    public string? AssignedClientId { get; init; }

    public IReadOnlyList<int>? Codes { get; init; }

    public string? Topic { get; init; }

    public string? Payload { get; init; }

    public int? Qos { get; init; }

    public bool? Retain { get; init; }

    public PeerProperties? Properties { get; init; }

    public PeerMessage ToMessage() => new(Topic!, Payload!, Qos!.Value) { Retain = Retain!.Value };
}
