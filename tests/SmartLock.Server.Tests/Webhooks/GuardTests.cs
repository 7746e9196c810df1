using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.Options;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Tests.Webhooks;

public sealed class GuardTests
{
    [Fact]
    public async Task By_default_no_name_leads_into_a_private_network()
    {
        await using var app = await TestApp.StartAsync("--Webhooks:AllowHttp=true");
        await using var receiver = await Receiver.StartAsync();
        var hook = await Hook.CreateAsync(await app.OwnerAsync(), $"http://localhost:{receiver.Address.Port}/");

        var id = await hook.TestAsync();

        var failed = await hook.AttemptedAsync(id, 1);
        (failed.GetProperty("reason").GetString(), failed.GetProperty("status_code").ValueKind).ShouldBe(("address_refused", JsonValueKind.Null));
        receiver.Requests.ShouldBe(0);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.1")]
    [InlineData("0x7f.1")]
    [InlineData("2130706433")]
    [InlineData("[::ffff:127.0.0.1]")]
    [InlineData("localhost")]
    public async Task No_spelling_of_an_address_gets_through_the_connection_itself(string host)
    {
        await using var receiver = await Receiver.StartAsync();
        using var http = new HttpClient(new GuardedConnections(Options.Create(new WebhookOptions())).CreateHandler());

        var failure = await Should.ThrowAsync<HttpRequestException>(() => http.GetAsync($"http://{host}:{receiver.Address.Port}/"));

        failure.InnerException.ShouldBeOfType<AddressRefusedException>();
        receiver.Requests.ShouldBe(0);
    }

    [Fact]
    public void A_public_address_of_this_very_machine_is_refused_unless_permitted()
    {
        var own = IPAddress.Parse("8.8.4.4");
        new GuardedConnections(Options.Create(new WebhookOptions()), () => [own]).MayReach(own).ShouldBeFalse();
        new GuardedConnections(Options.Create(new WebhookOptions()), () => [own]).MayReach(IPAddress.Parse("::ffff:8.8.4.4")).ShouldBeFalse();
        new GuardedConnections(Options.Create(new WebhookOptions()), () => []).MayReach(own).ShouldBeTrue();
        var permitted = new WebhookOptions { AllowPrivateNetworks = "8.8.4.4/32" };
        new GuardedConnections(Options.Create(permitted), () => [own]).MayReach(own).ShouldBeTrue();
    }

    [Fact]
    public async Task Http_that_is_not_allowed_any_more_is_not_spoken_any_more()
    {
        var folder = Directory.CreateTempSubdirectory("smartlock-test-");
        await using var receiver = await Receiver.StartAsync();
        string[] settings = ["--Webhooks:AllowPrivateNetworks=127.0.0.0/8", $"--Data:Folder={folder.FullName}"];
        Hook hook;
        await using (var app = await TestApp.StartAsync([.. settings, "--Webhooks:AllowHttp=true"]))
        {
            hook = await Hook.CreateAsync(await app.OwnerAsync("ada"), receiver.Url);
        }

        await using (var app = await TestApp.StartAsync(settings))
        {
            hook = hook with { Owner = await app.SignInAsync("ada") };
            var failed = await hook.AttemptedAsync(await hook.TestAsync(), 1);
            failed.GetProperty("reason").GetString().ShouldBe("address_refused");
        }

        receiver.Requests.ShouldBe(0);
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using var app = await TestApp.StartAsync(Hook.Settings);
        await using var receiver = await Receiver.StartAsync();
        await using var inside = await Receiver.StartAsync();
        var hook = await Hook.CreateAsync(await app.OwnerAsync(), receiver.Url);
        receiver.AnswerNext(context =>
        {
            context.Response.StatusCode = 307;
            context.Response.Headers.Location = inside.Url;
            return Task.CompletedTask;
        });

        var failed = await hook.AttemptedAsync(await hook.TestAsync(), 1);

        (failed.GetProperty("reason").GetString(), failed.GetProperty("status_code").GetInt32()).ShouldBe(("status", 307));
        inside.Requests.ShouldBe(0);
    }

    [Fact]
    public async Task Nothing_secret_is_logged()
    {
        await using var app = await TestApp.StartAsync([.. Hook.Settings, "--Logging:LogLevel:Default=Trace"]);
        await using var receiver = await Receiver.StartAsync();
        receiver.Status = 500;
        var owner = await app.OwnerAsync();
        var hook = await Hook.CreateAsync(owner, receiver.Url);
        await hook.AttemptedAsync(await hook.TestAsync(), 1);
        var broken = await Hook.CreateAsync(owner, "http://127.0.0.1:1/hook?key=query-secret");
        (await broken.AttemptedAsync(await broken.TestAsync(), 1)).GetProperty("reason").GetString().ShouldBe("connection_failed");

        var lines = app.Logs.All.Select(line => $"{line.Text} {line.Exception}").ToList();
        lines.ShouldContain(line => line.Contains(hook.Id, StringComparison.Ordinal));
        lines.Where(line => line.Contains("query-secret", StringComparison.Ordinal)).ShouldBeEmpty();
        lines.Where(line => line.Contains(hook.Secret, StringComparison.OrdinalIgnoreCase)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_new_secret_signs_from_then_on()
    {
        await using var app = await TestApp.StartAsync(Hook.Settings);
        await using var receiver = await Receiver.StartAsync();
        var hook = await Hook.CreateAsync(await app.OwnerAsync(), receiver.Url);

        using var answer = await hook.Owner.Http.PostAsync($"/api/webhooks/{hook.Id}/rotate-secret", null);

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        var fresh = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("secret").GetString()!;
        fresh.ShouldNotBe(hook.Secret);
        await hook.TestAsync();
        var received = await receiver.NextAsync();
        var now = TimeProvider.System.GetUtcNow();
        (received.IsSignedWith(fresh, now), received.IsSignedWith(hook.Secret, now)).ShouldBe((true, false));
    }
}
