using SmartLock.Server.Infrastructure;
using SmartLock.Server.Live;

namespace SmartLock.Server.Webhooks;

/// <summary>Writes live events into the backlogs of the webhooks that subscribed to them. Until then they are queued in memory, bounded.</summary>
internal sealed partial class WebhookQueue : RepeatedService
{
    private const int MostWaiting = 10_000;
    private const int MostAtOnce = 500;

    private readonly IDeliveryStore _store;
    private readonly WebhookWorker _worker;
    private readonly ILogger<WebhookQueue> _log;
    private readonly LogThrottle _losses;
    private readonly CoalescingQueue<LiveEvent> _waiting = new(MostWaiting);
    private List<LiveEvent> _taken = [];

    public WebhookQueue(IDeliveryStore store, WebhookWorker worker, Events<LiveEventsMade> made, TimeProvider time, ILogger<WebhookQueue> log)
        : base(new FailureLog(log, time, LogDelayed, LogFailed), time)
    {
        (_store, _worker, _log) = (store, worker, log);
        _losses = new LogThrottle(time, TimeSpan.FromSeconds(10));
        made.Subscribe(live => Add(live.Events));
    }

    protected override async Task RunStepAsync(CancellationToken ct)
    {
        if (_taken.Count == 0)
        {
            await _waiting.WaitAsync(ct);
        }

        await FinishAsync(ct);
    }

    protected override async Task FinishAsync(CancellationToken ct)
    {
        while (true)
        {
            _taken.AddRange(_waiting.Take(MostAtOnce - _taken.Count));
            if (_taken.Count == 0)
            {
                return;
            }

            await WriteAsync(_taken, ct);
            _taken = [];
        }
    }

    protected override void OnFailure(Exception failure)
    {
        // What an unavailable store did not take is retried; anything else would fail again.
        if (failure is not StoreUnavailableException)
        {
            _taken = [];
        }
    }

    private void Add(IEnumerable<LiveEvent> events)
    {
        foreach (var item in events)
        {
            if (!_waiting.TryAdd(item) && _losses.TryEnter(out var suppressed))
            {
                LogLost(_log, suppressed + 1);
            }
        }
    }

    private async Task WriteAsync(List<LiveEvent> events, CancellationToken ct)
    {
        var usernames = events.SelectMany(e => e.Audience).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var listening = await _store.FindListeningAsync(usernames, ct);
        if (listening.Count == 0)
        {
            return;
        }

        var byAccount = listening.ToLookup(w => w.Username, StringComparer.OrdinalIgnoreCase);
        List<NewDelivery> deliveries =
        [
            .. from item in events
               let body = WebhookBody.Write(item.Id, item.Kind, item.MadeAt, item.Data)
               from webhook in item.Audience.SelectMany(name => byAccount[name])
               where webhook.Events.Contains(item.Kind) && (webhook.DeviceId ?? item.DeviceId) == item.DeviceId
               select new NewDelivery(
                   Ids.NewUlid(item.MadeAt),
                   webhook.Id,
                   item.Kind,
                   item.DeviceId,
                   body,
                   item.MadeAt,
                   item.MadeAt + WebhookRules.GiveUpAfter),
        ];
        if (deliveries.Count > 0)
        {
            await _store.EnqueueAsync(deliveries, WebhookRules.MostPending, ct);
            _worker.Wake();
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Events for webhooks are delayed: {Reason}")]
    private static partial void LogDelayed(ILogger log, string reason);

    [LoggerMessage(2, LogLevel.Error, "Events for webhooks could not be queued and are lost")]
    private static partial void LogFailed(ILogger log, Exception e);

    [LoggerMessage(3, LogLevel.Error, "{Count} events for webhooks were dropped: too many waited for the store")]
    private static partial void LogLost(ILogger log, long count);
}
