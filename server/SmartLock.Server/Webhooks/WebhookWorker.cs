using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Webhooks;

/// <summary>Makes the attempts that are due, a few at a time, and says how they ended. Receivers may be told twice, never out of order.</summary>
internal sealed partial class WebhookWorker(IDeliveryStore store, WebhookSender sender, TimeProvider time, ILogger<WebhookWorker> log)
    : RepeatedService(new FailureLog(log, time, LogDelayed, LogFailed), time)
{
    private const int MostAtOnce = 32;

    /// <summary>Of one account: its receivers may be as slow as they like, and others' have room still.</summary>
    public const int MostOfAccount = 2;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    /// <summary>Other replicas queue as well, and do not say so.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(10);

    /// <summary>Well longer than an attempt can take, so that no second worker makes it meanwhile.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    private readonly WakeUp _wakeUp = new();
    private readonly System.Threading.Lock _gate = new();
    private readonly HashSet<Task> _running = [];
    private readonly Dictionary<string, int> _busy = new(StringComparer.Ordinal);

    /// <summary>Something was queued.</summary>
    public void Wake() => _wakeUp.Set();

    protected override async Task RunStepAsync(CancellationToken ct)
    {
        var wait = await StartDueAsync(ct);
        if (wait > TimeSpan.Zero)
        {
            await _wakeUp.WaitAsync(wait, Time, ct);
        }
    }

    /// <summary>Attempts under way give back their leases, or their deliveries would wait for these to end.</summary>
    protected override Task FinishAsync(CancellationToken ct)
    {
        Task[] running;
        lock (_gate)
        {
            running = [.. _running];
        }

        return Task.WhenAll(running);
    }

    /// <returns>How long nothing more is due; zero when there may be more at once.</returns>
    private async Task<TimeSpan> StartDueAsync(CancellationToken ct)
    {
        ClaimRoom room;
        lock (_gate)
        {
            room = new ClaimRoom(MostAtOnce - _running.Count, MostOfAccount, new Dictionary<string, int>(_busy));
        }

        if (room.Most == 0)
        {
            // An attempt that ends wakes the loop.
            return LookEvery;
        }

        var now = Time.GetUtcNow();
        var due = await store.NextDueAsync(now, ct);
        if (due is not { } at)
        {
            return LookEvery;
        }

        if (at > now)
        {
            // Whole milliseconds, rounded up: timers round down, and a wait of less than one would be none.
            var wait = TimeSpan.FromMilliseconds(Math.Ceiling((at - now).TotalMilliseconds));
            return wait < LookEvery ? wait : LookEvery;
        }

        var claims = await store.ClaimAsync(Ids.NewUlid(now), now, now + Lease, room, ct);
        foreach (var claim in claims)
        {
            Start(claim, ct);
        }

        // What is due and was not taken is of accounts that have no room; an attempt that ends wakes the loop.
        return claims.Count > 0 ? TimeSpan.Zero : RetryAfter;
    }

    private void Start(ClaimedDelivery claim, CancellationToken ct)
    {
        lock (_gate)
        {
            var attempt = Task.Run(() => AttemptAsync(claim, ct), CancellationToken.None);
            _running.Add(attempt);
            _busy[claim.Account] = _busy.GetValueOrDefault(claim.Account) + 1;
            _ = attempt.ContinueWith(ended => End(ended, claim.Account), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private void End(Task attempt, string account)
    {
        lock (_gate)
        {
            _running.Remove(attempt);
            if (--_busy[account] == 0)
            {
                _busy.Remove(account);
            }
        }

        _wakeUp.Set();
    }

    private async Task AttemptAsync(ClaimedDelivery claim, CancellationToken ct)
    {
        try
        {
            await store.CompleteAsync(await SendAsync(claim, ct), CancellationToken.None);
        }
        catch (Exception e)
        {
            // The lease ends by itself and the delivery is made again.
            Failures.Log(e);
        }
    }

    private async Task<AttemptResult> SendAsync(ClaimedDelivery claim, CancellationToken ct)
    {
        SendResult sent;
        try
        {
            sent = await sender.SendAsync(claim, ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            var stopped = Time.GetUtcNow();
            return new AttemptResult(claim, AttemptEnd.Interrupted, null, null, stopped, stopped);
        }
        catch (Exception e)
        {
            // It counts as an attempt: what fails on the server's own account must not be tried for ever either.
            Failures.Log(e);
            sent = new SendResult(null, DeliveryReasons.ServerError, null);
        }

        var now = Time.GetUtcNow();
        var end = WebhookRules.Judge(sent.Status, claim.Attempts, now, claim.GiveUpAt);
        var isReceiverInTrouble = end is AttemptEnd.Failed or AttemptEnd.GaveUp;
        if (end is not AttemptEnd.Delivered)
        {
            LogNotDelivered(claim.WebhookId, HostOf(claim.Url), sent.Reason, sent.Status, end);
        }

        return new AttemptResult(
            claim,
            end,
            sent.Status,
            sent.Reason,
            now,
            isReceiverInTrouble ? now + WebhookRules.Backoff(claim.Failures + 1, sent.RetryAfter) : now);
    }

    private static string HostOf(string url) => Uri.TryCreate(url, UriKind.Absolute, out var address) ? address.Host : "";

    [LoggerMessage(1, LogLevel.Warning, "Webhooks are delayed: {Reason}")]
    private static partial void LogDelayed(ILogger log, string reason);

    [LoggerMessage(2, LogLevel.Error, "A webhook's delivery failed for a reason of the server's own and will be tried again")]
    private static partial void LogFailed(ILogger log, Exception e);

    [LoggerMessage(3, LogLevel.Information, "Webhook {WebhookId} at {Host}: {Reason} {Status}, {End}")]
    private partial void LogNotDelivered(string webhookId, string host, string? reason, int? status, AttemptEnd end);
}
