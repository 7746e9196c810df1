using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace SmartLock.Server.Tests.Telemetry;

/// <summary>A collector that keeps what it is sent, over OTLP/HTTP or OTLP/gRPC.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly ConcurrentQueue<(string Path, string ContentType, byte[] Body)> _received = new();
    private readonly WebApplication _app;

    private OtlpReceiver(HttpProtocols protocol)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = protocol));
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            _received.Enqueue((context.Request.Path, context.Request.ContentType ?? "", body.ToArray()));
            if (context.Response.SupportsTrailers())
            {
                context.Response.ContentType = "application/grpc";
                context.Response.AppendTrailer("grpc-status", "0");
            }
        });
    }

    public string Address => _app.Urls.First();

    public IReadOnlyList<(string Path, string ContentType, byte[] Body)> Received => [.. _received];

    public static async Task<OtlpReceiver> StartAsync(HttpProtocols protocol = HttpProtocols.Http1)
    {
        var receiver = new OtlpReceiver(protocol);
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <summary>Whether a message to <paramref name="path"/> holds these bytes: protobuf writes texts and ids as they are.</summary>
    public bool Has(string path, byte[] bytes) => _received.Any(r => r.Path == path && r.Body.AsSpan().IndexOf(bytes) >= 0);

    public bool Has(string path, string text) => Has(path, Encoding.UTF8.GetBytes(text));

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}
