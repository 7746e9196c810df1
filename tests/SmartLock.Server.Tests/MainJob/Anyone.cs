using System.Collections.Concurrent;
using SmartLock.Mqtt;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.MainJob;

/// <summary>Somebody without any key, on the same broker.</summary>
internal sealed class Anyone : IAsyncDisposable
{
    private readonly ConcurrentQueue<TestMqttMessage> _received = new();
    private readonly TestMqttClient _client;

    private Anyone(Mosquitto broker) => _client = new TestMqttClient(
        broker.Port,
        o => o.WithClientId("anyone"),
        message =>
        {
            _received.Enqueue(message);
            return Task.CompletedTask;
        });

    /// <param name="broker">To connect to.</param>
    /// <param name="filter">What to subscribe to, if anything.</param>
    public static async Task<Anyone> ConnectAsync(Mosquitto broker, string? filter = null)
    {
        var anyone = new Anyone(broker);
        await anyone._client.ConnectAsync();
        if (filter is not null)
        {
            (await anyone._client.SubscribeAsync(filter)).IsFailure().ShouldBeFalse();
        }

        return anyone;
    }

    /// <summary>Returns once the broker has acknowledged it.</summary>
    public async Task PublishAsync(string topic, string payload, bool retain = false) =>
        (await _client.PublishAsync(topic, payload, retain: retain)).IsFailure().ShouldBeFalse();

    /// <summary>How many messages.</summary>
    public int Heard => _received.Count;

    /// <summary>The first message received on a topic.</summary>
    public async Task<string> NextAsync(string topic)
    {
        await Eventually.TrueAsync(() => _received.Any(m => m.Topic == topic), $"a message arrives on {topic}");
        return _received.First(m => m.Topic == topic).Text;
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();
}
