using SmartLock.VirtualDevice.Connection;

namespace SmartLock.VirtualDevice;

/// <summary>
/// Many virtual locks over one timer. Their heartbeats are spread by the brain itself: each has its own first gap after connecting.
/// </summary>
public sealed class VirtualFleet : IAsyncDisposable
{
    private readonly VirtualFleetOptions _options;
    private readonly TickLoop _ticks;
    private readonly SemaphoreSlim _connecting;
    private readonly VirtualLock[] _locks;

    public VirtualFleet(VirtualFleetOptions options)
        : this(options, MqttLink.OpenAsync)
    {
    }

    internal VirtualFleet(VirtualFleetOptions options, OpenLink open)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxConnecting, 1);
        _options = options;
        _ticks = new TickLoop(options.Template.Time);
        _connecting = new SemaphoreSlim(options.MaxConnecting, options.MaxConnecting);
        OpenLink inTurn = (lockOptions, session, onMessage, ct) => OpenInTurnAsync(open, lockOptions, session, onMessage, ct);
        _locks = [.. options.Members.Select(m =>
            new VirtualLock(options.Template with { DeviceId = m.DeviceId, Key = m.Key }, inTurn, _ticks))];
    }

    public IReadOnlyList<VirtualLock> Locks => _locks;

    public int ConnectedCount => _locks.Count(l => l.IsConnected);

    public long BoltMovements => _locks.Sum(l => l.BoltMovements);

    /// <summary>Returns once every lock is connected. Cancelling ends the waiting only.</summary>
    public Task StartAsync(CancellationToken cancellationToken = default) =>
        Task.WhenAll(_locks.Select(l => l.StartAsync(cancellationToken)));

    public Task StopAsync() => Parallel.ForEachAsync(
        _locks,
        new ParallelOptions { MaxDegreeOfParallelism = _options.MaxConnecting },
        async (member, _) => await member.StopAsync().ConfigureAwait(false));

    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        _ticks.Dispose();
        _connecting.Dispose();
    }

    /// <summary>A storm of connections would only time out in the broker's accept queue.</summary>
    private async Task<IDeviceLink> OpenInTurnAsync(
        OpenLink open, VirtualLockOptions options, Device.Session session, MessageHandler onMessage, CancellationToken cancellationToken)
    {
        await _connecting.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await open(options, session, onMessage, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _connecting.Release();
        }
    }
}
