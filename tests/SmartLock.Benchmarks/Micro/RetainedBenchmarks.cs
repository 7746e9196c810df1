using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using SmartLock.Mqtt.Broker;

namespace SmartLock.Benchmarks;

/// <summary>What a new subscription is given, among 10,000 retained messages.</summary>
public class RetainedBenchmarks : IDisposable
{
    private const int Messages = 10_000;

    private readonly BrokerCounters _counters = new();
    private readonly List<StoredMessage> _found = [];
    private RetainedMessages? _retained;

    [GlobalSetup]
    public void SetUp()
    {
        _retained = new RetainedMessages(new MqttBrokerOptions(), new BrokerClock(TimeProvider.System), _counters);
        var turn = default(Turn);
        for (var i = 0; i < Messages; i++)
        {
            var publication = new Publication
            {
                Topic = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"smartlock/site-{i / 100}/device-{i % 100}")),
                Payload = new byte[200],
                Retain = true,
                ExpiresAt = Publication.NeverExpires,
            };
            _retained.Set(publication, ref turn);
        }

        if (FindOneRetained() != 1 || FindAHundredRetained() != 100)
        {
            throw new InvalidOperationException("Others are retained than should be.");
        }
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _counters.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public int FindOneRetained() => Find("smartlock/site-50/device-50"u8);

    [Benchmark]
    public int FindAHundredRetained() => Find("smartlock/site-50/+"u8);

    private int Find(ReadOnlySpan<byte> filter)
    {
        var turn = default(Turn);
        _found.Clear();
        _retained!.Collect(filter, _found, ref turn);
        return _found.Count;
    }
}
