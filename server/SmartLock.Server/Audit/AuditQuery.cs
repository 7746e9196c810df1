using Microsoft.AspNetCore.Mvc;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Audit;

/// <summary>The filters of a request for log entries.</summary>
/// <param name="DeviceId">One lock only.</param>
/// <param name="Actor">Who did it: a user name, <c>device:ID</c> or <c>system</c>.</param>
/// <param name="Action">What was done, such as <c>command.unlock</c>.</param>
/// <param name="From">The first moment, RFC 3339 with an offset.</param>
/// <param name="Until">The moment after the last.</param>
internal sealed record AuditQuery(
    [property: FromQuery(Name = "device_id")] string? DeviceId,
    [property: FromQuery(Name = "actor")] string? Actor,
    [property: FromQuery(Name = "action")] string? Action,
    [property: FromQuery(Name = "from")] string? From,
    [property: FromQuery(Name = "until")] string? Until)
{
    private const int MaxLength = 100;
    private const string NoTime = "must be a time with an offset, such as 2026-06-01T12:00:00Z (a plus sign is written %2B)";

    /// <summary>The filter, or the members at fault with their messages.</summary>
    public (AuditFilter Filter, IReadOnlyDictionary<string, string[]> Errors) Read()
    {
        var errors = new Dictionary<string, string[]>();
        CheckText("device_id", DeviceId, errors);
        CheckText("actor", Actor, errors);
        CheckText("action", Action, errors);
        var from = ReadTime("from", From, errors);
        var until = ReadTime("until", Until, errors);
        if (from >= until)
        {
            errors["until"] = ["must be later than from"];
        }

        return (new AuditFilter(DeviceId, Actor, Action, from, until), errors);
    }

    private static void CheckText(string name, string? text, Dictionary<string, string[]> errors)
    {
        if (text is not null && TextRules.Check(text, MaxLength) is { } fault)
        {
            errors[name] = [fault];
        }
    }

    private static DateTimeOffset? ReadTime(string name, string? text, Dictionary<string, string[]> errors)
    {
        if (text is null)
        {
            return null;
        }

        if (TimestampConverter.TryParse(text, out var time))
        {
            return time;
        }

        errors[name] = [NoTime];
        return null;
    }
}
