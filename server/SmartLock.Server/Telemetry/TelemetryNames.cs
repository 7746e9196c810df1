using System.Diagnostics;

namespace SmartLock.Server.Telemetry;

/// <summary>
/// Every name that this server's own spans, metrics and their attributes have; docs/telemetry.md lists them. Metrics carry no device ids and no user
/// names, whose number has no bound; spans carry device ids, and nothing carries a key, a password or a token.
/// </summary>
internal static class TelemetryNames
{
    public const string Source = "SmartLock.Server";
    public const string BrokerMeter = "SmartLock.Mqtt";

    public const string IssueSpan = "command.issue";
    public const string PublishSpan = "mqtt.publish";
    public const string VerdictSpan = "command.verdict";

    public const string CommandId = "smartlock.command_id";
    public const string DeviceId = "smartlock.device_id";
    public const string Action = "smartlock.action";
    public const string Outcome = "smartlock.outcome";
    public const string Result = "smartlock.result";
    public const string Login = "smartlock.login";

    public const string Commands = "smartlock.commands";
    public const string CommandDuration = "smartlock.command.duration";
    public const string CommandsUnanswered = "smartlock.commands.unanswered";
    public const string DevicesAvailable = "smartlock.devices.available";
    public const string Statuses = "smartlock.statuses";
    public const string BrokerSessions = "smartlock.broker.sessions";
    public const string LoginsRefused = "smartlock.logins.refused";
    public const string StoreWritesQueued = "smartlock.store.writes.queued";

    /// <summary>One for the process: activity sources are found by name, whoever makes them.</summary>
    public static readonly ActivitySource Spans = new(Source);
}
