using System.Net;
using Microsoft.Extensions.Logging;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.MainJob;

public sealed partial class OutsideBrokerTests
{
    [Theory]
    [InlineData(V311)]
    [InlineData(V5)]
    public async Task A_lost_broker_is_logged_as_a_warning_and_a_requested_disconnect_is_not(int version)
    {
        await using var broker = await StartBrokerAsync();
        await using var app = await StartAppAsync(broker, version, configure: Settings(("Logging:LogLevel:SmartLock.Server.Messaging", "Information")));
        await ReadyAsync(app, HttpStatusCode.OK);

        await broker.KillAsync();
        await Eventually.TrueAsync(() => Logged(app, "Lost the connection to the broker at").Count == 1, "the server logs that it lost its broker");
        Logged(app, "Lost the connection to the broker at").ShouldAllBe(l => l.Level == LogLevel.Warning);
        await broker.StartAsync();
        await ReadyAsync(app, HttpStatusCode.OK);

        var before = app.Logs.All.Count;
        await app.StopAsync();

        Logged(app, "Disconnected from the broker at").ShouldHaveSingleItem().Level.ShouldBe(LogLevel.Information);
        app.Logs.All.Skip(before).Where(l => l.Level >= LogLevel.Warning).ShouldBeEmpty();
    }

    private static IReadOnlyList<LogLine> Logged(TestApp app, string beginning) =>
        [.. app.Logs.All.Where(l => l.Text.StartsWith(beginning, StringComparison.Ordinal))];
}
