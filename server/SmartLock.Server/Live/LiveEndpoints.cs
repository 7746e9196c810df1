using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using SmartLock.Server.Accounts;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Live;

internal static class LiveEndpoints
{
    private static readonly TimeSpan WhenFull = TimeSpan.FromSeconds(30);

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/api/events", ListenAsync)
        .WithTags("Events")
        .WithName("listenToEvents")
        .WithSummary("Changes of your locks and commands as they happen, as server-sent events")
        .WithDescription(
            "Events: 'lock' (a lock's status, state or issue changed), 'command' (sent, or ended), 'access' (you got a lock, lost it, or may do "
            + "more or less with it: access is owner, operator, viewer or none; that a share begins or ends by its own dates is not sent), and 'resync' "
            + "(events were missed: read again what you show, then go on). With Last-Event-ID the stream first repeats what was missed. It ends with the access token: "
            + "come back with a new one.")
        .RequireRateLimiting(RateLimits.Reads)
        .WithMetadata(LongLived.Instance)
        .Produces<string>(StatusCodes.Status200OK, contentType: "text/event-stream");

    private static async Task<IResult> ListenAsync([AsParameters] LiveRequest request, CancellationToken ct)
    {
        var username = request.User.Username();

        // Watched before the session is asked for again, or the session's end might pass between the two.
        var session = request.Sessions.Begin(username, request.User.SessionId());
        IResult? answer = null;
        try
        {
            answer = await OpenAsync(request, username, session, ct);
            return answer;
        }
        finally
        {
            if (answer is not LiveStream)
            {
                session.Dispose();
            }
        }
    }

    private static async Task<IResult> OpenAsync(LiveRequest request, string username, RevocationWatcher.Watch session, CancellationToken ct)
    {
        var now = request.Time.GetUtcNow();
        var life = request.User.TokenExpiry() - now;
        if (life <= TimeSpan.Zero || await request.Accounts.FindAsync(request.User.SessionId(), ct) is null)
        {
            return Problems.Of(StatusCodes.Status401Unauthorized, "unauthorized", "The session has ended.");
        }

        var joined = request.Hub.Join(username, ClientAddress.Of(request.Context), request.LastEventId);
        if (joined.Listener is null)
        {
            return Refuse(joined.Outcome, request.Context);
        }

        try
        {
            var opening = await OpeningAsync(joined, username, request.Store, now, ct);
            return new LiveStream(joined.Listener, opening, new StreamEnd(session, life, request.Time, request.Lifetime.ApplicationStopping));
        }
        catch
        {
            joined.Listener.Dispose();
            throw;
        }
    }

    /// <summary>Of what was missed only what the account may still see: a lock may have been taken from it since, which it is told.</summary>
    private static async Task<IReadOnlyList<byte[]>> OpeningAsync(JoinResult joined, string username, ILiveStore store, DateTimeOffset now, CancellationToken ct)
    {
        if (joined.IsLost)
        {
            return [LiveFrames.Opening(joined.Position), LiveFrames.Resync(joined.Position)];
        }

        if (joined.Missed.Count == 0)
        {
            return [LiveFrames.Opening(joined.Position)];
        }

        var deviceIds = joined.Missed.Select(p => p.Event.DeviceId).ToHashSet(StringComparer.Ordinal);
        var visible = await store.VisibleAsync(username, deviceIds, now, ct);

        // The position last: a client that is cut off in between resumes from the last event it has.
        return [.. joined.Missed.Where(p => p.Event.Kind == LiveEventKinds.Access || visible.Contains(p.Event.DeviceId)).Select(p => p.Frame), LiveFrames.Opening(joined.Position)];
    }

    private static ProblemHttpResult Refuse(JoinOutcome outcome, HttpContext context)
    {
        if (outcome is JoinOutcome.TooManyOfAccount)
        {
            return Problems.TooManyRequests(context, WhenFull, "This account has as many event streams open as one may have.");
        }

        if (outcome is JoinOutcome.TooManyOfNetwork)
        {
            return Problems.TooManyRequests(context, WhenFull, "Your network has as many event streams open as one may have.");
        }

        Problems.SetRetryAfter(context, WhenFull);
        return Problems.Of(
            StatusCodes.Status503ServiceUnavailable,
            "too_many_streams",
            "The server has as many event streams open as it may have.");
    }
}

/// <summary>What opening a stream needs.</summary>
internal sealed record LiveRequest(
    [FromHeader(Name = "Last-Event-ID")] string? LastEventId,
    HttpContext Context,
    ClaimsPrincipal User,
    LiveHub Hub,
    ILiveStore Store,
    RevocationWatcher Sessions,
    SessionCache Accounts,
    IHostApplicationLifetime Lifetime,
    TimeProvider Time);
