using System.Net;
using System.Text.Json;
using System.Threading.Channels;

namespace SmartLock.Server.Tests.Live;

/// <summary>A client of GET /api/events that reads all the time, as an EventSource would.</summary>
internal sealed class EventStream : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly Channel<StreamEvent> _events = Channel.CreateUnbounded<StreamEvent>();
    private readonly HttpResponseMessage _answer;
    private readonly CancellationTokenSource _closed = new();
    private readonly Task _reading;
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _comments;

    private EventStream(HttpResponseMessage answer, StreamReader reader)
    {
        _answer = answer;
        _reading = ReadAsync(reader);
    }

    /// <summary>Where a new stream would resume from.</summary>
    public string? LastEventId { get; private set; }

    /// <summary>How it was cut off; null when it ended properly.</summary>
    public Exception? CutOff { get; private set; }

    public int Comments => Volatile.Read(ref _comments);

    public System.Net.Http.Headers.HttpResponseHeaders Headers => _answer.Headers;

    /// <summary>Ends when the server ends the stream, properly or not.</summary>
    public Task EndedAsync() => _reading.WaitAsync(Patience);

    /// <summary>Open, and past the server's first words: what happens from now on is told.</summary>
    public static async Task<EventStream> OpenAsync(SignedIn user, string? lastEventId = null)
    {
        var answer = await GetAsync(user, lastEventId);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        var stream = new EventStream(answer, new StreamReader(await answer.Content.ReadAsStreamAsync()));
        await stream._opened.Task.WaitAsync(Patience);
        return stream;
    }

    public static Task<HttpResponseMessage> GetAsync(SignedIn user, string? lastEventId = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/api/events");
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        return user.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    public async Task<StreamEvent> NextAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        return await _events.Reader.ReadAsync(limit.Token);
    }

    /// <summary>Events up to and with the first that fits.</summary>
    public async Task<IReadOnlyList<StreamEvent>> UntilAsync(Func<StreamEvent, bool> fits)
    {
        var seen = new List<StreamEvent>();
        do
        {
            seen.Add(await NextAsync());
        }
        while (!fits(seen[^1]));
        return seen;
    }

    /// <summary>What has come so far and was not asked for.</summary>
    public IReadOnlyList<StreamEvent> Rest()
    {
        var rest = new List<StreamEvent>();
        while (_events.Reader.TryRead(out var item))
        {
            rest.Add(item);
        }

        return rest;
    }

    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync();
        _answer.Dispose();
        await _reading;
        _closed.Dispose();
    }

    private async Task ReadAsync(StreamReader reader)
    {
        try
        {
            await ReadLinesAsync(reader);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException or ObjectDisposedException)
        {
            // Cut off; what came is what counts.
            CutOff = e;
        }
        finally
        {
            _events.Writer.TryComplete();
        }
    }

    private async Task ReadLinesAsync(StreamReader reader)
    {
        string? kind = null;
        string? data = null;
        while (await reader.ReadLineAsync(_closed.Token) is { } line)
        {
            switch (line.Split(": ", 2))
            {
                case ["event", var value]:
                    kind = value;
                    break;
                case ["data", var value]:
                    data = value;
                    break;
                case ["id", var value]:
                    LastEventId = value;
                    break;
                case ["", ..]:
                    if (line.Length > 0)
                    {
                        Interlocked.Increment(ref _comments);
                    }
                    else if (kind is not null)
                    {
                        _events.Writer.TryWrite(new StreamEvent(kind, LastEventId!, JsonDocument.Parse(data!).RootElement));
                        kind = null;
                    }
                    else
                    {
                        _opened.TrySetResult();
                    }

                    break;
            }
        }
    }
}

internal sealed record StreamEvent(string Kind, string Id, JsonElement Data)
{
    public string? Text(string member) => Data.GetProperty(member).GetString();
}
