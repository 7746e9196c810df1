using System.Globalization;
using System.Text.Json;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Demo;

/// <summary>The demo as <c>dotnet run</c> starts it. The printed lines are run in a shell as they stand.</summary>
public sealed class DemoTests
{
    /// <summary>The server as its own project builds it. The copy beside these tests has no demo, like a published server.</summary>
    private static readonly string BuiltServer = Path.Combine(SourceTree.Root, "server/SmartLock.Server", OutputFolder, "SmartLock.Server.dll");

    private static readonly string ServerWithoutDemo = Path.Combine(AppContext.BaseDirectory, "SmartLock.Server.dll");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task The_printed_lines_unlock_the_door_and_ctrl_c_ends_it_all()
    {
        var bash = ExternalProgram.Find("bash");
        Assert.SkipWhen(bash is null || ExternalProgram.Find("curl") is null || OperatingSystem.IsWindows(), "bash or curl is not installed");
        await using var demo = await StartAsync();

        var answers = await RunAsync(bash!, demo.Lines.Where(l => l.StartsWith("TOKEN=", StringComparison.Ordinal) || l.StartsWith("curl ", StringComparison.Ordinal)));

        answers.Count.ShouldBe(3, string.Join('\n', answers));
        answers[0].GetProperty("state").GetString().ShouldBe("done");
        var took = answers[0].GetProperty("decided_at").GetDateTimeOffset() - answers[0].GetProperty("issued_at").GetDateTimeOffset();
        took.ShouldBeLessThan(TimeSpan.FromSeconds(1));
        answers[1].GetProperty("status").GetString().ShouldBe("Unlocked");
        var sent = answers[2].GetProperty("items").EnumerateArray().First(e => e.GetProperty("result").GetString() == "sent");
        sent.GetProperty("actor").GetString().ShouldBe("demo");
        sent.GetProperty("time").GetDateTimeOffset().ShouldBe(answers[0].GetProperty("issued_at").GetDateTimeOffset());

        var folder = demo.Lines.Single(l => l.Contains("removed at the end", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        Directory.Exists(folder).ShouldBeTrue();
        demo.Interrupt();
        (await demo.ExitAsync(Patience)).ShouldBe(0, demo.Output);
        Directory.Exists(folder).ShouldBeFalse();
    }

    [Fact]
    public async Task The_printed_observer_sees_the_traffic()
    {
        Assert.SkipWhen(ExternalProgram.Find("mosquitto_sub") is null || ExternalProgram.Find("bash") is null, "mosquitto_sub is not installed");
        await using var demo = await StartAsync();
        var line = demo.Lines.Single(l => l.StartsWith("mosquitto_sub ", StringComparison.Ordinal));
        await using var watcher = ExternalProgram.Start(ExternalProgram.Find("bash")!, ["-c", $"exec {line} -d"]);
        await watcher.LineAsync(l => l.Contains("SUBACK", StringComparison.Ordinal), "the observer is subscribed");

        await RunAsync(ExternalProgram.Find("bash")!, demo.Lines.Where(l => l.StartsWith("TOKEN=", StringComparison.Ordinal) || l.StartsWith("curl ", StringComparison.Ordinal)));

        await watcher.LineAsync(l => l.StartsWith("smartlock/commands/ESP32-7C9EBD ", StringComparison.Ordinal), "the command");
        await watcher.LineAsync(
            l => l.StartsWith("smartlock/status/ESP32-7C9EBD ", StringComparison.Ordinal) && l.Contains("\"Unlocked\"", StringComparison.Ordinal),
            "the status");
    }

    [Theory]
    [InlineData("--Data:Folder=")]
    [InlineData("--data:folder=")]
    [InlineData("--Storage:Sqlite:File=")]
    public async Task A_folder_of_the_operators_is_refused_and_stays(string setting)
    {
        var folder = Directory.CreateTempSubdirectory("smartlock-kept-");
        await using var demo = ExternalProgram.Start("dotnet", [BuiltServer, "demo", setting + folder.FullName]);

        (await demo.ExitAsync(Patience)).ShouldBe(78);

        demo.Output.ShouldContain($"leave {setting.Trim('-', '=')} away");
        folder.EnumerateFileSystemInfos().ShouldBeEmpty();
        folder.Delete();
    }

    [Fact]
    public async Task A_server_without_the_demo_says_so_in_one_sentence_and_fails()
    {
        Directory.Exists(Path.Combine(Path.GetDirectoryName(ServerWithoutDemo)!, "demo")).ShouldBeFalse();
        await using var demo = ExternalProgram.Start("dotnet", [ServerWithoutDemo, "demo"]);

        (await demo.ExitAsync(Patience)).ShouldBe(1);

        demo.Lines.ShouldHaveSingleItem().ShouldStartWith("The demo is not part of the published server: ");
    }

    [Fact]
    public void The_server_does_not_depend_on_the_virtual_device()
    {
        string[] ownProjects = ["SmartLock.Mqtt", "SmartLock.Server"];
        var file = Path.ChangeExtension(BuiltServer, ".deps.json");
        using var dependencies = JsonDocument.Parse(File.ReadAllText(file));
        var libraries = dependencies.RootElement.GetProperty("libraries").EnumerateObject().Select(l => l.Name.Split('/')[0]).ToList();

        libraries.Where(l => l.StartsWith("SmartLock.", StringComparison.Ordinal)).ShouldBe(ownProjects, ignoreOrder: true);
        File.ReadAllText(file).ShouldNotContain("Device.dll");
    }

    /// <summary><c>bin/Release/net10.0</c>, or what these tests were built as.</summary>
    private static string OutputFolder =>
        Path.GetRelativePath(Path.Combine(SourceTree.Root, "tests/SmartLock.Server.Tests"), AppContext.BaseDirectory);

    /// <summary>On ports of its own, so that a demo that somebody has running is not in the way.</summary>
    private static async Task<ExternalProgram> StartAsync()
    {
        string[] settings =
        [
            string.Create(CultureInfo.InvariantCulture, $"--Urls=http://127.0.0.1:{FreePort.Next()}"),
            string.Create(CultureInfo.InvariantCulture, $"--Mqtt:Port={FreePort.Next()}"),
        ];
        var demo = ExternalProgram.Start("dotnet", [BuiltServer, "demo", .. settings]);
        await demo.LineAsync(l => l.StartsWith("Ctrl-C", StringComparison.Ordinal), "the demo is up");
        return demo;
    }

    /// <returns>The JSON documents that the lines printed, in order.</returns>
    private static async Task<IReadOnlyList<JsonElement>> RunAsync(string bash, IEnumerable<string> lines)
    {
        await using var shell = ExternalProgram.Start(bash, [], string.Join('\n', lines) + "\n");
        (await shell.ExitAsync(Patience)).ShouldBe(0, shell.Output);
        return [.. shell.Lines.Where(l => l.StartsWith('{')).Select(l => JsonDocument.Parse(l).RootElement)];
    }
}
