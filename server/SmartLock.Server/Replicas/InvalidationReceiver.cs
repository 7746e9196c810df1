using System.Threading.Channels;
using SmartLock.Server.Accounts;
using SmartLock.Server.Commands;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Live;
using SmartLock.Server.Messaging;
using SmartLock.Server.Messaging.External;

namespace SmartLock.Server.Replicas;

/// <summary>
/// Receives what other replicas have changed, and has every cache of it here read the store again. What it cannot have received (while the broker
/// was unreachable, or more than its queue holds) counts as a change of everything.
/// </summary>
internal sealed partial class InvalidationReceiver(
    InvalidationCodec codec,
    BrokerClient broker,
    ReplicaId self,
    LiveFeed live,
    VerdictPolling verdicts,
    DeviceCache devices,
    Sessions sessions,
    SessionRevalidation review,
    LostReplicas lost,
    TimeProvider time,
    ILogger<InvalidationReceiver> log) : RepeatedService(new FailureLog(log, time, LogDelayed, LogFailed), time)
{
    private const int MostWaiting = 1_000;
    private static readonly TimeSpan BetweenRereads = TimeSpan.FromSeconds(5);

    private readonly Channel<ReadOnlyMemory<byte>> _received = Channel.CreateBounded<ReadOnlyMemory<byte>>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });
    private readonly SenderSequences _sequences = new(self.Value, time);
    private readonly LogThrottle _throttle = new(time, TimeSpan.FromSeconds(10));
    private readonly CancellationTokenSource _stop = new();
    private int _missedSome;
    private long? _everythingAt;

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        broker.Connected += OnConnected;
        if (broker.IsConnected)
        {
            OnConnected(this, EventArgs.Empty);
        }

        return base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        broker.Connected -= OnConnected;
        await _stop.CancelAsync();
        await base.StopAsync(cancellationToken);
    }

    public override void Dispose()
    {
        _stop.Dispose();
        base.Dispose();
    }

    protected override void OnFailure(Exception failure) => TakeAllForChanged();

    protected override async Task RunStepAsync(CancellationToken ct)
    {
        await _received.Reader.WaitToReadAsync(ct);
        var invalidations = new List<CacheInvalidation>();
        while (invalidations.Count < InvalidationQueue.MostAtOnce && _received.Reader.TryRead(out var payload))
        {
            invalidations.AddRange(Read(payload.Span));
        }

        await PassOnAsync(invalidations, ct);
        if (Interlocked.Exchange(ref _missedSome, 0) != 0)
        {
            await ReadEverythingAsync(ct);
        }
    }

    /// <summary>With pauses: a flood from whoever may publish on the topic must not have all clients read everything again all the time.</summary>
    private async Task ReadEverythingAsync(CancellationToken ct)
    {
        if (_everythingAt is { } at && BetweenRereads - Time.GetElapsedTime(at) is var wait && wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, Time, ct);
        }

        _everythingAt = Time.GetTimestamp();
        live.ForgetEverything();
        sessions.ForgetEverythingHere();
        await review.RunAsync(ct);
    }

    private IReadOnlyList<CacheInvalidation> Read(ReadOnlySpan<byte> payload)
    {
        // Empty: this replica's own word, that it missed some.
        if (payload.IsEmpty)
        {
            return [];
        }

        if (codec.Read(payload) is not { } message)
        {
            Complain("no replica of this store wrote it");
            return [];
        }

        switch (_sequences.Judge(message))
        {
            case MessageOrder.Next:
                NotePresent(message);
                return message.Invalidations;
            case MessageOrder.AfterGap:
                NotePresent(message);
                return [.. message.Invalidations, new CacheInvalidation(InvalidationKind.Everything, "")];
            case MessageOrder.Misdated:
                Complain("it is old, or the replicas' clocks differ");
                return [];
            default:
                return [];
        }
    }

    private void NotePresent(InvalidationMessage message)
    {
        if (message.Invalidations.Any(h => h.Kind is InvalidationKind.SignOff))
        {
            lost.NoteLeft(message.From);
            return;
        }

        lost.NoteMessage(message.From);
    }

    /// <summary>First what may be refused from now on, then what may be told.</summary>
    private async Task PassOnAsync(List<CacheInvalidation> invalidations, CancellationToken ct)
    {
        foreach (var invalidation in invalidations)
        {
            if (invalidation.Kind is InvalidationKind.Key)
            {
                devices.ForgetHere(invalidation.Id);
            }
            else if (invalidation.Kind is InvalidationKind.Session)
            {
                sessions.ForgetHere(invalidation.Id, invalidation.Of);
            }
        }

        var locks = invalidations.Where(h => h.Kind is InvalidationKind.Lock).Select(h => h.Id).ToHashSet(StringComparer.Ordinal);
        live.LocksChangedElsewhere(locks);
        foreach (var (deviceId, usernames) in invalidations.Where(h => h is { Kind: InvalidationKind.Access, Of: not null }).GroupBy(h => h.Id).Select(g => (g.Key, g.Select(h => h.Of!))))
        {
            live.AccessChangedElsewhere(deviceId, usernames);
        }

        var commandIds = invalidations.Where(h => h.Kind is InvalidationKind.Command).Select(h => h.Id).ToHashSet(StringComparer.Ordinal);
        live.CommandsChangedElsewhere(await verdicts.ReadAsync(commandIds, all: live.HadStreams, ct));
        if (invalidations.Any(h => h.Kind is InvalidationKind.Everything))
        {
            Interlocked.Exchange(ref _missedSome, 1);
        }
    }

    private ValueTask HandleAsync(BrokerMessage message, CancellationToken ct)
    {
        // No replica retains its messages.
        if (!message.Retain && !_received.Writer.TryWrite(message.Payload))
        {
            Interlocked.Exchange(ref _missedSome, 1);
        }

        return ValueTask.CompletedTask;
    }

    private void OnConnected(object? sender, EventArgs e) => _ = ListenAsync();

    private async Task ListenAsync()
    {
        try
        {
            var answer = await broker.SubscribeAsync(new BrokerSubscription(Topics.Events, HandleAsync), _stop.Token);
            switch (answer.Outcome)
            {
                case SubscribeOutcome.Granted:
                    // What was published before the broker's answer did not arrive here.
                    TakeAllForChanged();
                    break;
                case SubscribeOutcome.Refused:
                    LogRefused(Topics.Events, answer.ReasonCode.ToString());
                    break;
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return;
        }
    }

    private void TakeAllForChanged()
    {
        Interlocked.Exchange(ref _missedSome, 1);
        _received.Writer.TryWrite(ReadOnlyMemory<byte>.Empty);
    }

    private void Complain(string why)
    {
        if (_throttle.TryEnter(out var unsaid))
        {
            LogNotBelieved(Topics.Events, why, unsaid);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Dropped a message on {Topic}: {Why}; {Unsaid} more since the last such line")]
    private partial void LogNotBelieved(string topic, string why, long unsaid);

    [LoggerMessage(2, LogLevel.Error, "The broker refuses the subscription to {Topic}: {ReasonCode}; event streams here show other replicas' changes late or not at all")]
    private partial void LogRefused(string topic, string reasonCode);

    [LoggerMessage(4, LogLevel.Warning, "What other replicas changed is passed on later: {Reason}")]
    private static partial void LogDelayed(ILogger log, string reason);

    [LoggerMessage(3, LogLevel.Error, "What other replicas changed could not be passed on; everything will be read again")]
    private static partial void LogFailed(ILogger log, Exception e);
}
