using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace SmartLock.Server.Tests.Webhooks;

/// <summary>Somebody's server that webhooks are posted to, on loopback.</summary>
internal sealed class Receiver : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly WebApplication _app;
    private readonly Channel<Received> _received = Channel.CreateUnbounded<Received>();
    private readonly ConcurrentQueue<Func<HttpContext, Task>> _answers = new();
    private int _concurrent;

    private Receiver(WebApplication app) => _app = app;

    public string Url => _app.Urls.First() + "/hook?key=query-secret";

    public Uri Address => new(_app.Urls.First());

    /// <summary>How it answers what nothing else was said of.</summary>
    public int Status { get; set; } = StatusCodes.Status204NoContent;

    public int Requests { get; private set; }

    public int MostAtOnce { get; private set; }

    public static async Task<Receiver> StartAsync(string url = "http://127.0.0.1:0")
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(url);
        var receiver = new Receiver(builder.Build());
        receiver._app.Run(receiver.HandleAsync);
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <summary>The next request is answered so; several are taken in turn.</summary>
    public void AnswerNext(Func<HttpContext, Task> answer) => _answers.Enqueue(answer);

    public void AnswerNext(int status) => AnswerNext(context =>
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    });

    public async Task<Received> NextAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        return await _received.Reader.ReadAsync(limit.Token);
    }

    public bool HasMore => _received.Reader.TryPeek(out _);

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        lock (_received)
        {
            Requests++;
            MostAtOnce = Math.Max(MostAtOnce, ++_concurrent);
        }

        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        context.Response.StatusCode = Status;
        if (_answers.TryDequeue(out var answer))
        {
            await answer(context);
        }

        lock (_received)
        {
            _concurrent--;
        }

        _received.Writer.TryWrite(new Received(
            context.Request.Method,
            context.Request.Path + context.Request.QueryString,
            context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            body.ToArray()));
    }
}

internal sealed record Received(string Method, string Target, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public string Event => Headers["SmartLock-Event"];

    public string DeliveryId => Headers["SmartLock-Delivery"];

    public JsonElement Data => Json.GetProperty("data");

    /// <summary>As docs/webhooks.md tells a receiver to check it.</summary>
    public bool IsSignedWith(string secretHex, DateTimeOffset now)
    {
        var timestamp = Headers["SmartLock-Timestamp"];
        var age = now.ToUnixTimeSeconds() - long.Parse(timestamp, CultureInfo.InvariantCulture);
        var signed = Encoding.UTF8.GetBytes($"{timestamp}.{Encoding.UTF8.GetString(Body)}");
        var expected = "v1=" + Convert.ToHexStringLower(HMACSHA256.HashData(Convert.FromHexString(secretHex), signed));
        return Math.Abs(age) <= 300 && Headers["SmartLock-Signature"] == expected;
    }
}
