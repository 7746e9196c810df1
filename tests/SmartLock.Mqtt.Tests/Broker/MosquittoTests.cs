using System.Diagnostics;

namespace SmartLock.Mqtt.Tests.Broker;

/// <summary>Clients that others wrote: mosquitto's, where they are installed.</summary>
public sealed class MosquittoTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("mqttv311", 0)]
    [InlineData("mqttv311", 1)]
    [InlineData("mqttv311", 2)]
    [InlineData("mqttv5", 0)]
    [InlineData("mqttv5", 1)]
    [InlineData("mqttv5", 2)]
    public async Task Stock_clients_publish_and_subscribe(string version, int qos)
    {
        var sub = Find("mosquitto_sub");
        var pub = Find("mosquitto_pub");
        await using var host = await KestrelBroker.StartAsync(new TestAccess());
        string[] common = ["-h", "127.0.0.1", "-p", $"{host.MqttPort}", "-V", version, "-u", "device", "-P", "x", "-q", $"{qos}"];
        // Retained, so that it does not matter which of the two is there first.
        (await RunAsync(pub, [.. common, "-t", "door/front", "-m", "opened", "-r"])).ShouldBe("");
        (await RunAsync(sub, [.. common, "-t", "door/#", "-C", "1", "-v", "-W", "20"])).ShouldBe("door/front opened\n");
    }

    [Fact]
    public async Task A_stock_v5_publisher_may_use_properties_and_a_stock_subscriber_shows_them()
    {
        var sub = Find("mosquitto_sub");
        var pub = Find("mosquitto_pub");
        await using var host = await KestrelBroker.StartAsync(new TestAccess());
        string[] common = ["-h", "127.0.0.1", "-p", $"{host.MqttPort}", "-V", "mqttv5", "-u", "device", "-q", "1"];
        await RunAsync(pub, [.. common, "-t", "a", "-m", "x", "-r", "-D", "publish", "user-property", "k", "v", "-D", "publish", "content-type", "text/plain"]);
        (await RunAsync(sub, [.. common, "-t", "a", "-C", "1", "-W", "20", "-F", "%C %P %p"])).ShouldBe("text/plain k:v x\n");
    }

    [Fact]
    public async Task A_stock_client_without_a_login_is_refused()
    {
        var pub = Find("mosquitto_pub");
        await using var host = await KestrelBroker.StartAsync(new TestAccess());
        var output = await RunAsync(pub, ["-h", "127.0.0.1", "-p", $"{host.MqttPort}", "-V", "mqttv311", "-t", "a", "-m", "x"]);
        output.ShouldContain("bad user name or password", Case.Insensitive);
    }

    private static string Find(string program)
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(p => Path.Combine(p, program)).FirstOrDefault(File.Exists);
        Assert.SkipWhen(path is null, $"{program} is not installed.");
        return path;
    }

    private static async Task<string> RunAsync(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            process.Kill();
            throw;
        }

        return await output + await errors;
    }
}
