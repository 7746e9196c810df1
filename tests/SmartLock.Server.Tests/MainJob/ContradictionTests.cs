using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Tests.Live;

namespace SmartLock.Server.Tests.MainJob;

public sealed class ContradictionTests
{
    [Fact]
    public async Task Done_after_expired_is_in_the_log_in_the_command_and_told_to_the_owner()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner);
        door.Device.Faults.Silent = true;
        using var asked = await door.UnlockAsync(wait: null);
        var id = (await asked.JsonAsync()).GetProperty("command_id").GetString()!;
        await using var stream = await EventStream.OpenAsync(owner);

        await SayAsync(app, Forger.StatusOf(door, "Locked", null, id, "expired"));
        (await stream.UntilAsync(e => e.Kind == "command" && e.Text("state") == "expired"))[^1].Text("earlier_result").ShouldBeNull();
        await Task.Delay(TimeSpan.FromMilliseconds(2), TestContext.Current.CancellationToken);
        await SayAsync(app, Forger.StatusOf(door, "Unlocked", null, id, "done"));

        (await stream.UntilAsync(e => e.Kind == "command" && e.Text("state") == "done"))[^1].Text("earlier_result").ShouldBe("expired");
        var command = await owner.Http.GetFromJsonAsync<JsonElement>($"/api/commands/{id}");
        (command.GetProperty("state").GetString(), command.GetProperty("result").GetString(), command.GetProperty("earlier_result").GetString())
            .ShouldBe(("done", "done", "expired"));
        (await door.LogAsync()).Select(e => e.GetProperty("result").GetString()).ShouldContain("done after expired");
    }

    [Fact]
    public async Task A_command_right_after_a_restart_is_for_that_start()
    {
        await using var app = await TestApp.StartAsync();
        await using var door = await Door.OpenAsync(app, await app.OwnerAsync());
        var before = door.Device.Boot;
        // Long enough for the last will to be seen.
        door.Device.CutPower(TimeSpan.FromSeconds(1));
        await door.StateAsync("Unavailable");
        await door.StateAsync("Available");
        door.Device.Boot.ShouldNotBe(before);

        using var unlocked = await door.UnlockAsync();

        unlocked.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK, await unlocked.Content.ReadAsStringAsync());
        door.Device.BoltMovements.ShouldBe(1);
    }

    private static async Task SayAsync(TestApp app, string status)
    {
        // As if it came from an outside broker, where nobody's login is known.
        app.Services.GetRequiredService<StatusIngest>().Accept(Encoding.UTF8.GetBytes(status), retained: false, login: null);
        await app.Services.GetRequiredService<HeartbeatWriter>().FlushAsync(default);
    }
}
