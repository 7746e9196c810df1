using SmartLock.Device;
using SmartLock.VirtualDevice.Connection;

namespace SmartLock.VirtualDevice.Tests.Scenarios;

/// <summary>
/// The lock's way into the network, which can be taken away, with a count of all that passes: so that a test knows when everything has
/// arrived, without waiting for a while.
/// </summary>
internal sealed class Radio
{
    private TaskCompletionSource _there = NewSignal();
    private IDeviceLink? _link;
    private long _handled;
    private long _published;

    /// <summary>Messages that the lock has dealt with.</summary>
    public long Handled => Interlocked.Read(ref _handled);

    /// <summary>Reports that were handed to a connection.</summary>
    public long Published => Interlocked.Read(ref _published);

    public void SwitchOn() => Volatile.Read(ref _there).TrySetResult();

    /// <summary>No new connection; one that is open stays.</summary>
    public void KeepAway()
    {
        if (Volatile.Read(ref _there).Task.IsCompleted)
        {
            Volatile.Write(ref _there, NewSignal());
        }
    }

    /// <summary>Out of reach in the midst of everything.</summary>
    public void SwitchOff()
    {
        KeepAway();
        Volatile.Read(ref _link)?.Abort();
    }

    public async Task<IDeviceLink> OpenAsync(
        VirtualLockOptions options, Session session, MessageHandler onMessage, CancellationToken cancellationToken)
    {
        await Volatile.Read(ref _there).Task.WaitAsync(cancellationToken);
        try
        {
            MessageHandler counted = (topic, payload, retained) => Handle(onMessage, topic, payload, retained);
            var link = await MqttLink.OpenAsync(options, session, counted, cancellationToken);
            Volatile.Write(ref _link, link);
            return new CountedLink(this, link);
        }
        catch (LinkFailedException)
        {
            // Tried once and in vain: no further attempts, which the test's clock does not space out, until it says so.
            KeepAway();
            throw;
        }
    }

    private void Handle(MessageHandler onMessage, string topic, byte[] payload, bool retained)
    {
        onMessage(topic, payload, retained);
        Interlocked.Increment(ref _handled);
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class CountedLink(Radio radio, IDeviceLink link) : IDeviceLink
    {
        public Task Closed => link.Closed;

        public bool TryPublish(string topic, byte[] payload)
        {
            if (!link.TryPublish(topic, payload))
            {
                return false;
            }

            Interlocked.Increment(ref radio._published);
            return true;
        }

        public Task CloseAsync() => link.CloseAsync();

        public void Abort() => link.Abort();

        public ValueTask DisposeAsync() => link.DisposeAsync();
    }
}
