using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Messaging;

public sealed class IntegrationTests
{
    private const string Path = "/api/admin/integrations";

    [Fact]
    public async Task An_admin_sees_how_devices_are_reached_and_how_many_are()
    {
        await using var app = await TestApp.StartAsync();
        var admin = await app.AdminAsync();
        await using var door = await Door.OpenAsync(app, await app.OwnerAsync());

        var native = (await admin.Http.GetFromJsonAsync<JsonElement>(Path)).GetProperty("items").EnumerateArray().ShouldHaveSingleItem();

        native.GetProperty("provider").GetString().ShouldBe("native");
        native.GetProperty("mode").GetString().ShouldBe("embedded");
        native.GetProperty("listening_since").GetDateTimeOffset().ShouldBeLessThanOrEqualTo(TimeProvider.System.GetUtcNow());
        native.GetProperty("connected_devices").GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task An_outside_broker_that_is_away_is_not_listened_to()
    {
        var nobody = FreePort.Next().ToString(CultureInfo.InvariantCulture);
        await using var app = await TestApp.StartAsync("--Mqtt:Mode=External", "--Mqtt:Host=127.0.0.1", $"--Mqtt:Port={nobody}");
        var admin = await app.AdminAsync();

        var native = (await admin.Http.GetFromJsonAsync<JsonElement>(Path)).GetProperty("items").EnumerateArray().ShouldHaveSingleItem();

        native.GetProperty("mode").GetString().ShouldBe("external");
        native.GetProperty("listening_since").ValueKind.ShouldBe(JsonValueKind.Null);
        native.GetProperty("connected_devices").GetInt32().ShouldBe(0);
    }

    [Fact]
    public async Task It_is_the_admins_business_only()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();

        await (await owner.Http.GetAsync(Path)).ShouldBeProblemAsync(HttpStatusCode.Forbidden, "forbidden");
        await (await app.Http.GetAsync(Path)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }
}
