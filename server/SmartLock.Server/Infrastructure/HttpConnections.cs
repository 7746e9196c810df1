using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace SmartLock.Server.Infrastructure;

/// <summary>
/// The open HTTP connections, bounded in all and per network. Where there are as many as may be, the one goes that has been without a request
/// longest; where all have one, the one whose request is the oldest of those that do not end by themselves (<see cref="LongLived"/>). Other requests
/// are never cut. Idle connections and open streams keep nobody out, and one network cannot take all places.
/// </summary>
internal sealed partial class HttpConnections(ConnectionBounds bounds, IConfiguration configuration, TimeProvider time, ILogger<HttpConnections> log)
{
    /// <summary>Clients open a connection when they have something to say. The request's header has a time limit of its own.</summary>
    public static readonly TimeSpan FirstByteWithin = TimeSpan.FromSeconds(5);

    private readonly System.Threading.Lock _gate = new();
    private readonly IReadOnlyList<System.Net.IPNetwork> _proxies = TrustedProxies.Parse(configuration);
    private readonly LinkedList<HttpConnection> _idle = [];
    private readonly LinkedList<HttpConnection> _longLived = [];
    private readonly Dictionary<string, Network> _networks = new(StringComparer.Ordinal);
    private readonly LogThrottle _throttle = new(time, TimeSpan.FromMinutes(1));
    private int _count;

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _count;
            }
        }
    }

    /// <summary>Connection middleware: the first on every HTTP endpoint, before TLS.</summary>
    public async Task ServeAsync(ConnectionContext context, ConnectionDelegate next)
    {
        var connection = new HttpConnection(this, context);
        if (!TryOpen(connection, NetworkOf(context.RemoteEndPoint), out var evicted))
        {
            context.Abort(new ConnectionAbortedException("As many connections have a request under way as there may be."));
            return;
        }

        evicted?.Context.Abort(new ConnectionAbortedException("More connections are open than may be, and this one was idle longest."));
        try
        {
            if (await HasFirstByteAsync(context))
            {
                context.Features.Set(connection);
                await next(context);
            }
        }
        finally
        {
            lock (_gate)
            {
                Remove(connection);
            }
        }
    }

    /// <summary>A request of the connection began.</summary>
    internal void Begin(HttpConnection connection)
    {
        lock (_gate)
        {
            if (connection.Requests++ == 0)
            {
                TakeFromLists(connection);
            }
        }
    }

    /// <summary>The request of the connection is one that does not end by itself.</summary>
    internal void BeginLongLived(HttpConnection connection)
    {
        lock (_gate)
        {
            // With others on the same connection it is theirs too.
            if (connection is { IsOpen: true, Requests: 1 })
            {
                _longLived.AddLast(connection.Place);
                connection.Network?.LongLived.AddLast(connection.OwnPlace);
            }
        }
    }

    internal void End(HttpConnection connection)
    {
        lock (_gate)
        {
            if (--connection.Requests == 0 && connection.IsOpen)
            {
                TakeFromLists(connection);
                AddToIdle(connection);
            }
        }
    }

    private bool TryOpen(HttpConnection connection, string? network, out HttpConnection? evicted)
    {
        evicted = null;
        lock (_gate)
        {
            var own = network is null ? null : _networks.GetValueOrDefault(network);
            var isFull = _count >= bounds.Http;
            if (isFull || own?.Count >= bounds.HttpPerNetwork)
            {
                evicted = own?.Count >= bounds.HttpPerNetwork
                    ? (own.Idle.First ?? own.LongLived.First)?.Value
                    : (_idle.First ?? _longLived.First)?.Value;
                if (evicted is null)
                {
                    TellFull(isFull ? "all networks" : network!, isFull ? bounds.Http : bounds.HttpPerNetwork);
                    return false;
                }

                Remove(evicted);
            }

            // Again: the one that went may have been the last of its network.
            if (network is not null && !_networks.TryGetValue(network, out own))
            {
                _networks.Add(network, own = new Network(network));
            }

            connection.Network = own;
            connection.IsOpen = true;
            _count++;
            if (own is not null)
            {
                own.Count++;
            }

            AddToIdle(connection);
            return true;
        }
    }

    /// <returns>False when none came in time, or the client or the server closes.</returns>
    private async Task<bool> HasFirstByteAsync(ConnectionContext context)
    {
        var stopping = context.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? CancellationToken.None;
        using var late = new CancellationTokenSource(FirstByteWithin, time);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stopping);
        try
        {
            var input = context.Transport.Input;
            var result = await input.ReadAsync(over.Token);

            // Neither taken nor looked at: whoever reads next finds it at once.
            input.AdvanceTo(result.Buffer.Start);
            return !result.Buffer.IsEmpty;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            return false;
        }
    }

    /// <summary>Null for who is not counted apart: a trusted proxy brings everybody's connections, and a Unix socket has no network.</summary>
    private string? NetworkOf(EndPoint? peer)
    {
        if (peer is not IPEndPoint { Address: var address })
        {
            return null;
        }

        var known = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return IPAddress.IsLoopback(known) || _proxies.Any(proxy => proxy.Contains(known)) ? null : ClientAddress.Of(known);
    }

    private void AddToIdle(HttpConnection connection)
    {
        _idle.AddLast(connection.Place);
        connection.Network?.Idle.AddLast(connection.OwnPlace);
    }

    private static void TakeFromLists(HttpConnection connection)
    {
        connection.Place.List?.Remove(connection.Place);
        connection.OwnPlace.List?.Remove(connection.OwnPlace);
    }

    private void Remove(HttpConnection connection)
    {
        if (!connection.IsOpen)
        {
            return;
        }

        connection.IsOpen = false;
        TakeFromLists(connection);
        _count--;
        if (connection.Network is { } own && --own.Count == 0)
        {
            _networks.Remove(own.Name);
        }
    }

    private void TellFull(string network, int most)
    {
        if (_throttle.TryEnter(out var untold))
        {
            LogFull(log, network, most, untold);
        }
    }

    [LoggerMessage(1, LogLevel.Warning,
        "HTTP connections refused: {Network} has {Most} with requests under way, which is the limit (Http:MaxConnections, "
        + "Http:MaxConnectionsPerNetwork); {Untold} more since the last such line")]
    private static partial void LogFull(ILogger log, string network, int most, long untold);

    internal sealed class Network(string name)
    {
        public string Name => name;

        public int Count { get; set; }

        public LinkedList<HttpConnection> Idle { get; } = [];

        public LinkedList<HttpConnection> LongLived { get; } = [];
    }
}

