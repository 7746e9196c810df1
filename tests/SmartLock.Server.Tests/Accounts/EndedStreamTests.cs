using System.Net;
using System.Net.Http.Json;
using SmartLock.Server.Tests.Live;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Accounts;

/// <summary>Whatever ends a session ends the event streams that were opened in it, at once and over HTTP.</summary>
public sealed class EndedStreamTests
{
    private readonly FakeClock _clock = new();

    [Fact]
    public Task Disabled_by_an_admin() => EndsAsync(async (boss, _) =>
    {
        using var answer = await boss.Http.PatchAsJsonAsync("/api/admin/users/anna", new { disabled = true });
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
    });

    [Fact]
    public Task Deleted_by_an_admin() => EndsAsync(async (boss, _) =>
    {
        using var answer = await boss.Http.DeleteAsync("/api/admin/users/anna");
        answer.StatusCode.ShouldBe(HttpStatusCode.NoContent);
    });

    [Fact]
    public Task Deleted_by_oneself() => EndsAsync(async (_, anna) =>
    {
        using var answer = await anna.SendAsync(HttpMethod.Delete, "/api/me", new { password = TestApp.Password });
        answer.StatusCode.ShouldBe(HttpStatusCode.NoContent);
    });

    [Fact]
    public Task The_password_changed() => EndsAsync(async (_, anna) =>
    {
        var passwords = new { current_password = TestApp.Password, new_password = "another horse entirely" };
        using var answer = await anna.SendAsync(HttpMethod.Post, "/api/me/password", passwords);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
    });

    [Fact]
    public Task Signed_out() => EndsAsync(async (_, anna) =>
    {
        using var answer = await anna.SendAsync(HttpMethod.Post, "/api/auth/logout");
        answer.StatusCode.ShouldBe(HttpStatusCode.NoContent);
    });

    [Fact]
    public Task A_refresh_token_used_twice() => EndsAsync(async (_, anna) =>
    {
        await anna.RefreshAsync();
        using var answer = await anna.TryRefreshAsync();
        await answer.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_refresh_token");
    });

    private async Task EndsAsync(Func<SignedIn, LoggedIn, Task> end)
    {
        await using var app = await TestApp.StartAsync(_clock);
        var boss = await app.AdminAsync();
        await app.RegisterUserAsync("anna");
        var anna = await LoggedIn.SignInAsync(app, "anna");
        await using var stream = await EventStream.OpenAsync(app.SignedInWith("anna", anna.Access));
        await using var others = await EventStream.OpenAsync(boss);

        await end(boss, anna);

        await stream.EndedAsync();
        stream.CutOff.ShouldBeNull();
        others.EndedAsync().IsCompleted.ShouldBeFalse();
        using var again = await EventStream.GetAsync(app.SignedInWith("anna", anna.Access));
        again.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }
}
