using System.Collections.Concurrent;
using System.Text;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Tests.Messaging.Brokers;

/// <summary>A client under test that subscribes on every connection, as features do, with what it heard.</summary>
internal sealed class Listener : IAsyncDisposable
{
    private readonly IReadOnlyList<string> _filters;
    private readonly ConcurrentQueue<(string Filter, string Topic, string Payload)> _heard = new();
    private readonly ConcurrentQueue<TimeSpan> _retries = new();
    private readonly ConcurrentQueue<string> _reasons = new();
    private readonly ConcurrentQueue<string> _causes = new();
    private int _goodbyes;
    private int _granted;

    public Listener(IBrokerClient client, params IReadOnlyList<string> filters)
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

    public IBrokerClient Client { get; }

    /// <summary>Awaited before a message counts as heard.</summary>
    public Func<string, Task> Handling { get; set; } = _ => Task.CompletedTask;

    public IReadOnlyList<(string Filter, string Topic, string Payload)> Heard => [.. _heard];

    public int Count => _heard.Count;

    public IReadOnlyList<string> Reasons => [.. _reasons];

    public IReadOnlyList<TimeSpan> Retries => [.. _retries];

    /// <summary>Subscriptions that a broker granted, over all connections.</summary>
    public int Granted => Volatile.Read(ref _granted);

    public int Losses => _causes.Count;

    /// <summary>Connections that this side ended in order.</summary>
    public int Goodbyes => Volatile.Read(ref _goodbyes);

    /// <summary>Of the losses.</summary>
    public string Causes => string.Join("; ", _causes);

    public async Task<Listener> StartAsync()
    {
        await Client.StartAsync(CancellationToken.None);
        return this;
    }

    public ValueTask DisposeAsync() => Client.DisposeAsync();

    private void NoteEnd(BrokerLostEventArgs end)
    {
        if (end.IsGoodbye)
        {
            Interlocked.Increment(ref _goodbyes);
            return;
        }

        _causes.Enqueue(end.Cause);
    }

    private async Task SubscribeAsync()
    {
        foreach (var filter in _filters)
        {
            var subscription = new BrokerSubscription(filter, (message, _) => HearAsync(filter, message));
            if ((await Client.SubscribeAsync(subscription, CancellationToken.None)).Outcome is SubscribeOutcome.Granted)
            {
                Interlocked.Increment(ref _granted);
            }
        }
    }

    private async ValueTask HearAsync(string filter, BrokerMessage message)
    {
        var payload = Encoding.UTF8.GetString(message.Payload.Span);
        await Handling(payload);
        _heard.Enqueue((filter, message.Topic, payload));
    }
}
