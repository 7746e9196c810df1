using System.Net;
using System.Net.Http.Json;
using SmartLock.Server.Tests.Accounts;
using SmartLock.Server.Tests.Live;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Legacy;

/// <summary>The first system's routes are no way around what the others hold to.</summary>
public sealed class LegacyAttackTests
{
    private const string On = "--Original:Enabled=true";

    [Fact]
    public async Task An_account_with_a_second_factor_gets_no_token_for_its_password_alone()
    {
        var clock = new FakeClock();
        await using var app = await TestApp.StartAsync(clock, settings: On);
        var anna = await app.OwnerAsync("anna");
        using var begun = await anna.Http.PostAsJsonAsync("/api/me/second-factor", new { password = TestApp.Password });
        var secret = Authenticator.SecretOf((await begun.JsonAsync()).GetProperty("secret").GetString()!);
        var code = Authenticator.CodeAt(secret, Authenticator.StepAt(clock.GetUtcNow()));
        (await anna.Http.PostAsJsonAsync("/api/me/second-factor/confirm", new { code })).StatusCode.ShouldBe(HttpStatusCode.OK);

        using var answer = await app.Http.PostAsJsonAsync("/auth/login", new { username = "anna", password = TestApp.Password });

        answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await answer.Content.ReadAsStringAsync()).ShouldNotContain("token");
    }

    [Theory]
    [InlineData("?device_id=ESP32-OWN&device_id=ESP32-7C9EBD")]
    [InlineData("?device_id=ESP32-7C9EBD&device_id=ESP32-7C9EBD")]
    [InlineData("?device_id=ESP32-7C9EBD%00")]
    [InlineData("?device_id=' OR 1=1 --")]
    [InlineData("?DEVICE_ID=ESP32-7C9EBD")]
    public async Task No_spelling_of_a_foreign_lock_moves_it(string query)
    {
        await using var app = await TestApp.StartAsync(On);
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner, "ESP32-7C9EBD");
        var stranger = await app.OwnerAsync();

        using var answer = await stranger.Http.PostAsync("/api/unlock" + query, null);

        answer.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        door.Device.Status.ShouldBe(SmartLock.Device.BoltStatus.Locked);
    }

    [Fact]
    public async Task A_viewer_reads_and_does_not_move()
    {
        await using var app = await TestApp.StartAsync(On);
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner);
        var viewer = await app.OwnerAsync();
        await app.ShareAsync(door, viewer);

        (await viewer.Http.GetAsync($"/locks/{door.DeviceId}/status")).StatusCode.ShouldBe(HttpStatusCode.OK);
        using var moved = await viewer.Http.PostAsync($"/api/unlock?device_id={door.DeviceId}", null);

        moved.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        door.Device.Status.ShouldBe(SmartLock.Device.BoltStatus.Locked);
    }
}
