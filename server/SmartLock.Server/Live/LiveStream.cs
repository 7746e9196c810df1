using System.Buffers;
using System.IO.Pipelines;
using SmartLock.Server.Accounts;

namespace SmartLock.Server.Live;

/// <summary>
/// The answer that does not end by itself: it ends with the client, the access token, the session, the listener's patience, or at
/// once when the server stops.
/// </summary>
internal sealed class LiveStream(LiveListener listener, IReadOnlyList<byte[]> opening, StreamEnd end) : IResult
{
    private const int MostUnflushed = 32 * 1024;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        using (end)
        using (listener)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(end.Token, listener.Overflowed, httpContext.RequestAborted);
            var response = httpContext.Response;
            response.ContentType = "text/event-stream";
            response.Headers.CacheControl = "no-store";

            // nginx would otherwise hold events back until it has a buffer full of them.
            response.Headers["X-Accel-Buffering"] = "no";
            try
            {
                await WriteAsync(response, either.Token);
            }
            catch (OperationCanceledException) when (either.IsCancellationRequested)
            {
                if (listener.Overflowed.IsCancellationRequested)
                {
                    // Its connection is full: a proper end of the answer would never get through.
                    httpContext.Abort();
                }
            }
        }
    }

    private async Task WriteAsync(HttpResponse response, CancellationToken ct)
    {
        foreach (var frame in opening)
        {
            await WriteAsync(response.BodyWriter, frame, ct);
        }

        await response.BodyWriter.FlushAsync(ct);
        while (await listener.Frames.WaitToReadAsync(ct))
        {
            while (listener.Frames.TryRead(out var frame))
            {
                await WriteAsync(response.BodyWriter, frame, ct);
            }

            await response.BodyWriter.FlushAsync(ct);
        }
    }

    /// <summary>What waits is sent together, but never more than this is held in the answer's buffer.</summary>
    private static async ValueTask WriteAsync(PipeWriter body, byte[] frame, CancellationToken ct)
    {
        body.Write(frame);
        if (body.UnflushedBytes >= MostUnflushed)
        {
            await body.FlushAsync(ct);
        }
    }
}

/// <summary>Everything from outside that ends a stream.</summary>
internal sealed class StreamEnd : IDisposable
{
    // Longer than any token lives, and well within what a timer can hold.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    private readonly RevocationWatcher.Watch _session;
    private readonly CancellationTokenSource _expiry;
    private readonly CancellationTokenSource _any;

    public StreamEnd(RevocationWatcher.Watch session, TimeSpan tokenLife, TimeProvider time, CancellationToken stopping)
    {
        _session = session;
        _expiry = new CancellationTokenSource(tokenLife < Longest ? tokenLife : Longest, time);
        _any = CancellationTokenSource.CreateLinkedTokenSource(session.Ended, _expiry.Token, stopping);
    }

    public CancellationToken Token => _any.Token;

    public void Dispose()
    {
        _any.Dispose();
        _expiry.Dispose();
        _session.Dispose();
    }
}
