using SmartLock.Mqtt;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Replicas;

/// <summary>A plain subscriber of all statuses: the broker sends each status to it, besides the server that it chose.</summary>
internal sealed class StatusObserver : IAsyncDisposable
{
    private readonly TestMqttClient _client;

    private StatusObserver(Mosquitto broker, StatusLedger ledger) => _client = new TestMqttClient(
        broker.Port,
        o => o.WithClientId("observer"),
        message =>
        {
            ledger.NoteSaid(StatusLedger.IdOf(message.Payload));
            return Task.CompletedTask;
        });

    /// <summary>False when its connection was lost, so that it may have missed statuses.</summary>
    public bool HeardAll => _client.Disconnects == 0;

    public static async Task<StatusObserver> StartAsync(Mosquitto broker, StatusLedger ledger)
    {
        var observer = new StatusObserver(broker, ledger);
        await observer._client.ConnectAsync();
        (await observer._client.SubscribeAsync("smartlock/status/#")).IsFailure().ShouldBeFalse();
        return observer;
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();
}
