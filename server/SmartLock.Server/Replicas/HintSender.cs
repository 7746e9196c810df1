using System.Security.Cryptography;
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
internal sealed partial class HintSender(Hints hints, HintCodec codec, BrokerClient broker, ReplicaId self, TimeProvider time, ILogger<HintSender> log)
    : BackgroundService
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly AsyncSignal _connected = new();
    private List<Hint>? _unsent;
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
        _unsent ??= hints.Take();
        while (_unsent.Count > 0)
        {
            if (!await TrySendAsync(_unsent, cancellationToken))
            {
                return;
            }

            _unsent = hints.Take();
        }

        await TrySendAsync([new Hint(HintKind.Goodbye, "")], cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => LastingLoop.RunAsync(SendAsync, LogFailed, time, stoppingToken);

    private async Task SendAsync(CancellationToken ct)
    {
        _unsent ??= await hints.TakeAsync(LostReplicas.SpeaksEvery, time, ct);
        if (await TrySendAsync(_unsent, ct))
        {
            _unsent = null;
            return;
        }

        await _connected.WaitAsync(RetryAfter, time, ct);
    }

    private async Task<bool> TrySendAsync(List<Hint> batch, CancellationToken ct)
    {
        var payload = codec.Write(new HintMessage(self.Value, _number, time.GetUtcNow().ToUnixTimeMilliseconds(), batch));
        if (await broker.PublishAsync(Topics.Events, payload, (uint)HintSenders.GoodFor.TotalSeconds, ct) is not PublishResult.Delivered)
        {
            return false;
        }

        _number++;
        return true;
    }

    private void OnConnected(object? sender, EventArgs e) => _connected.Set();

    [LoggerMessage(1, LogLevel.Error, "What changed could not be told to the other replicas and will be tried again")]
    private partial void LogFailed(Exception e);
}
