using System.Collections.Concurrent;
using SmartLock.Testing;

namespace SmartLock.VirtualDevice.Tests.Rig;

/// <summary>A virtual lock on the fake network and the fake clock.</summary>
internal sealed class DeviceRig : IAsyncDisposable
{
    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(20);

    private readonly ConcurrentQueue<VirtualLockEvent> _events = new();
    private readonly SemaphoreSlim _happened = new(0);

    public DeviceRig(Func<VirtualLockOptions, VirtualLockOptions>? setUp = null)
    {
        var options = new VirtualLockOptions { DeviceId = "ESP32-7C9EBD", Key = Server.Key, Time = Clock };
        Device = new VirtualLock(setUp?.Invoke(options) ?? options, Network.OpenAsync, null);
        Device.Happened += (_, happened) =>
        {
            _events.Enqueue(happened);
            _happened.Release();
        };
    }

    public FakeClock Clock { get; } = new();

    public FakeNetwork Network { get; } = new();

    public VirtualLock Device { get; }

    public IReadOnlyCollection<VirtualLockEvent> Events => _events;

    public FakeLink Link => Network.Last;

    public Task StartAsync() => Device.StartAsync().WaitAsync(Guard, TestContext.Current.CancellationToken);

    public void Unlock(string id) => Link.Deliver(Server.Unlock(Device, Clock, id));

    /// <summary>Waits in real time for something that needs no clock.</summary>
    public Task UntilAsync(VirtualLockEventKind kind, int times = 1) => WaitForAsync(kind, times).WaitAsync(Guard);

    private async Task WaitForAsync(VirtualLockEventKind kind, int times)
    {
        while (_events.Count(e => e.Kind == kind) < times)
        {
            (await _happened.WaitAsync(Guard, TestContext.Current.CancellationToken)).ShouldBeTrue($"no {kind} came");
        }
    }

    /// <summary>Moves the clock, letting other threads run between the steps, until the condition holds.</summary>
    public async Task AdvanceUntilAsync(Func<bool> condition)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            TimeProvider.System.GetElapsedTime(began).ShouldBeLessThan(Guard, "the condition never came true");
            Clock.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Yield();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Device.DisposeAsync();
        _happened.Dispose();
    }
}
