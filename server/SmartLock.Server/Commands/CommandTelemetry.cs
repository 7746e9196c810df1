using System.Diagnostics;
using System.Diagnostics.Metrics;
using SmartLock.Server.Messaging;
using SmartLock.Server.Telemetry;

namespace SmartLock.Server.Commands;

/// <summary>
/// Spans and metrics of commands. The verdict comes over MQTT, where nothing carries the trace of the request that asked: it is found
/// again by the command's id.
/// </summary>
internal sealed class CommandTelemetry(IMeterFactory meters, PendingTraces traces, TimeProvider time)
{
    // Seconds. Most verdicts take milliseconds; beyond ten seconds the command has expired.
    private static readonly InstrumentAdvice<double> Buckets = new()
    {
        HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    };

    /// <summary>Neither issued nor refused: the store could not be asked.</summary>
    private const string Failed = "failed";

    private readonly Counter<long> _commands = meters.Create(TelemetryNames.Source).CreateCounter<long>(
        TelemetryNames.Commands, "{command}", "Attempts to move a bolt, by action and by what became of the attempt.");

    private readonly Histogram<double> _duration = meters.Create(TelemetryNames.Source).CreateHistogram(
        TelemetryNames.CommandDuration, "s", "Time from a command's issue to the device's verdict, by action and verdict.", advice: Buckets);

    private readonly Counter<long> _unanswered = meters.Create(TelemetryNames.Source).CreateCounter<long>(
        TelemetryNames.CommandsUnanswered, "{command}", "Commands that ended without a verdict.");

    /// <summary>The store's part: what is decided and recorded before anything is sent.</summary>
    public async Task<IssueResult> IssueAsync(IssueRequest request, Func<Task<IssueResult>> issue)
    {
        var asking = Activity.Current;
        using var span = Start(TelemetryNames.IssueSpan, ActivityKind.Internal, request.CommandId, request.DeviceId, request.Action);
        IssueResult result;
        try
        {
            result = await issue();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            span?.SetTag(TelemetryNames.Outcome, Failed);
            span?.SetStatus(ActivityStatusCode.Error);
            Count(request.Action, Failed);
            throw;
        }

        var outcome = OutcomeOf(result.Outcome);
        span?.SetTag(TelemetryNames.Outcome, outcome);
        if (result.Outcome is not IssueOutcome.Issued)
        {
            Count(request.Action, outcome);
        }
        else if ((asking ?? span) is { Recorded: true } asked)
        {
            traces.Open(request.CommandId, asked.Context, time.GetUtcNow());
        }

        return result;
    }

    /// <summary>The broker's part: publishing an issued command.</summary>
    public async Task<PublishResult> PublishAsync(Command command, Func<Task<PublishResult>> publish)
    {
        using var span = Start(TelemetryNames.PublishSpan, ActivityKind.Producer, command.Id, command.DeviceId, command.Action);
        span?.SetTag("messaging.system", "mqtt");
        var result = await publish();
        var outcome = OutcomeOf(result);
        span?.SetTag(TelemetryNames.Outcome, outcome);
        span?.SetStatus(result is PublishResult.Delivered ? ActivityStatusCode.Unset : ActivityStatusCode.Error);
        Count(command.Action, outcome);
        return result;
    }

    /// <summary>The device's part: from the publish to the moment its verdict was stored.</summary>
    public void Decided(Command command)
    {
        var action = ActionOf(command.Action);
        var result = command.Result ?? "none";
        if (command.DecidedAt is { } decidedAt)
        {
            _duration.Record((decidedAt - command.IssuedAt).TotalSeconds, Tag(TelemetryNames.Action, action), Tag(TelemetryNames.Result, result));
        }

        if (traces.Close(command.Id) is not { } trace)
        {
            return;
        }

        using var span = TelemetryNames.Spans.StartActivity(TelemetryNames.VerdictSpan, ActivityKind.Consumer, trace.Parent, startTime: trace.OpenedAt);
        Describe(span, command.Id, command.DeviceId, command.Action);
        span?.SetTag(TelemetryNames.Result, result);
        span?.SetStatus(command.State is CommandState.Done ? ActivityStatusCode.Unset : ActivityStatusCode.Error);
        span?.SetEndTime(time.GetUtcNow().UtcDateTime);
    }

    public void Unanswered(int commands) => _unanswered.Add(commands);

    private void Count(CommandAction action, string outcome) =>
        _commands.Add(1, Tag(TelemetryNames.Action, ActionOf(action)), Tag(TelemetryNames.Outcome, outcome));

    private static Activity? Start(string name, ActivityKind kind, string commandId, string deviceId, CommandAction action)
    {
        var span = TelemetryNames.Spans.StartActivity(name, kind);
        Describe(span, commandId, deviceId, action);
        return span;
    }

    private static void Describe(Activity? span, string commandId, string deviceId, CommandAction action)
    {
        span?.SetTag(TelemetryNames.CommandId, commandId);
        span?.SetTag(TelemetryNames.DeviceId, deviceId);
        span?.SetTag(TelemetryNames.Action, ActionOf(action));
    }

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);

    private static string ActionOf(CommandAction action) => action is CommandAction.Lock ? "lock" : "unlock";

    private static string OutcomeOf(IssueOutcome outcome) => outcome switch
    {
        IssueOutcome.Issued => "issued",
        IssueOutcome.AlreadyIssued => "repeated",
        IssueOutcome.IdempotencyKeyReused => "key_reused",
        IssueOutcome.NotFound => "not_found",
        IssueOutcome.NotAllowed => "not_allowed",
        IssueOutcome.Offline => "offline",
        _ => "refused",
    };

    private static string OutcomeOf(PublishResult result) => result switch
    {
        PublishResult.Delivered => "sent",
        PublishResult.NotSent => "unreachable",
        _ => "unacknowledged",
    };
}
