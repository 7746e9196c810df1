using System.Numerics;
using Microsoft.Extensions.Logging;

namespace SmartLock.Mqtt.Broker.Persistence;

/// <summary>
/// Changes on their way to the store, in the order in which they were made. One batch is committed at a time while the next one fills, so
/// that a slow disk costs one wait for many changes. Nobody waits here to be acknowledged: what the broker writes on the strength of a
/// change is held in the connection's <see cref="Outbound"/> until the change's batch is committed.
/// </summary>
/// <remarks>
/// What one packet changes forms a group and is never split between batches: a QoS 2 message is stored with its packet identifier, or
/// neither is. So a batch ends only when no group is open. Under so much work that this never happens the journal fills up, connections
/// pause, and then it does.
/// Its lock is taken last of all.
/// </remarks>
internal sealed class SessionJournal : IThreadPoolWorkItem, IDisposable
{
    private const int ManyChanges = 4096;
    private const long ManyBytes = 8 * 1024 * 1024;
    private const int Overfull = 8;
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(5);

    private readonly IMqttSessionStore _store;
    private readonly BrokerClock _clock;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationToken _stop;
    private List<MqttSessionChange> _filling = [];
    private List<MqttSessionChange>? _committing;
    private List<MqttSessionChange> _spare = [];
    private List<Outbound> _waiting = [];
    private long _batch = 1;
    private long _committed;
    private long _lastSessionId;
    private int _openGroups;
    private int _pending;
    private long _pendingBytes;
    private bool _stopped;
    private TaskCompletionSource? _room;
    private TaskCompletionSource? _settled;

    public SessionJournal(IMqttSessionStore store, BrokerClock clock, ILogger logger)
    {
        _store = store;
        _clock = clock;
        _logger = logger;
        _stop = _stopping.Token;
    }

    /// <summary>The number of the last batch that is committed. They are numbered from 1.</summary>
    public long Committed => Volatile.Read(ref _committed);

    /// <summary>Who adds to it should pause, and nobody new should come.</summary>
    public bool IsFull => IsBeyond(1);

    /// <summary>The bound on memory: nothing more can be taken that must be kept.</summary>
    public bool IsOverfull => IsBeyond(Overfull);

    public IMqttSessionStore Store => _store;

    public long NextSessionId() => Interlocked.Increment(ref _lastSessionId);

    public void SkipSessionIds(long through) => _lastSessionId = Math.Max(_lastSessionId, through);

    /// <summary>Adds to the turn's group and opens that when need be; the turn then knows what to hold its answers for.</summary>
    public void Append(MqttSessionChange change, ref Turn turn)
    {
        lock (_gate)
        {
            if (_stopped)
            {
                change.Release();
                return;
            }

            if (turn.Journal is null)
            {
                turn.Journal = this;
                _openGroups++;
            }

            _filling.Add(change);
            _pending++;
            _pendingBytes += change.Size;
            turn.HoldUntil = _batch;
        }
    }

    public void EndGroup()
    {
        lock (_gate)
        {
            _openGroups--;
            if (!TryCut())
            {
                return;
            }
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <summary>Has the connection told when the next batch is committed.</summary>
    /// <returns>False when the batch is committed already.</returns>
    public bool TryAwait(Outbound outbound, long batch)
    {
        lock (_gate)
        {
            if (batch <= _committed)
            {
                return false;
            }

            _waiting.Add(outbound);
            return true;
        }
    }

    public Task WhenRoomAsync(CancellationToken ct)
    {
        lock (_gate)
        {
            if (!IsFull || _stopped)
            {
                return Task.CompletedTask;
            }

            _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _room.Task.WaitAsync(ct);
        }
    }

    /// <summary>Ends when all that was added is committed.</summary>
    public Task WhenSettledAsync()
    {
        lock (_gate)
        {
            if (_pending == 0 || _stopped)
            {
                return Task.CompletedTask;
            }

            _settled ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _settled.Task;
        }
    }

    /// <summary>Takes nothing more and gives up what is not committed by now: nobody was told of it.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_stopped)
            {
                return;
            }

            _stopped = true;
            if (_pending > 0)
            {
                BrokerLog.ChangesLost(_logger, _pending);
            }

            _room?.TrySetResult();
            _settled?.TrySetResult();
        }

        _stopping.Cancel();
        _stopping.Dispose();
    }

    void IThreadPoolWorkItem.Execute() => _ = CommitAsync();

    private bool IsBeyond(int times)
    {
        return Volatile.Read(ref _pending) >= ManyChanges * times || Volatile.Read(ref _pendingBytes) >= ManyBytes * times;
    }

    /// <summary>Under the lock. True when there is a batch to commit and nobody does it yet.</summary>
    private bool TryCut()
    {
        if (_openGroups > 0 || _committing is not null || _filling.Count == 0 || _stopped)
        {
            return false;
        }

        (_committing, _filling) = (_filling, _spare);
        _batch++;
        return true;
    }

    // Its own task is not awaited: nothing here may throw.
    private async Task CommitAsync()
    {
        // The one who made the cut commits: nobody else touches the batch meanwhile.
        var batch = _committing;
        while (batch is not null && await TryCommitAsync(batch).ConfigureAwait(false))
        {
            foreach (var outbound in Finish(ref batch))
            {
                outbound.OnCommitted();
            }
        }
    }

    /// <returns>False when the broker has stopped.</returns>
    private async Task<bool> TryCommitAsync(List<MqttSessionChange> batch)
    {
        var wait = FirstRetry;
        for (var failures = 1L; ; failures++)
        {
            try
            {
                await _store.CommitAsync(batch, _stop).ConfigureAwait(false);
                if (failures > 1)
                {
                    BrokerLog.StoreWorksAgain(_logger);
                }

                return true;
            }
#pragma warning disable CA1031 // Whatever is wrong with the store: the changes stay, in order, and nothing is acknowledged until they are taken.
            catch (Exception e)
#pragma warning restore CA1031
            {
                if (_stop.IsCancellationRequested)
                {
                    return false;
                }

                // Attempts 1, 2, 4, 8, ... are told, so that a long outage does not fill the log.
                if (BitOperations.IsPow2(failures))
                {
                    BrokerLog.StoreFails(_logger, failures, e);
                }
            }

            await Task.Delay(wait, _clock.Time, _stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            wait = wait * 2 < LongestRetry ? wait * 2 : LongestRetry;
        }
    }

    /// <param name="batch">The next one after this, if there is one to commit.</param>
    private List<Outbound> Finish(ref List<MqttSessionChange>? batch)
    {
        var done = batch!;
        var bytes = 0L;
        foreach (var change in done)
        {
            bytes += change.Size;
            change.Release();
        }

        lock (_gate)
        {
            _pending -= done.Count;
            _pendingBytes -= bytes;
            Volatile.Write(ref _committed, _committed + 1);
            // A list that an outage made large is not kept.
            done.Clear();
            _spare = done.Capacity > ManyChanges * 2 ? [] : done;
            _committing = null;
            batch = TryCut() ? _committing : null;
            Tell();
            (var told, _waiting) = (_waiting, []);
            return told;
        }
    }

    private void Tell()
    {
        if (!IsFull)
        {
            _room?.TrySetResult();
            _room = null;
        }

        if (_pending == 0)
        {
            _settled?.TrySetResult();
            _settled = null;
        }
    }
}
