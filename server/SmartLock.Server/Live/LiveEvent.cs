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
/// <param name="Audience">User names, in any case: of who could see the lock when the event was made, or whose access it is about.</param>
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
    public const string Access = "access";
}

/// <param name="Access">owner, operator, viewer or none: what the one who is told may do with the lock from now on.</param>
internal sealed record AccessEvent(string DeviceId, string Access);

/// <summary>Makes events in the JSON of the API.</summary>
internal sealed class LiveEvents(IOptions<JsonOptions> json)
{
    public LiveEvent OfLock(LiveLock seen, DateTimeOffset now) =>
        Of(LiveEventKinds.Lock, seen.Change.DeviceId, seen.Audience, seen.Change, now);

    /// <summary>Null for a command that was given before the lock had its present owner: who gave it is not theirs to know.</summary>
    public LiveEvent? OfCommand(Command command, LiveLock seen, DateTimeOffset now) => command.IssuedAt < seen.OwnedSince && seen.OwnedSince <= now
        ? null
        : Of(LiveEventKinds.Command, command.DeviceId, seen.Audience, CommandResponse.Of(command), now);

    /// <param name="seen">Null for a lock that is gone.</param>
    public LiveEvent OfAccess(string deviceId, string username, LiveLock? seen, DateTimeOffset now)
    {
        var access = seen?.AccessOf(username)?.ToString().ToLowerInvariant() ?? "none";
        return Of(LiveEventKinds.Access, deviceId, [username], new AccessEvent(deviceId, access), now);
    }

    private LiveEvent Of<T>(string kind, string deviceId, IReadOnlyCollection<string> audience, T data, DateTimeOffset now) =>
        new(Ids.NewUlid(now), kind, deviceId, now, audience, JsonSerializer.SerializeToUtf8Bytes(data, json.Value.SerializerOptions));
}
