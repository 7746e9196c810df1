using System.Globalization;
using System.Net;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.MainJob;

/// <summary>
/// mosquitto_pub and mosquitto_sub as somebody's login. Their passwords stand on the command line: they have no other place for them.
/// </summary>
internal sealed record StockClient(IPEndPoint Broker, string UserName, string Password)
{
    public const string V311 = "mqttv311";
    public const string V5 = "mqttv5";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <returns>Its exit code and what it printed.</returns>
    public async Task<(int ExitCode, string Output)> PublishAsync(string topic, string payload, string version = V311, int qos = 1)
    {
        await using var program = ExternalProgram.Start(
            Find("mosquitto_pub"),
            [.. Common(version, qos), "-t", topic, "-m", payload]);
        return (await program.ExitAsync(Patience), program.Output);
    }

    /// <summary>Running, and subscribed.</summary>
    public async Task<ExternalProgram> SubscribeAsync(string topic, string version = V311, params string[] more)
    {
        // Line by line: into a pipe it would say that it is subscribed only when it ends.
        var program = ExternalProgram.Start(
            Find("stdbuf"),
            ["-oL", Find("mosquitto_sub"), .. Common(version, 1), "-t", topic, "-d", .. more]);
        await program.LineAsync(l => l.Contains("received SUBACK", StringComparison.Ordinal), "a SUBACK");
        return program;
    }

    private static string Find(string name)
    {
        var path = ExternalProgram.Find(name);
        Assert.SkipWhen(path is null, $"{name} is not installed");
        return path;
    }

    private string[] Common(string version, int qos) =>
    [
        "-h", Broker.Address.ToString(),
        "-p", Broker.Port.ToString(CultureInfo.InvariantCulture),
        "-V", version,
        "-q", qos.ToString(CultureInfo.InvariantCulture),
        "-u", UserName,
        "-P", Password,
    ];
}
