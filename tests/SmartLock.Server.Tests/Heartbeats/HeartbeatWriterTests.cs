using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Heartbeats;

public sealed class HeartbeatWriterTests
{
    private const int Devices = 25_000;
    private const int MostAtOnce = 10_000;

    [Fact]
    public async Task A_fleet_at_once_is_stored_part_by_part_and_what_a_failure_leaves_is_stored_later_once()
    {
        var store = new FailsOnce(onCall: 2);
        await using var app = await TestApp.StartAsync(new FakeClock(), builder => builder.Services.AddSingleton<IDeviceStore>(store));
        var writer = app.Services.GetRequiredService<HeartbeatWriter>();
        for (var i = 0; i < Devices; i++)
        {
            writer.Add(new DeviceReport($"D{i}", app.Clock.GetUtcNow(), LockStatus.Locked, null, 1, 1, true, "1.0", null, null, null));
        }

        store.AllAdded.SetResult();
        await Eventually.TrueAsync(() => StoresAllAsync(writer, store), "all reports are stored");

        store.Stored.Distinct().Count().ShouldBe(Devices);
        store.Stored.Count.ShouldBe(Devices);
        store.Largest.ShouldBeInRange(1, MostAtOnce);
    }

    private static async Task<bool> StoresAllAsync(HeartbeatWriter writer, FailsOnce store)
    {
        try
        {
            await writer.FlushAsync(default);
        }
        catch (StoreUnavailableException)
        {
            return false;
        }

        return store.HasFailed;
    }

    private sealed class FailsOnce(int onCall) : IDeviceStore
    {
        private int _calls;

        /// <summary>Until then nothing is stored, so that what waits is more than one part.</summary>
        public TaskCompletionSource AllAdded { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        // Only one batch is written at a time, and the test looks when all are.
        public List<string> Stored { get; } = [];

        public int Largest { get; private set; }

        public bool HasFailed => _calls >= onCall;

        public Task<DeviceRecord?> FindAsync(string deviceId, CancellationToken ct) => Task.FromResult<DeviceRecord?>(null);

        public async Task<DeviceBatchResult> ApplyAsync(DeviceBatch batch, CancellationToken ct)
        {
            await AllAdded.Task.WaitAsync(ct);
            if (++_calls == onCall)
            {
                throw new StoreUnavailableException("The disk is full.");
            }

            Stored.AddRange(batch.Reports.Select(r => r.DeviceId));
            Largest = Math.Max(Largest, batch.Reports.Count);
            return new DeviceBatchResult([], [], [], [], []);
        }

        public Task<IReadOnlyList<string>> MarkOfflineAsync(DateTimeOffset reportedBefore, DateTimeOffset now, int limit, CancellationToken ct) =>
            Task.FromResult<IReadOnlyList<string>>([]);
    }
}
