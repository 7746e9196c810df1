using System.Security.Cryptography;
using System.Text;
using SmartLock.Server.Messaging;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Cli;

public sealed class DeviceLoginCommandTests : IDisposable
{
    private const string Key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly string Server = Path.Combine(AppContext.BaseDirectory, "SmartLock.Server.dll");

    private readonly string _folder = Directory.CreateTempSubdirectory("smartlock-cli-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_key_on_standard_input_becomes_a_line_of_the_brokers_list()
    {
        var password = Signatures.MqttPassword(Convert.FromHexString(Key), "D1");

        var (code, line) = await RunAsync(Key + "\n", "device", "login", "D1");

        code.ShouldBe(0, line);
        var parts = line.Split('$');
        parts[..3].ShouldBe(["D1:", "7", "101"]);
        Rfc2898DeriveBytes.Pbkdf2(password, Convert.FromBase64String(parts[3]), 101, HashAlgorithmName.SHA512, 64)
            .ShouldBe(Convert.FromBase64String(parts[4]));
        line.ShouldNotContain(password);
        line.ShouldNotContain(Key);

        var (emqx, csv) = await RunAsync(Key.ToUpperInvariant(), "device", "login", "D1", "--broker=emqx");
        emqx.ShouldBe(0, csv);
        csv.Split('\n')[0].ShouldBe(BrokerLoginLine.EmqxHeader);
        var fields = csv.Split('\n')[1].Split(',');
        fields.ShouldBe(["D1", Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(fields[2] + password))), fields[2], "false"]);
    }

    [Theory]
    [InlineData("", "D1", "The key must be 64 hexadecimal digits, on standard input.")]
    [InlineData("zz" + "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "D1", "The key must be 64 hexadecimal digits, on standard input.")]
    [InlineData(Key, "a/b", "device_id must have")]
    public async Task What_is_no_key_or_no_device_id_is_refused_and_not_repeated(string key, string deviceId, string sentence)
    {
        var (code, output) = await RunAsync(key, "device", "login", deviceId);

        code.ShouldBe(2);
        output.ShouldStartWith(sentence);
        (key.Length > 0 && output.Contains(key, StringComparison.Ordinal)).ShouldBeFalse();
    }

    [Fact]
    public async Task All_devices_with_a_lock_are_listed_from_the_store_and_those_that_wait_are_not()
    {
        string[] settings = [$"--Data:Folder={_folder}"];
        (await RunAsync(TestApp.Password, ["admin", "create", "ada", .. settings])).Code.ShouldBe(0);
        (await RunAsync("", ["device", "add", "D1", "--owner=ada", "--name=Hall", .. settings])).Code.ShouldBe(0);
        (await RunAsync("", ["device", "add", "D2", "--owner=ada", "--name=Hall", "--unsigned", .. settings, "--Devices:AllowUnsigned=true"])).Code.ShouldBe(0);
        (await RunAsync("", ["device", "add", "D3", .. settings])).Code.ShouldBe(0);

        var (code, output) = await RunAsync("", ["device", "logins", .. settings]);

        code.ShouldBe(0, output);
        output.Split('\n').Where(l => l.Contains('$', StringComparison.Ordinal)).Select(l => l.Split(':')[0]).ShouldBe(["D1"]);
        output.ShouldContain("1 logins. 1 left out");
        var (_, all) = await RunAsync("", ["device", "logins", .. settings, "--Devices:AllowUnsigned=true"]);
        all.ShouldContain("D2:$7$");
    }

    private static async Task<(int Code, string Output)> RunAsync(string input, params string[] arguments)
    {
        await using var program = ExternalProgram.Start("dotnet", [Server, .. arguments], input);
        var code = await program.ExitAsync(Patience);
        return (code, program.Output);
    }
}
