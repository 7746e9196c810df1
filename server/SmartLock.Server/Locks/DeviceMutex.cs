using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Locks;

/// <summary>
/// One at a time per device: a command from its record to the broker, and whatever changes who may give one or which key signs it. A device
/// refuses a command that was issued before one it already has, so two must not overtake each other between the store and the broker;
/// and none that was recorded before a change of owner or key may be published after it.
/// </summary>
internal sealed class DeviceMutex
{
    // Real time, as for a write's turn in the store: neither stalls by a clock that a test has stopped.
    private static readonly TimeSpan TurnTimeout = TimeSpan.FromSeconds(3);

    // Striped: as many as are worth having, not one per device.
    private readonly SemaphoreSlim[] _stripes = [.. Enumerable.Range(0, 64).Select(_ => new SemaphoreSlim(1, 1))];

    /// <summary>Waits for the device's turn, which lasts until the result is disposed.</summary>
    /// <exception cref="StoreUnavailableException">The turn did not come in time; nothing was done.</exception>
    public async Task<Turn> EnterAsync(string deviceId, CancellationToken ct)
    {
        var stripe = _stripes[(uint)deviceId.GetHashCode(StringComparison.Ordinal) % _stripes.Length];
        if (!await stripe.WaitAsync(TurnTimeout, ct))
        {
            // Each before this one waits for a stalled store or broker in its turn; without a limit the last would for minutes.
            throw new StoreUnavailableException("Too many commands for this lock wait before this one.");
        }

        return new Turn(stripe);
    }

    internal readonly struct Turn(SemaphoreSlim stripe) : IDisposable
    {
        public void Dispose() => stripe.Release();
    }
}
