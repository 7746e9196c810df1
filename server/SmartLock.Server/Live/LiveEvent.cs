using System.Text.Json;
using Microsoft.Extensions.Options;
using SmartLock.Server.Commands;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;
using JsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;

namespace SmartLock.Server.Live;

/// <summary>Something that those who may see a lock are told of.</summary>
/// <param name="Id">A ULID.</param>
/// <param name="Kind">One of <see cref="LiveEventKinds"/>.</param>
/// <param name="Audience">User names of who could see the lock when the event was made, in any case.</param>
/// <param name="Data">JSON in UTF-8, without line breaks.</param>
internal sealed record LiveEvent(
    string Id,
    string Kind,
    string DeviceId,
    DateTimeOffset MadeAt,
    IReadOnlyCollection<string> Audience,
    byte[] Data);

internal static class LiveEventKinds
{
    public const string Lock = "lock";
    public const string Command = "command";
}

/// <summary>A lock as its <c>lock</c> event shows it: its state when the event is made, not each one that it went through.</summary>
internal sealed record LockEvent(string DeviceId, LockStatus Status, LockState State, string? Issue, DateTimeOffset? LastSeen);

/// <summary>Makes events in the JSON of the API.</summary>
internal sealed class LiveEvents(IOptions<JsonOptions> json)
{
    public LiveEvent OfLock(LiveLock seen, DateTimeOffset now) =>
        Of(LiveEventKinds.Lock, seen.Change.DeviceId, seen, JsonSerializer.SerializeToUtf8Bytes(seen.Change, json.Value.SerializerOptions), now);

    public LiveEvent OfCommand(Command command, LiveLock seen, DateTimeOffset now) => Of(
        LiveEventKinds.Command,
        command.DeviceId,
        seen,
        JsonSerializer.SerializeToUtf8Bytes(CommandResponse.Of(command), json.Value.SerializerOptions),
        now);

    private static LiveEvent Of(string kind, string deviceId, LiveLock seen, byte[] data, DateTimeOffset now) =>
        new(Ids.NewUlid(now), kind, deviceId, now, seen.Audience, data);
}
