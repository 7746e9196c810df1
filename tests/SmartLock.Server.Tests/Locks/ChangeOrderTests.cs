using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;
using SmartLock.Server.Tests.Storage;

namespace SmartLock.Server.Tests.Locks;

/// <summary>A command that is on the record goes out before the lock changes hands, loses its key, or is removed.</summary>
public sealed class ChangeOrderTests
{
    [Theory]
    [InlineData("reassign", "given to")]
    [InlineData("rotate", "rotated")]
    [InlineData("remove", "removed")]
    public async Task A_change_waits_for_the_command_before_it(string change, string result)
    {
        var link = new HeldLink();
        await using var app = await TestApp.StartAsync(null, builder => builder.Services.Replace(ServiceDescriptor.Singleton<IDeviceLink>(link)));
        var (admin, owner, next) = (await app.AdminAsync(), await app.OwnerAsync(), await app.OwnerAsync());
        await owner.RegisterAsync("D1");
        var report = new DeviceReport("D1", TimeProvider.System.GetUtcNow(), LockStatus.Locked, null, 1, 1, true, null, null, null, null);
        await app.Services.GetRequiredService<IDeviceStore>().TakeAsync(new DeviceBatch([report], [], []));

        var unlock = owner.UnlockAsync("D1");
        await link.Began.Task.WaitAsync(TimeSpan.FromSeconds(20));
        var changing = change switch
        {
            "reassign" => admin.ReassignAsync("D1", next.Username),
            "rotate" => owner.RotateKeyAsync("D1"),
            _ => owner.Http.DeleteAsync("/api/locks/D1"),
        };
        for (var i = 0; i < 20; i++)
        {
            // Time enough for a change that waits for nothing.
            (await owner.Http.GetAsync("/api/locks/D1")).StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        changing.IsCompleted.ShouldBeFalse();
        link.Ended.ShouldBe(0);
        link.Release.SetResult();

        (await unlock).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (await changing).IsSuccessStatusCode.ShouldBeTrue();
        (await admin.WholeLogAsync("D1")).TakeLast(change == "reassign" ? 3 : 2).Select(e => e.Text("result")).Where(r => r != "taken from").ShouldBe(["sent", result]);
        link.Ended.ShouldBe(change == "reassign" ? 0 : 1);
    }

    /// <summary>Holds what it is given until the test lets it go.</summary>
    private sealed class HeldLink : IDeviceLink
    {
        public TaskCompletionSource Began { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Release { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Ended { get; private set; }

        public DateTimeOffset? ListeningSince => DateTimeOffset.UnixEpoch;

        public TimeSpan? ListeningFor => TimeSpan.MaxValue;

        public async ValueTask<PublishResult> SendAsync(string deviceId, string topic, ReadOnlyMemory<byte> payload, CancellationToken ct)
        {
            Began.TrySetResult();
            await Release.Task;
            return PublishResult.Delivered;
        }

        public ValueTask EndSessionsAsync(string deviceId)
        {
            Ended++;
            return ValueTask.CompletedTask;
        }
    }
}
