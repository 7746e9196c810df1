using System.Threading.Channels;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Live;

namespace SmartLock.Server.Webhooks;

/// <summary>Writes live events into the backlogs of the webhooks that want them. Between the event and its row it waits in memory, bounded.</summary>
internal sealed partial class WebhookQueue(IDeliveryStore store, WebhookWorker worker, TimeProvider time, ILogger<WebhookQueue> log)
    : BackgroundService
{
    private const int MostWaiting = 10_000;
    private const int MostAtOnce = 500;

    private readonly TroubleLog _trouble = new(log, time, LogNotQueued, LogFailed);
    private readonly LogThrottle _losses = new(time, TimeSpan.FromSeconds(10));
    private readonly Channel<LiveEvent> _waiting = Channel.CreateBounded<LiveEvent>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });
    private List<LiveEvent> _taken = [];

    public void Add(IReadOnlyCollection<LiveEvent> events)
    {
        foreach (var item in events)
        {
            if (!_waiting.Writer.TryWrite(item) && _losses.TryEnter(out var held))
            {
                LogLost(held + 1);
            }
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => LastingLoop.RunAsync(
        async ct =>
        {
            await DrainAsync(ct);
            await _waiting.Reader.WaitToReadAsync(ct);
        },
        failure =>
        {
            // What the store did not take waits in its place; anything else would fail again.
            _trouble.Log(failure);
            if (failure is not StoreUnavailableException)
            {
                _taken = [];
            }
        },
        time,
        stoppingToken);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await DrainAsync(cancellationToken);
        }
        catch (StoreUnavailableException e)
        {
            _trouble.Log(e);
        }
    }

    private async Task DrainAsync(CancellationToken ct)
    {
        while (true)
        {
            while (_taken.Count < MostAtOnce && _waiting.Reader.TryRead(out var item))
            {
                _taken.Add(item);
            }

            if (_taken.Count == 0)
            {
                return;
            }

            await WriteAsync(_taken, ct);
            _taken = [];
        }
    }

    private async Task WriteAsync(List<LiveEvent> events, CancellationToken ct)
    {
        var usernames = events.SelectMany(e => e.Audience).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var listening = await store.FindListeningAsync(usernames, ct);
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
            await store.EnqueueAsync(deliveries, WebhookRules.MostPending, ct);
            worker.Wake();
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Events for webhooks wait in memory: {Reason}")]
    private static partial void LogNotQueued(ILogger log, string reason);

    [LoggerMessage(2, LogLevel.Error, "Events for webhooks could not be queued and are lost")]
    private static partial void LogFailed(ILogger log, Exception e);

    [LoggerMessage(3, LogLevel.Error, "{Count} events were lost to webhooks: the store has not taken any for too long")]
    private partial void LogLost(long count);
}
