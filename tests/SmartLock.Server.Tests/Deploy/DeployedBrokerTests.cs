using System.Net;
using SmartLock.Server.Messaging;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Deploy;

public sealed class DeployedBrokerTests
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_lock_opens_over_the_broker_of_docker_compose_with_what_the_script_made()
    {
        await using var broker = await PrepareAsync();
        await using var app = await StartServerAsync(broker);
        var owner = await app.OwnerAsync();
        await using var door = await Door.NewAsync(
            owner, broker.Devices, "ESP32-A", o => o with { Tls = true, CertificateAuthorityFile = broker.AuthorityFile });
        await broker.AddLoginAsync(BrokerLoginLine.Of(BrokerKind.Mosquitto, door.DeviceId, door.Key));
        await broker.StartAsync();
        await door.SwitchOnAsync();

        (await door.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);

        (await door.LogAsync()).ShouldContain(e => e.GetProperty("result").GetString() == "done");
        app.Logs.All.ShouldAllBe(l => !l.Text.Contains(PasswordOf(broker), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_device_hears_and_says_nothing_but_its_own()
    {
        await using var broker = await PrepareAsync();
        var key = DeviceKeys.NewKey();
        await broker.AddLoginAsync(BrokerLoginLine.Of(BrokerKind.Mosquitto, "ESP32-A", key));
        await broker.AddLoginAsync(BrokerLoginLine.Of(BrokerKind.Mosquitto, "ESP32-B", DeviceKeys.NewKey()));
        await broker.StartAsync();
        var password = Signatures.MqttPassword(key, "ESP32-A");
        await using var server = await ListeningClient.ConnectAsync(broker, broker.ServerPort, "@server", PasswordOf(broker));
        await using var device = await ListeningClient.ConnectAsync(broker, broker.DevicePort, "ESP32-A", password);
        await server.Client.SubscribeAsync("smartlock/#");
        await device.Client.SubscribeAsync("#");
        await device.Client.SubscribeAsync("smartlock/commands/ESP32-B");

        foreach (var topic in new[] { "smartlock/status/ESP32-B", "smartlock/status", "smartlock/commands/ESP32-B", "smartlock/commands/ESP32-A", "other", "smartlock/status/ESP32-A" })
        {
            await device.Client.PublishAsync(topic, topic);
        }

        await server.UntilReportedAsync("smartlock/status/ESP32-A");
        foreach (var topic in new[] { "smartlock/commands/ESP32-B", "smartlock/status/ESP32-A", "smartlock/events", "smartlock/commands/ESP32-A" })
        {
            await server.Client.PublishAsync(topic, topic);
        }

        await device.UntilReportedAsync("smartlock/commands/ESP32-A");
        device.Heard.ShouldBe(["smartlock/commands/ESP32-A"]);
        server.Heard.Take(1).ShouldBe(["smartlock/status/ESP32-A"], "the device may say nothing else");

        await ListeningClient.ShouldBeRefusedAsync(broker, broker.DevicePort, "ESP32-B", password);
        await ListeningClient.ShouldBeRefusedAsync(broker, broker.DevicePort, null, null);
    }

    [Fact]
    public async Task The_script_keeps_what_there_is_and_lets_nobody_else_read_it()
    {
        await using var broker = await PrepareAsync();
        var files = Directory.GetFiles(broker.Secret(""), "*", SearchOption.AllDirectories);
        files.Length.ShouldBeGreaterThan(12);
        files.ShouldAllBe(f => OperatingSystem.IsWindows() || File.GetUnixFileMode(f) == OwnerOnly);
        var before = files.ToDictionary(f => f, File.ReadAllText);

        var output = await broker.MakeSecretsAsync();

        before.ShouldAllBe(f => File.ReadAllText(f.Key) == f.Value);
        output.ShouldContain("0 made");
        before.Where(f => f.Value.Length < 200).ShouldAllBe(f => !output.Contains(f.Value.Trim(), StringComparison.Ordinal));

        File.Delete(broker.Secret("mosquitto/server.crt"));
        (await broker.MakeSecretsAsync()).ShouldContain("1 made");
        File.ReadAllText(broker.Secret("mosquitto/server.crt")).ShouldNotBe(before[broker.Secret("mosquitto/server.crt")]);
    }

    [Fact]
    public async Task The_health_check_logs_in_with_its_own_password()
    {
        await using var broker = await PrepareAsync();
        Assert.SkipWhen(ExternalProgram.Find("mosquitto_sub") is null, "mosquitto_sub is not installed");
        await broker.StartAsync();
        var options = (await File.ReadAllTextAsync(broker.Secret("mosquitto/mosquitto_sub")))
            .Replace("/mosquitto/secrets/", broker.Secret("mosquitto/"), StringComparison.Ordinal)
            .Replace("-p 8883", $"-p {broker.DevicePort}", StringComparison.Ordinal);
        await File.WriteAllTextAsync(broker.Secret("mosquitto/mosquitto_sub"), options);
        var arguments = ComposeFile.Read().Services["mosquitto"].HealthCheck;
        arguments[0].ShouldBe("mosquitto_sub");

        await using var check = ExternalProgram.Start(
            ExternalProgram.Find("mosquitto_sub")!,
            arguments.Skip(1).Select(a => a.Replace("$$", "$", StringComparison.Ordinal)),
            environment: new Dictionary<string, string> { ["XDG_CONFIG_HOME"] = broker.Secret("mosquitto") });

        (await check.ExitAsync(Patience)).ShouldBe(0, check.Output);
        check.Output.ShouldContain("mosquitto version");
    }

    private static async Task<DeployedBroker> PrepareAsync()
    {
        Assert.SkipUnless(DeployedBroker.IsInstalled, "mosquitto, openssl or bash is not installed");
        return await DeployedBroker.PrepareAsync();
    }

    /// <summary>With the same settings as the container, but for host and port; the password comes from a file as well.</summary>
    private static Task<TestApp> StartServerAsync(DeployedBroker broker)
    {
        var secrets = Directory.CreateDirectory(Path.Combine(broker.Folder, "run-secrets"));
        File.Copy(broker.Secret("mqtt_password"), Path.Combine(secrets.FullName, "Mqtt__Password"));
        File.Copy(broker.Secret("jwt_signing_key"), Path.Combine(secrets.FullName, "Jwt__SigningKey"));
        File.Copy(broker.Secret("audit_key"), Path.Combine(secrets.FullName, "Audit__Key"));
        var compose = ComposeFile.Read().Services["server"].Environment;
        return TestApp.StartAsync(
            $"--Secrets:Folder={secrets.FullName}",
            $"--Mqtt:Mode={compose["Mqtt__Mode"]}",
            "--Mqtt:Host=localhost",
            $"--Mqtt:Port={broker.ServerPort}",
            $"--Mqtt:Tls={compose["Mqtt__Tls"]}",
            $"--Mqtt:CaFile={broker.AuthorityFile}",
            $"--Mqtt:UserName={compose["Mqtt__UserName"]}");
    }

    private static string PasswordOf(DeployedBroker broker) => File.ReadAllText(broker.Secret("mqtt_password")).Trim();
}
