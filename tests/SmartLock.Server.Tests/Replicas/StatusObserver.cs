using SmartLock.Mqtt;
using SmartLock.Mqtt.Client;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Replicas;

/// <summary>A plain subscriber of all statuses, which the broker hands each to besides the server that it chose.</summary>
internal sealed class StatusObserver : IAsyncDisposable
{
    private readonly MqttClient _client;
    private int _lost;

    private StatusObserver(Mosquitto broker, StatusLedger ledger)
    {
        _client = new MqttClient(
            new MqttClientOptions { Host = "127.0.0.1", Port = broker.Port, ClientId = "observer" },
            (message, _) =>
            {
                ledger.NoteSaid(StatusLedger.IdOf(message.Payload.Span));
                return ValueTask.CompletedTask;
            });
        _client.Disconnected += (_, _) => Interlocked.Increment(ref _lost);
    }

    /// <summary>False when there was a time in which it heard nothing.</summary>
    public bool HeardAll => Volatile.Read(ref _lost) == 0;

    public static async Task<StatusObserver> StartAsync(Mosquitto broker, StatusLedger ledger)
    {
        var observer = new StatusObserver(broker, ledger);
        await observer._client.ConnectAsync();
        (await observer._client.SubscribeAsync("smartlock/status/#", MqttQoS.AtLeastOnce)).IsFailure().ShouldBeFalse();
        return observer;
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();
}
