using System.Collections.Concurrent;
using System.Text;
using SmartLock.Server.Messaging.External;

namespace SmartLock.Server.Tests.Messaging.External;

/// <summary>A client under test that subscribes on every connection, as features do, and records what happens to it.</summary>
internal sealed class Listener : IAsyncDisposable
{
    private readonly IReadOnlyList<string> _filters;
    private readonly ConcurrentQueue<(string Filter, string Topic, string Payload)> _received = new();
    private readonly ConcurrentQueue<TimeSpan> _retries = new();
    private readonly ConcurrentQueue<string> _reasons = new();
    private readonly ConcurrentQueue<string> _causes = new();
    private int _requestedEnds;
    private int _granted;

    public Listener(BrokerClient client, params IReadOnlyList<string> filters)
    {
        Client = client;
        _filters = filters;
        client.Connected += (_, _) => _ = SubscribeAsync();
        client.Disconnected += (_, e) => NoteEnd(e);
        client.ConnectFailed += (_, e) =>
        {
            _reasons.Enqueue(e.Reason);
            _retries.Enqueue(e.RetryAfter);
        };
    }

    public BrokerClient Client { get; }

    /// <summary>Awaited before a message counts as received.</summary>
    public Func<string, Task> Handling { get; set; } = _ => Task.CompletedTask;

    public IReadOnlyList<(string Filter, string Topic, string Payload)> Received => [.. _received];

    public int Count => _received.Count;

    /// <summary>Why attempts to connect failed.</summary>
    public IReadOnlyList<string> Reasons => [.. _reasons];

    /// <summary>The delays that were announced after failed attempts.</summary>
    public IReadOnlyList<TimeSpan> Retries => [.. _retries];

    /// <summary>Subscriptions that a broker granted, over all connections.</summary>
    public int Granted => Volatile.Read(ref _granted);

    /// <summary>Connections that ended without a request.</summary>
    public int Losses => _causes.Count;

    /// <summary>Connections that ended because the client was stopped.</summary>
    public int RequestedEnds => Volatile.Read(ref _requestedEnds);

    /// <summary>Of the losses.</summary>
    public string Causes => string.Join("; ", _causes);

    public async Task<Listener> StartAsync()
    {
        await Client.StartAsync(CancellationToken.None);
        return this;
    }

    public ValueTask DisposeAsync() => Client.DisposeAsync();

    private void NoteEnd(BrokerDisconnectedEventArgs end)
    {
        if (end.WasRequested)
        {
            Interlocked.Increment(ref _requestedEnds);
            return;
        }

        _causes.Enqueue(end.Cause);
    }

    private async Task SubscribeAsync()
    {
        foreach (var filter in _filters)
        {
            var subscription = new BrokerSubscription(filter, (message, _) => HandleAsync(filter, message));
            if ((await Client.SubscribeAsync(subscription, CancellationToken.None)).Outcome is SubscribeOutcome.Granted)
            {
                Interlocked.Increment(ref _granted);
            }
        }
    }

    private async ValueTask HandleAsync(string filter, BrokerMessage message)
    {
        var payload = Encoding.UTF8.GetString(message.Payload.Span);
        await Handling(payload);
        _received.Enqueue((filter, message.Topic, payload));
    }
}
