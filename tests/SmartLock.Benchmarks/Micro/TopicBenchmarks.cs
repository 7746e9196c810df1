using BenchmarkDotNet.Attributes;
using SmartLock.Mqtt;

namespace SmartLock.Benchmarks;

/// <summary>Topic names and filters as text. Matching is what authorization does; routing looks up the tree.</summary>
public class TopicBenchmarks
{
    private readonly byte[] _topic = "smartlock/status/ESP32-7C9EBD"u8.ToArray();
    private readonly byte[] _plus = "smartlock/+/ESP32-7C9EBD"u8.ToArray();
    private readonly byte[] _rest = "smartlock/#"u8.ToArray();

    [Benchmark]
    public bool ValidateTopicName() => MqttTopic.IsValidName(_topic);

    [Benchmark]
    public bool ValidateTopicFilter() => MqttTopicFilter.IsValid(_plus);

    [Benchmark]
    public bool MatchFilterWithPlus() => MqttTopicFilter.Matches(_plus, _topic);

    [Benchmark]
    public bool MatchFilterWithRest() => MqttTopicFilter.Matches(_rest, _topic);
}
