using System.Security.Cryptography;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;
using SmartLock.Server.Messaging.External;

namespace SmartLock.Server.Replicas;

/// <summary>This process among those on one store.</summary>
internal sealed class ReplicaId
{
    /// <summary>Drawn anew by each start: what an earlier one held or said is another's.</summary>
    public string Value { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    public override string ToString() => Value;
}

/// <summary>
/// Publishes what this replica has changed, or at least that it is there. The next message waits for the broker's acknowledgement of the one before, so that what comes in between
/// shares a message; what the broker did not take is sent again, and is told from a second message by its number.
/// </summary>
internal sealed partial class InvalidationSender(InvalidationQueue queue, InvalidationCodec codec, BrokerClient broker, ReplicaId self, TimeProvider time, ILogger<InvalidationSender> log)
    : RepeatedService(new FailureLog(log, time, delayed: null, LogFailed), time)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly WakeUp _connected = new();
    private List<CacheInvalidation>? _unsent;
    private long _number = 1;

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        broker.Connected += OnConnected;
        return base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        broker.Connected -= OnConnected;

        // What the last batches of the devices changed nobody else would tell the others.
        _unsent ??= queue.Take();
        while (_unsent.Count > 0)
        {
            if (!await TrySendAsync(_unsent, cancellationToken))
            {
                return;
            }

            _unsent = queue.Take();
        }

        await TrySendAsync([new CacheInvalidation(InvalidationKind.SignOff, "")], cancellationToken);
    }

    protected override async Task RunStepAsync(CancellationToken ct)
    {
        _unsent ??= await queue.TakeAsync(LostReplicas.SpeaksEvery, Time, ct);
        if (await TrySendAsync(_unsent, ct))
        {
            _unsent = null;
            return;
        }

        await _connected.WaitAsync(RetryAfter, Time, ct);
    }

    private async Task<bool> TrySendAsync(List<CacheInvalidation> batch, CancellationToken ct)
    {
        var payload = codec.Write(new InvalidationMessage(self.Value, _number, Time.GetUtcNow().ToUnixTimeMilliseconds(), batch));
        if (await broker.PublishAsync(Topics.Events, payload, (uint)SenderSequences.GoodFor.TotalSeconds, ct) is not PublishResult.Delivered)
        {
            return false;
        }

        _number++;
        return true;
    }

    private void OnConnected(object? sender, EventArgs e) => _connected.Set();

    [LoggerMessage(1, LogLevel.Error, "The other replicas could not be told what changed; it will be sent again")]
    private static partial void LogFailed(ILogger log, Exception e);
}
