using SmartLock.Mqtt;

namespace SmartLock.Benchmarks;

/// <summary>What a <see cref="FanInLoad"/> does.</summary>
/// <param name="Burst">Publishes in one write. A round is one burst from every publisher.</param>
/// <param name="RoundsUnderWay">How many rounds may be sent before the first of them has come through.</param>
internal sealed record FanInShape(string Name, MqttQoS QoS, int Burst, int RoundsUnderWay, int Publishers = 50);
