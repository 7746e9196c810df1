using System.Globalization;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.MainJob;

/// <summary>The server as its users run it: a process that can be killed.</summary>
internal static class ServerProcess
{
    /// <param name="http">Its base address is where the server listens.</param>
    /// <param name="folder">The data folder.</param>
    /// <param name="mqttPort">On loopback.</param>
    /// <param name="settings">Beside those that keep limits out of a test's way.</param>
    public static Task<ExternalProgram> StartAsync(HttpClient http, string folder, int mqttPort, params string[] settings) =>
        StartAsync(http, folder, mqttPort, descriptors: null, settings);

    /// <param name="descriptors">How many files it may open (<c>ulimit -n</c>); null for as many as this process.</param>
    /// <inheritdoc cref="StartAsync(HttpClient, string, int, string[])"/>
    public static async Task<ExternalProgram> StartAsync(HttpClient http, string folder, int mqttPort, int? descriptors, params string[] settings)
    {
        string[] limits = [.. new[] { "Auth", "Commands", "Reads", "Anonymous" }.Select(g => $"--RateLimits:{g}:PermitsPerMinute=1000000")];
        string[] limited = descriptors is { } most ? ["-c", string.Create(CultureInfo.InvariantCulture, $"ulimit -n {most}; exec \"$0\" \"$@\""), "dotnet"] : [];
        var server = ExternalProgram.Start(descriptors is null ? "dotnet" : "bash",
        [
            .. limited,
            typeof(SmartLockServer).Assembly.Location,
            $"--Urls={http.BaseAddress!.GetLeftPart(UriPartial.Authority)}",
            "--Mqtt:Address=127.0.0.1",
            $"--Mqtt:Port={mqttPort.ToString(CultureInfo.InvariantCulture)}",
            $"--Data:Folder={folder}",
            "--Accounts:PasswordIterations=100000",
            "--Logging:LogLevel:Default=Warning",
            .. limits,
            .. settings,
        ]);
        try
        {
            await Eventually.TrueAsync(() => IsReadyAsync(http, server), "the server is ready");
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    private static async Task<bool> IsReadyAsync(HttpClient http, ExternalProgram server)
    {
        server.HasExited.ShouldBeFalse(server.Output);
        try
        {
            using var answer = await http.GetAsync("/health/ready");
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
