using System.Diagnostics;
using System.Globalization;
using SmartLock.VirtualDevice.Tests.Brokers;
using SmartLock.VirtualDevice.Tests.Rig;

namespace SmartLock.VirtualDevice.Tests.Terminal;

/// <summary>The console program as its user meets it: a process with arguments, output and an exit code.</summary>
public sealed class ProgramTests
{
    private const string KeyHex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("", "--device-id")]
    [InlineData("--device-id a/b", "--device-id: 'a/b' is not 1 to 64")]
    [InlineData("--device-id D1 --port 0", "--port: '0' is not from 1 to 65535")]
    [InlineData("--device-id D1 --port 65536", "--port: '65536' is not from 1 to 65535")]
    [InlineData("--device-id D1 --port x", "--port: 'x' is not from 1 to 65535")]
    [InlineData("--device-id D1 --host a_b:c", "--host: 'a_b:c' is neither")]
    [InlineData("--device-id D1 --bolt ajar", "--bolt: 'ajar' is not locked")]
    [InlineData("--device-id D1 --topics all", "--topics: 'all' is neither")]
    [InlineData("--device-id D1 --battery-mv -1", "--battery-mv: '-1' is not from 0")]
    [InlineData("--device-id D1 --tls --ca-file /no/such.pem", "--ca-file: '/no/such.pem' is no file")]
    [InlineData("--device-id D1 --key 00", "--key")]
    [InlineData("--device-id D1 --state-folder /proc/no/such", "--state-folder: '/proc/no/such' cannot be used")]
    public async Task Wrong_input_is_named_and_ends_with_2(string arguments, string complaint)
    {
        var (code, output, errors) = await RunToEndAsync(arguments, KeyHex);
        code.ShouldBe(2, errors);
        errors.ShouldContain(complaint);
        output.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_ca_file_without_tls_is_an_error()
    {
        var file = Path.GetTempFileName();
        var (code, _, errors) = await RunToEndAsync($"--device-id D1 --ca-file {file}", KeyHex);
        File.Delete(file);
        code.ShouldBe(2);
        errors.ShouldContain("--ca-file needs --tls");
    }

    [Theory]
    [InlineData("")]
    [InlineData("0011")]
    [InlineData("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F")]
    public async Task A_wrong_key_is_refused_and_not_repeated(string key)
    {
        var (code, _, errors) = await RunToEndAsync("--device-id D1", key);
        code.ShouldBe(2);
        errors.ShouldContain("device key");
        if (key.Length > 0)
        {
            errors.ShouldNotContain(key);
        }
    }

    [Fact]
    public async Task Help_names_the_options_and_where_the_key_comes_from()
    {
        var (code, output, _) = await RunToEndAsync("--help", null);
        code.ShouldBe(0);
        output.ShouldContain("--device-id");
        output.ShouldContain("SMARTLOCK_DEVICE_KEY");
    }

    [Theory]
    [InlineData("INT", true)]
    [InlineData("TERM", false)]
    public async Task It_obeys_tells_and_ends_cleanly_on_a_signal(string signal, bool keyFromInput)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "signals are sent by kill");
        await using var broker = await EmbeddedBroker.StartAsync();
        await broker.ListenAsync();
        var key = Convert.ToHexStringLower(Server.Key.Mac("D1"u8.ToArray()));
        using var process = Start(
            string.Create(CultureInfo.InvariantCulture, $"--device-id D1 --host 127.0.0.1 --port {broker.Port} --bolt locked"),
            keyFromInput ? null : key);
        if (keyFromInput)
        {
            await process.StandardInput.WriteLineAsync(key);
        }

        process.StandardInput.Close();
        await LineAsync(process, "connected to 127.0.0.1");
        await broker.UnlockAsync("D1", "c1");
        await LineAsync(process, "c1: done [Unlocked]");

        using (var kill = Process.Start("kill", ["-" + signal, process.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        await LineAsync(process, "stopped");
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Guard);
        process.ExitCode.ShouldBe(0);
        broker.Statuses.ShouldAllBe(s => BrokerUnderTest.Text(s, "state") == null);
    }

    private static async Task<(int Code, string Output, string Errors)> RunToEndAsync(string arguments, string? key)
    {
        using var process = Start(arguments, key);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Guard);
        return (process.ExitCode, await output, await errors);
    }

    private static Process Start(string arguments, string? key)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "SmartLock.VirtualDevice.dll"));
        foreach (var argument in arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["SMARTLOCK_DEVICE_KEY"] = key;
        return Process.Start(start)!;
    }

    private static Task LineAsync(Process process, string wanted) => FindLineAsync(process, wanted).WaitAsync(Guard);

    private static async Task FindLineAsync(Process process, string wanted)
    {
        while (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (line.Contains(wanted, StringComparison.Ordinal))
            {
                return;
            }
        }

        throw new InvalidOperationException($"The program ended without a line with '{wanted}'.");
    }
}
