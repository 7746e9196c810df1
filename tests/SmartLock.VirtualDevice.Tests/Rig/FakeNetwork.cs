using System.Collections.Concurrent;
using System.Text.Json;
using SmartLock.Device;
using SmartLock.VirtualDevice.Connection;

namespace SmartLock.VirtualDevice.Tests.Rig;

/// <summary>A network without a broker: hands out connections, or refuses to.</summary>
internal sealed class FakeNetwork
{
    public ConcurrentQueue<FakeLink> Links { get; } = new();

    public volatile bool Down;

    public FakeLink Last => Links.Last();

    public Task<IDeviceLink> OpenAsync(
        VirtualLockOptions options, Session session, MessageHandler onMessage, CancellationToken cancellationToken)
    {
        if (Down)
        {
            throw new LinkFailedException("no route");
        }

        var link = new FakeLink(session, onMessage);
        Links.Enqueue(link);
        return Task.FromResult<IDeviceLink>(link);
    }
}

internal sealed class FakeLink(Session session, MessageHandler onMessage) : IDeviceLink
{
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Session Session { get; } = session;

    public ConcurrentQueue<(string Topic, JsonElement Report)> Published { get; } = new();

    /// <summary>Called before a report is taken, in the midst of the lock's doing.</summary>
    public Action? Publishing { get; set; }

    public bool SaidGoodbye { get; private set; }

    public bool WasAborted { get; private set; }

    public Task Closed => _closed.Task;

    public JsonElement LastReport => Published.Last().Report;

    public void Deliver(byte[] payload, bool retained = false) => onMessage(Session.CommandTopics[^1], payload, retained);

    public void Drop() => _closed.TrySetResult();

    public bool TryPublish(string topic, byte[] payload)
    {
        if (_closed.Task.IsCompleted)
        {
            return false;
        }

        Publishing?.Invoke();
        Published.Enqueue((topic, JsonDocument.Parse(payload).RootElement));
        return true;
    }

    public Task CloseAsync()
    {
        SaidGoodbye = true;
        _closed.TrySetResult();
        return Task.CompletedTask;
    }

    public void Abort()
    {
        WasAborted = !SaidGoodbye;
        _closed.TrySetResult();
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
