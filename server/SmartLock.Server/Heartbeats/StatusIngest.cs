using System.Diagnostics.Metrics;
using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Options;
using SmartLock.Server.Commands;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;
using SmartLock.Server.Telemetry;

namespace SmartLock.Server.Heartbeats;

/// <summary>
/// Takes every message on the status topics, from whichever broker, and passes on what is to be believed. Never throws, never
/// waits: it runs on the broker's read loops.
/// </summary>
internal sealed partial class StatusIngest(
    DeviceCache registry,
    HeartbeatWriter writer,
    IOptions<DeviceOptions> options,
    TimeProvider time,
    IMeterFactory meters,
    ILogger<StatusIngest> log) : BackgroundService, IStatusReceiver
{
    private const int MaxWaiting = 4096;
    private static readonly TimeSpan LogAtMostEvery = TimeSpan.FromSeconds(10);

    private readonly Counter<long> _counter = meters.Create(TelemetryNames.Source).CreateCounter<long>(
        TelemetryNames.Statuses, "{message}", "Messages on the status topics, by what became of them.");

    // Messages of devices not remembered yet, which take a read of the store first. When it is full they are dropped: the
    // device's next heartbeat says the same again.
    private readonly Channel<WaitingStatus> _waiting = Channel.CreateBounded<WaitingStatus>(
        new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true });

    private readonly LogThrottle _throttle = new(time, LogAtMostEvery);

    public void Accept(ReadOnlySpan<byte> payload, bool retained, string? login) => Accept(payload, retained, login, isStillConnected: false);

    public void AcceptFromConnected(ReadOnlySpan<byte> payload, bool retained, string login) => Accept(payload, retained, login, isStillConnected: true);

    private void Accept(ReadOnlySpan<byte> payload, bool retained, string? login, bool isStillConnected)
    {
        if (retained)
        {
            Drop("retained", login);
            return;
        }

        Span<byte> scratch = stackalloc byte[StatusMessage.MaxPayloadBytes];
        if (!StatusMessage.TryFindDevice(payload, scratch, out var deviceId))
        {
            Drop("malformed", login);
            return;
        }

        // Before anything is looked up: a login never speaks for another device, signed or not.
        if (login is not null && !Ascii.Equals(deviceId, login))
        {
            Drop("foreign_login", login);
            return;
        }

        if (registry.Find(deviceId) is { } device)
        {
            var belief = Judge(payload, device, login, isStillConnected);
            if (belief is not (Belief.BadSignature or Belief.Unproven) || login is not null || !registry.ForgetRefused(device))
            {
                Count(belief, device, login);
                return;
            }
        }

        if (!_waiting.Writer.TryWrite(new WaitingStatus(Encoding.UTF8.GetString(deviceId), payload.ToArray(), login)))
        {
            Drop("overload", login);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var waiting in _waiting.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                AcceptLoaded(waiting, await registry.FindAsync(waiting.DeviceId, stoppingToken));
            }
            catch (StoreUnavailableException)
            {
                Drop("store_unavailable", waiting.Login);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // Whatever it was, one message must not end the processing of all that follow.
                LogFailed(e);
            }
        }
    }

    private void AcceptLoaded(WaitingStatus waiting, CachedDevice? device)
    {
        if (device is null)
        {
            Drop("unknown_device", waiting.Login);
            return;
        }

        Count(Judge(waiting.Payload, device, waiting.Login, isStillConnected: false), device, waiting.Login);
    }

    /// <param name="login">The device's own, or null for an outside broker.</param>
    private Belief Judge(ReadOnlySpan<byte> payload, CachedDevice device, string? login, bool isStillConnected)
    {
        var source = login is null ? StatusSource.Anyone : StatusSource.OwnLogin;
        var proof = StatusBelief.ProofOf(payload, source, device.Key, device.IsUnsigned && options.Value.AllowUnsigned);
        if (proof is StatusProof.None or StatusProof.BadSignature)
        {
            return proof is StatusProof.None ? Belief.Unproven : Belief.BadSignature;
        }

        Span<byte> scratch = stackalloc byte[StatusMessage.MaxPayloadBytes];
        if (!StatusMessage.TryParse(payload, scratch, out var message))
        {
            return Belief.Malformed;
        }

        if (message.IsWill && isStillConnected && source is StatusSource.OwnLogin)
        {
            return Belief.ReplacedConnection;
        }

        // One device's statuses are judged and queued one at a time: of two equal ones that race, the second is the replay.
        lock (device)
        {
            var now = time.GetUtcNow();
            var belief = StatusBelief.Of(message, proof, device, now);
            if (belief is Belief.Believed)
            {
                Take(message, proof, device, now);
            }

            return belief;
        }
    }

    private void Count(Belief belief, CachedDevice device, string? login)
    {
        if (belief is Belief.Believed)
        {
            _counter.Add(1, new KeyValuePair<string, object?>(TelemetryNames.Result, "believed"));
            return;
        }

        Drop(NameOf(belief), login ?? device.DeviceId);
    }

    private void Take(in StatusMessage message, StatusProof proof, CachedDevice device, DateTimeOffset now)
    {
        if (message.IsWill)
        {
            if (device.MayBeLost(now))
            {
                writer.Add(new ConnectionLoss(device.DeviceId, message.ConnectedAt ?? 0, now, device.KeyFrom));
            }

            return;
        }

        // A misdated status over the device's own login is believed, but must not shut out the rightly dated ones that follow.
        var sentAt = StatusBelief.IsAhead(message.SentAt, now) ? 0 : message.SentAt ?? 0;
        device.SentAt = Math.Max(device.SentAt, sentAt);
        device.ConnectedAt = message.ConnectedAt ?? device.ConnectedAt;
        device.ReceivedAt = now;
        var hasRestarted = device.TakeBoot(message.Boot);
        var report = new DeviceReport(
            device.DeviceId,
            now,
            message.Status,
            device.IssueText(message.Issue),
            sentAt,
            message.ConnectedAt ?? 0,
            message.OwnTopics ?? false,
            device.FirmwareText(message.Firmware),
            message.Rssi,
            message.BatteryMv,
            message.UptimeS,
            device.KeyFrom,
            device.IsUnsigned,
            BySignature: StatusBelief.IsSigned(proof),
            device.Boot);

        // The device takes no command for its earlier start: none should be made for that any more.
        writer.Add(report, urgent: hasRestarted);
        if (VerdictWords.Find(message.Result) is { } result
            && !device.IsSettled(message.CommandId, result)
            && Encoding.UTF8.GetString(message.CommandId) is var commandId
            && Ids.IsUlid(commandId))
        {
            writer.Add(new Verdict(device.DeviceId, commandId, result, now, device.KeyFrom), device);
        }
    }

    private void Drop(string reason, string? from)
    {
        _counter.Add(1, new KeyValuePair<string, object?>(TelemetryNames.Result, reason));
        if (_throttle.TryEnter(out var unsaid))
        {
            LogDropped(reason, from ?? "unknown", unsaid);
        }
    }

    private static string NameOf(Belief belief) => belief switch
    {
        Belief.Believed => "believed",
        Belief.Unproven => "unproven",
        Belief.BadSignature => "bad_signature",
        Belief.Replayed => "replayed",
        Belief.Misdated => "misdated",
        Belief.OldConnection => "old_connection",
        Belief.ReplacedConnection => "replaced_connection",
        Belief.Malformed => "malformed",
        _ => throw new ArgumentOutOfRangeException(nameof(belief)),
    };

    private sealed record WaitingStatus(string DeviceId, byte[] Payload, string? Login);

    [LoggerMessage(1, LogLevel.Warning, "Dropped a status ({Reason}) from {From}; {Unsaid} more since the last such line")]
    private partial void LogDropped(string reason, string from, long unsaid);

    [LoggerMessage(2, LogLevel.Error, "A status could not be taken in")]
    private partial void LogFailed(Exception e);
}
