using SmartLock.Mqtt;

namespace SmartLock.Benchmarks;

/// <summary>What a <see cref="FanOutLoad"/> does.</summary>
/// <param name="Topic">Of the deliveries, and the filter of every subscriber.</param>
/// <param name="Burst">Publishes in one write.</param>
internal sealed record FanOutShape(string Topic, MqttQoS QoS, int Burst, int Subscribers = 1)
{
    /// <summary>Where it is published, if that is another topic.</summary>
    public string? PublishTopic { get; init; }

    /// <summary>With 1, a burst is published when all of the one before has come through.</summary>
    public int RoundsUnderWay { get; init; } = 2;
}
