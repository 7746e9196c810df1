using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Accounts;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Tests.DefaultBuild;

/// <summary>What a build without the adapters says when it is asked for one.</summary>
public sealed class MissingAdapterTests
{
    private const string BCryptHash = "$2b$10$HDwDgDpgaP7rlSJcIABtxenOw8Xl40zmLHorK1R7ZlTj9NoFISXWy";

    [Theory]
    [InlineData("Storage:Provider", "--Storage:Provider=MongoDb")]
    [InlineData("Mqtt:Client", "--Mqtt:Mode=External", "--Mqtt:Host=127.0.0.1", "--Mqtt:Client=MqttNet")]
    public async Task It_ends_the_start_with_a_sentence_that_says_where_it_is(string named, params string[] settings)
    {
        var refused = await Should.ThrowAsync<StartupException>(() => TestApp.StartAsync(settings));

        refused.Message.ShouldContain(named);
        refused.Message.ShouldContain("-p:Adapters=all");
    }

    [Fact]
    public async Task So_does_BCrypt()
    {
        var refused = await Should.ThrowAsync<Microsoft.Extensions.Options.OptionsValidationException>(() => TestApp.StartAsync("--Accounts:PasswordHasher=BCrypt"));

        refused.Message.ShouldContain("Accounts:PasswordHasher");
        refused.Message.ShouldContain("-p:Adapters=all");
    }

    [Fact]
    public async Task An_account_with_a_BCrypt_hash_has_a_wrong_password_and_the_log_says_why()
    {
        await using var app = await TestApp.StartAsync();
        var users = app.Services.GetRequiredService<IUserStore>();
        await users.CreateAsync(new User("anna", null, BCryptHash, Role.User, DateTimeOffset.UnixEpoch, Disabled: false), "anna", default);

        for (var i = 0; i < 2; i++)
        {
            using var answer = await app.Http.PostAsJsonAsync("/api/auth/login", new { username = "anna", password = TestApp.Password });
            await answer.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_credentials");
        }

        var said = app.Logs.All.Where(l => l.Text.Contains("stored password hash", StringComparison.Ordinal)).ToList();
        said.Count.ShouldBe(1, "not once per guess");
        said[0].Text.ShouldContain("anna");
        said[0].Text.ShouldContain("-p:Adapters=all");
        said[0].Text.ShouldNotContain(BCryptHash);
        (await users.FindAsync("anna", default))!.PasswordHash.ShouldBe(BCryptHash);
    }
}
