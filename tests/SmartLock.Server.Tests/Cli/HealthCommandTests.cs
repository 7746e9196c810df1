using Microsoft.AspNetCore.Http;
using SmartLock.Server.Cli;
using SmartLock.Server.Infrastructure;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Cli;

public sealed class HealthCommandTests
{
    [Fact]
    public async Task It_ends_with_0_while_the_server_is_ready_and_with_1_when_nothing_answers()
    {
        await using var app = await TestApp.StartAsync();

        (await HealthCommand.RunAsync([$"--Urls={app.Address}"], default)).ShouldBe(ExitCodes.Ok);

        (await HealthCommand.RunAsync([$"--Urls=http://127.0.0.1:{FreePort.Next()}"], default)).ShouldBe(ExitCodes.Failed);
        (await HealthCommand.RunAsync(["--Urls=https://127.0.0.1:1"], default)).ShouldBe(ExitCodes.Configuration);
    }

    [Fact]
    public async Task A_server_that_is_up_but_not_ready_is_not_healthy()
    {
        await using var app = await TestApp.StartAsync("--Mqtt:Mode=External", "--Mqtt:Host=127.0.0.1", $"--Mqtt:Port={FreePort.Next()}");

        (await HealthCommand.RunAsync([$"--Urls={app.Address}"], default)).ShouldBe(ExitCodes.Failed);
    }

    [Theory]
    [InlineData("http://0.0.0.0:8000", "http://127.0.0.1:8000/health/ready")]
    [InlineData("http://*:80", "http://127.0.0.1/health/ready")]
    [InlineData("http://[::]:8000", "http://[::1]:8000/health/ready")]
    [InlineData("http://10.0.0.5:8000", "http://10.0.0.5:8000/health/ready")]
    public void It_asks_where_the_server_listens(string listening, string asked) =>
        HealthCommand.UrlOf(BindingAddress.Parse(listening)).ToString().ShouldBe(asked);
}