/// <summary>One of <see cref="HttpConnections"/>, whose lock guards it; its requests find it among their features.</summary>
internal sealed class HttpConnection
{
    private readonly HttpConnections _all;

    public HttpConnection(HttpConnections all, ConnectionContext context)
    {
        _all = all;
        Context = context;
        Place = new LinkedListNode<HttpConnection>(this);
        OwnPlace = new LinkedListNode<HttpConnection>(this);
    }

    public ConnectionContext Context { get; }

    public HttpConnections.Network? Network { get; set; }

    /// <summary>In the list of the idle ones or that of the long-lived ones; in none while another request is under way.</summary>
    public LinkedListNode<HttpConnection> Place { get; }

    /// <summary>The same in its network's lists.</summary>
    public LinkedListNode<HttpConnection> OwnPlace { get; }

    /// <summary>How many are under way; HTTP/2 has several on one connection.</summary>
    public int Requests { get; set; }

    /// <summary>False when it has to go, or is gone.</summary>
    public bool IsOpen { get; set; }

    /// <summary>Middleware behind routing.</summary>
    public static Task MarkLongLivedAsync(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<LongLived>() is not null && context.Features.Get<HttpConnection>() is { } connection)
        {
            connection._all.BeginLongLived(connection);
        }

        return next(context);
    }

    /// <summary>The outermost middleware: a request is under way from its header to the end of its answer.</summary>
    public static async Task CountRequestAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Features.Get<HttpConnection>() is not { } connection)
        {
            await next(context);
            return;
        }

        connection._all.Begin(connection);
        try
        {
            await next(context);
        }
        finally
        {
            connection._all.End(connection);
        }
    }
}

/// <summary>Metadata of endpoints whose requests go on until somebody ends them, and whose clients come back: event streams and WebSockets.</summary>
internal sealed class LongLived
{
    public static LongLived Instance { get; } = new();
}
