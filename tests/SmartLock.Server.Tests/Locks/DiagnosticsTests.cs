using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;
using SmartLock.Server.Tests.Storage;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Locks;

public sealed class DiagnosticsTests
{
    private readonly FakeClock _clock = new();

    [Fact]
    public async Task A_lock_tells_what_its_device_reported_and_when_it_was_offline()
    {
        await using var app = await TestApp.StartAsync(_clock);
        var owner = await app.OwnerAsync();
        await owner.RegisterAsync("D1");
        var devices = app.Services.GetRequiredService<IDeviceStore>();
        var first = _clock.GetUtcNow();
        await RegisterOnlineAsync(devices);
        var lost = await LoseAsync(devices, TimeSpan.FromMinutes(1));
        _clock.Advance(TimeSpan.FromSeconds(90));
        var back = await RegisterOnlineAsync(devices);
        var lostAgain = await LoseAsync(devices, TimeSpan.FromMinutes(2));
        _clock.Advance(TimeSpan.FromSeconds(30));

        var answer = await owner.Http.GetFromJsonAsync<JsonElement>("/api/locks/D1/diagnostics");

        (answer.Text("device_id"), answer.Text("state"), answer.Text("issue"), answer.Text("firmware"), answer.Text("access"))
            .ShouldBe(("D1", "Unavailable", "No heartbeat", "1.0.0", "owner"));
        (answer.GetProperty("rssi").GetInt32(), answer.GetProperty("battery_mv").GetInt32(), answer.GetProperty("uptime_s").GetInt64()).ShouldBe((-61, 3_700, 86_400));
        answer.GetProperty("last_seen").GetDateTimeOffset().ShouldBe(back);
        answer.GetProperty("gaps_since").GetDateTimeOffset().ShouldBe(_clock.GetUtcNow().AddDays(-1));
        var gaps = answer.GetProperty("gaps").EnumerateArray().ToList();
        gaps.Select(g => (g.GetProperty("from").GetDateTimeOffset(), g.GetProperty("seconds").GetInt64(), g.Text("issue")))
            .ShouldBe([(lostAgain, 30, "No heartbeat"), (lost, 90, "No heartbeat")]);
        gaps[0].GetProperty("until").ValueKind.ShouldBe(JsonValueKind.Null);
        gaps[1].GetProperty("until").GetDateTimeOffset().ShouldBe(back);
        (answer.GetProperty("gap_count").GetInt32(), answer.GetProperty("gap_seconds").GetInt64()).ShouldBe((2, 120));
        first.ShouldBeLessThan(lost, "the time before it was first reported is no gap");
    }

    private async Task<DateTimeOffset> RegisterOnlineAsync(IDeviceStore devices)
    {
        var now = _clock.GetUtcNow();
        var report = new DeviceReport("D1", now, LockStatus.Locked, null, now.ToUnixTimeMilliseconds(), 1, true, "1.0.0", -61, 3_700, 86_400);
        await devices.TakeAsync(new DeviceBatch([report], [], []));
        return now;
    }

    private async Task<DateTimeOffset> LoseAsync(IDeviceStore devices, TimeSpan after)
    {
        _clock.Advance(after);
        var now = _clock.GetUtcNow();
        (await devices.MarkOfflineAsync(now, now, 10, default)).ShouldBe(["D1"]);
        return now;
    }
}
