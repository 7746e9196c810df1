using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using SmartLock.Server.Infrastructure;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Infrastructure;

public sealed class HttpConnectionsTests
{
    private readonly FakeClock _clock = new();

    [Fact]
    public async Task Where_all_places_are_taken_the_one_that_is_idle_longest_goes()
    {
        var all = Bounded(most: 2, perNetwork: 2);
        await using var first = new Peer(all, "192.0.2.1");
        await using var second = new Peer(all, "192.0.2.2");
        await first.RequestAsync(() => Task.CompletedTask);

        await using var third = new Peer(all, "192.0.2.3");

        await second.EndedAsync();
        (first.IsOpen, third.IsOpen).ShouldBe((true, true), "the first had a request since");
        all.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_request_under_way_is_never_cut_and_a_newcomer_is_refused_where_all_have_one()
    {
        var all = Bounded(most: 2, perNetwork: 2);
        await using var first = new Peer(all, "192.0.2.1");
        await using var second = new Peer(all, "192.0.2.2");
        var (one, two) = (new TaskCompletionSource(), new TaskCompletionSource());
        var requests = new[] { first.RequestAsync(() => one.Task), second.RequestAsync(() => two.Task) };

        await using (var third = new Peer(all, "192.0.2.3"))
        {
            await third.EndedAsync();
        }

        (first.IsOpen, second.IsOpen).ShouldBe((true, true));
        two.SetResult();
        await requests[1];
        await using var fourth = new Peer(all, "192.0.2.3");
        await second.EndedAsync();
        fourth.IsOpen.ShouldBeTrue();
        one.SetResult();
        await requests[0];
    }

    [Fact]
    public async Task Where_all_have_a_request_the_oldest_that_would_not_end_by_itself_goes()
    {
        var all = Bounded(most: 3, perNetwork: 3);
        await using var busy = new Peer(all, "192.0.2.1");
        await using var stream = new Peer(all, "192.0.2.2");
        await using var later = new Peer(all, "192.0.2.3");
        var open = new TaskCompletionSource();
        var requests = new[]
        {
            busy.RequestAsync(() => open.Task),
            stream.RequestAsync(() => open.Task, isLongLived: true),
            later.RequestAsync(() => open.Task, isLongLived: true),
        };

        await using var person = new Peer(all, "192.0.2.4");

        await stream.EndedAsync();
        (busy.IsOpen, later.IsOpen, person.IsOpen).ShouldBe((true, true, true));
        open.SetResult();
        await Task.WhenAll(requests);
        await using var next = new Peer(all, "192.0.2.5");
        await person.EndedAsync();
        (next.IsOpen, busy.IsOpen, later.IsOpen).ShouldBe((true, true, true), "what ended is idle now, and for less long than who never began");
    }

    [Fact]
    public async Task Endpoints_of_kestrels_own_configuration_are_bounded_too()
    {
        var port = FreePort.Next();
        await using var app = await TestApp.StartAsync("--Urls=", $"--Kestrel:Endpoints:Own:Url=http://127.0.0.1:{port}");
        var all = app.Services.GetRequiredService<HttpConnections>();
        var before = all.Count;

        using var socket = new System.Net.Sockets.TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, port);

        await Eventually.TrueAsync(() => all.Count == before + 1, "it is counted");
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1")]
    [InlineData("2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::1")]
    public async Task One_network_pushes_out_its_own_only(string address, string same, string sameAgain)
    {
        var all = Bounded(most: 100, perNetwork: 2);
        await using var neighbour = new Peer(all, "198.51.100.7");
        await using var first = new Peer(all, address);
        await using var second = new Peer(all, same);

        await using var third = new Peer(all, sameAgain);

        await first.EndedAsync();
        (neighbour.IsOpen, second.IsOpen, third.IsOpen).ShouldBe((true, true, true));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("10.1.2.3")]
    public async Task A_trusted_proxy_brings_everybodys_connections_and_is_no_network(string proxy)
    {
        var all = Bounded(most: 3, perNetwork: 1, ("Http:TrustedProxies", "10.0.0.0/8"));
        await using var first = new Peer(all, proxy);
        await using var second = new Peer(all, proxy);
        await using var third = new Peer(all, proxy);

        (first.IsOpen, second.IsOpen, third.IsOpen).ShouldBe((true, true, true));
        await using var fourth = new Peer(all, proxy);
        await first.EndedAsync();
    }

    [Fact]
    public async Task Who_says_nothing_is_let_go_and_who_sent_a_byte_is_served_with_it()
    {
        var all = Bounded(most: 10, perNetwork: 10);
        await using var silent = new Peer(all, "192.0.2.1", says: null);
        await using var speaking = new Peer(all, "192.0.2.1", says: "G"u8.ToArray());
        await speaking.ServedAsync();

        _clock.Advance(HttpConnections.FirstByteWithin);

        await silent.EndedAsync();
        speaking.IsOpen.ShouldBeTrue();
        speaking.Read.ShouldBe("G"u8.ToArray(), "the byte is still there for whoever serves");
        all.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Nothing_is_left_of_those_that_are_gone()
    {
        var all = Bounded(most: 50, perNetwork: 5);
        for (var i = 0; i < 500; i++)
        {
            await using var peer = new Peer(all, $"192.0.{i % 7}.1");
        }

        all.Count.ShouldBe(0);
    }

    private HttpConnections Bounded(int most, int perNetwork, params (string Key, string Value)[] settings) => new(
        new ConnectionBounds(most, perNetwork, 0),
        new ConfigurationBuilder().AddInMemoryCollection(settings.ToDictionary(s => s.Key, s => (string?)s.Value)).Build(),
        _clock,
        NullLogger<HttpConnections>.Instance);

    /// <summary>A connection that said something unless told otherwise, and is served until it ends.</summary>
    private sealed class Peer : IAsyncDisposable
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

        private readonly DefaultConnectionContext _context = new();
        private readonly Pipe _sent = new();
        private readonly Pipe _received = new();
        private readonly TaskCompletionSource _served = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Task _serving;

        public Peer(HttpConnections all, string address)
            : this(all, address, "GET"u8.ToArray())
        {
        }

        public Peer(HttpConnections all, string address, byte[]? says)
        {
            _context.RemoteEndPoint = new IPEndPoint(IPAddress.Parse(address), 4000);
            _context.Transport = new Duplex(_sent.Reader, _received.Writer);
            _context.ConnectionClosed.Register(() => _over.TrySetResult());
            if (says is not null)
            {
                _sent.Writer.WriteAsync(says).AsTask().Wait();
            }

            _serving = all.ServeAsync(_context, ServeAsync);
        }

        public bool IsOpen => !_context.ConnectionClosed.IsCancellationRequested && !_serving.IsCompleted;

        public byte[] Read { get; private set; } = [];

        public Task RequestAsync(Func<Task> handle, bool isLongLived = false)
        {
            var context = new DefaultHttpContext();
            context.Features.Set(_context.Features.Get<HttpConnection>());
            context.SetEndpoint(new Endpoint(null, new EndpointMetadataCollection(isLongLived ? [LongLived.Instance] : []), null));
            return HttpConnection.CountRequestAsync(context, c => HttpConnection.MarkLongLivedAsync(c, _ => handle()));
        }

        public Task ServedAsync() => _served.Task.WaitAsync(Patience);

        public Task EndedAsync() => _serving.WaitAsync(Patience);

        public async ValueTask DisposeAsync()
        {
            _over.TrySetResult();
            await EndedAsync();
        }

        private async Task ServeAsync(ConnectionContext connection)
        {
            var result = await connection.Transport.Input.ReadAsync();
            Read = System.Buffers.BuffersExtensions.ToArray(result.Buffer);
            connection.Transport.Input.AdvanceTo(result.Buffer.End);
            _served.TrySetResult();
            await _over.Task;
        }

        private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
    }
}
