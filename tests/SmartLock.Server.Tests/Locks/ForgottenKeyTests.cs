using System.Text;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Logging.Abstractions;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;
using SmartLock.Server.Replicas;

namespace SmartLock.Server.Tests.Locks;

/// <summary>What the server remembers of a device's key when the key changes while it is being read.</summary>
public sealed class ForgottenKeyTests
{
    private static readonly DeviceKeys Keys = new(new EphemeralDataProtectionProvider());
    private static readonly byte[] Old = DeviceKeys.NewKey();
    private static readonly byte[] New = DeviceKeys.NewKey();
    private readonly HeldDevices _store = new();
    private readonly DeviceCache _registry;

    public ForgottenKeyTests() => _registry = new DeviceCache(_store, Keys, new Events<DeviceKeyChanged>(), TimeProvider.System, NullLogger<DeviceCache>.Instance);

    [Fact]
    public async Task A_forgotten_device_is_read_again()
    {
        _store.Give(Old);
        (await _registry.FindAsync("D1", default))!.Key.ShouldBe(Old);
        _store.Give(New);
        (await _registry.FindAsync("D1", default))!.Key.ShouldBe(Old, "it is remembered");

        _registry.Forget("D1");

        _registry.Find(Encoding.ASCII.GetBytes("D1")).ShouldBeNull();
        (await _registry.FindAsync("D1", default))!.Key.ShouldBe(New);
    }

    [Fact]
    public async Task A_key_that_was_read_before_it_was_forgotten_is_not_put_back()
    {
        var first = _store.Hold();
        var find = _registry.FindAsync("D1", default).AsTask();

        _registry.Forget("D1");
        _store.Give(New);
        first.SetResult(Record(Old));

        (await find).ShouldNotBeNull().Key.ShouldBe(New);
        _registry.Find(Encoding.ASCII.GetBytes("D1")).ShouldNotBeNull().Key.ShouldBe(New);
        _store.Reads.ShouldBe(2);
    }

    [Fact]
    public async Task Only_the_key_that_is_outdated_is_forgotten()
    {
        _store.Give(New, keyFrom: 7);
        await _registry.FindAsync("D1", default);

        _registry.ForgetKey("D1", 6);
        _registry.Find(Encoding.ASCII.GetBytes("D1")).ShouldNotBeNull();
        _registry.ForgetKey("D1", 7);
        _registry.Find(Encoding.ASCII.GetBytes("D1")).ShouldBeNull();
    }

    [Fact]
    public async Task A_device_that_was_removed_while_it_was_read_is_not_found()
    {
        var first = _store.Hold();
        var find = _registry.FindAsync("D1", default).AsTask();

        _registry.Forget("D1");
        _store.Give(null);
        first.SetResult(Record(Old));

        (await find).ShouldBeNull();
        _registry.Find(Encoding.ASCII.GetBytes("D1")).ShouldBeNull();
    }

    private static DeviceRecord Record(byte[] key, long keyFrom = 0) => new("D1", Keys.Protect("D1", key), Unsigned: false, 0, 0, keyFrom);

    /// <summary>Answers a read with what was there when it began, as late as the test wants.</summary>
    private sealed class HeldDevices : IDeviceStore
    {
        private Task<DeviceRecord?> _next = Task.FromResult<DeviceRecord?>(null);

        public int Reads { get; private set; }

        public void Give(byte[]? key, long keyFrom = 0) => _next = Task.FromResult(key is null ? null : Record(key, keyFrom));

        public TaskCompletionSource<DeviceRecord?> Hold()
        {
            var held = new TaskCompletionSource<DeviceRecord?>(TaskCreationOptions.RunContinuationsAsynchronously);
            _next = held.Task;
            return held;
        }

        public Task<DeviceRecord?> FindAsync(string deviceId, CancellationToken ct)
        {
            Reads++;
            return _next;
        }

        // The registry only reads: a write from it would be a fault, and fails the test.
        public Task<DeviceBatchResult> ApplyAsync(DeviceBatch batch, CancellationToken ct) => throw new NotSupportedException();

        public Task<IReadOnlyList<string>> MarkOfflineAsync(DateTimeOffset reportedBefore, DateTimeOffset now, int limit, CancellationToken ct) =>
            throw new NotSupportedException();
    }
}
