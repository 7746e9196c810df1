using System.Collections.Concurrent;
using System.Text;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Client;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.MainJob;

/// <summary>Somebody without any key, on the same broker.</summary>
internal sealed class Anyone : IAsyncDisposable
{
    private readonly ConcurrentQueue<(string Topic, string Payload)> _heard = new();
    private readonly MqttClient _client;

    private Anyone(Mosquitto broker)
    {
        _client = new MqttClient(
            new MqttClientOptions { Host = "127.0.0.1", Port = broker.Port, ClientId = "anyone" },
            (message, _) =>
            {
                _heard.Enqueue((message.Topic, Encoding.UTF8.GetString(message.Payload.Span)));
                return ValueTask.CompletedTask;
            });
    }

    /// <param name="filter">What it listens to, if it does.</param>
    public static async Task<Anyone> ConnectAsync(Mosquitto broker, string? filter = null)
    {
        var anyone = new Anyone(broker);
        await anyone._client.ConnectAsync();
        if (filter is not null)
        {
            (await anyone._client.SubscribeAsync(filter, MqttQoS.AtLeastOnce)).IsFailure().ShouldBeFalse();
        }

        return anyone;
    }

    /// <summary>Returns once the broker has it.</summary>
    public async Task PublishAsync(string topic, string payload, bool retain = false) =>
        (await _client.PublishAsync(topic, Encoding.UTF8.GetBytes(payload), MqttQoS.AtLeastOnce, retain)).IsDelivered.ShouldBeTrue();

    /// <summary>How many messages.</summary>
    public int Heard => _heard.Count;

    /// <summary>The first message heard on a topic.</summary>
    public async Task<string> NextAsync(string topic)
    {
        await Eventually.TrueAsync(() => _heard.Any(m => m.Topic == topic), $"something is said on {topic}");
        return _heard.First(m => m.Topic == topic).Payload;
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();
}
