using System.Text;

namespace SmartLock.Testing.Scenarios;

/// <summary>Plays a scenario on a bench and writes down what is seen.</summary>
public sealed class ScenarioPlayer(ScenarioServer server, IScenarioBench bench)
{
    private const int StepMs = 200;
    private const int WindowMs = 1400;

    /// <summary>More than the second in which the lock does not answer again.</summary>
    private const int QuietMs = 1200;

    /// <summary>The window after it ends before the heartbeat at 9 s.</summary>
    private const int LongestQuietMs = 6000;

    private const int MostSteps = 100;

    private static readonly string[] Reconnecting = ["connect", "wifi-on", "broker-on", "power-on"];

    private long _heardAtConnect;

    /// <summary>One line for each of the scenario's: number, action, what was seen.</summary>
    public async Task<IReadOnlyList<string>> PlayAsync(IReadOnlyList<ScenarioLine> lines)
    {
        var transcript = new List<string>();
        foreach (var line in lines)
        {
            try
            {
                transcript.Add(Written(line, await PlayAsync(line)));
            }
            catch (Exception e) when (e is TimeoutException or InvalidOperationException)
            {
                throw new InvalidOperationException($"line {line.Number} {line.Action}: {e.Message}", e);
            }
        }

        return transcript;
    }

    /// <summary>Null when the transcript is what the scenario expects; else the first line that is not, with both.</summary>
    public static string? FirstDifference(IReadOnlyList<ScenarioLine> lines, IReadOnlyList<string> transcript) =>
        FirstDifference([.. lines.Select(l => Written(l, l.Expected))], transcript);

    public static string? FirstDifference(IReadOnlyList<string> expected, IReadOnlyList<string> transcript)
    {
        for (var i = 0; i < Math.Max(expected.Count, transcript.Count); i++)
        {
            var (wanted, got) = (i < expected.Count ? expected[i] : "(nothing)", i < transcript.Count ? transcript[i] : "(nothing)");
            if (wanted != got)
            {
                return $"expected  {wanted}\nbut was   {got}";
            }
        }

        return null;
    }

    private static string Written(ScenarioLine line, string seen) => $"{line.Number} {line.Action}: {seen}";

    private async Task<string> PlayAsync(ScenarioLine line)
    {
        var isAtOnce = line.Words.Contains("at-once") || line.Words[0] == "wait";
        if (!isAtOnce)
        {
            await AwaitQuietAsync();
        }

        server.TakeSeen();
        var (movements, refusals) = (bench.BoltMovements, bench.Refusals());
        if (Reconnecting.Contains(line.Words[0]))
        {
            _heardAtConnect = server.Heard;
        }

        await ActAsync(line.Words);
        for (var passed = 0; !isAtOnce && passed < WindowMs && !server.HasSeen; passed += StepMs)
        {
            await bench.AdvanceAsync(StepMs);
        }

        return Describe(server.TakeSeen(), refusals, bench.Refusals(), bench.BoltMovements - movements);
    }

    /// <summary>The first heartbeat on a connection comes at a time of the lock's own: it is waited for.</summary>
    private async Task AwaitQuietAsync()
    {
        for (var steps = 0; bench.IsConnected && !IsQuiet(); steps++)
        {
            if (steps == MostSteps)
            {
                throw new InvalidOperationException("The lock is connected and says nothing.");
            }

            await bench.AdvanceAsync(StepMs);
        }
    }

    private bool IsQuiet() =>
        server.Heard >= _heardAtConnect + 2 && bench.Now - server.ReceivedAt is >= QuietMs and <= LongestQuietMs;

    private async Task ActAsync(IReadOnlyList<string> words)
    {
        if (char.IsAsciiLetterUpper(words[0][0]))
        {
            server.Make(words);
            if (!words.Contains("kept"))
            {
                await SendAsync(words[1]);
            }

            return;
        }

        await (words[0] switch
        {
            "again" => SendAsync(words[1]),
            "garbage" => bench.SendAsync($"smartlock/commands/{ScenarioServer.DeviceId}", Encoding.UTF8.GetBytes("{\"command\":"), false),
            "wait" => WaitAsync(Scenario.Milliseconds(words[1])),
            "connect" => bench.ConnectAsync(),
            "wifi-off" or "wifi-on" => bench.SetWifiAsync(words[0] == "wifi-on"),
            "broker-off" or "broker-on" => bench.SetBrokerAsync(words[0] == "broker-on"),
            "power-off" => bench.PowerOffAsync(),
            "power-on" => bench.PowerOnAsync(),
            "provision" => bench.ProvisionAsync(server.Key),
            _ => SwitchAsync(words),
        });
    }

    private Task SwitchAsync(IReadOnlyList<string> words)
    {
        switch (words[0])
        {
            case "power-off-at-bolt":
                bench.PowerOffAtBolt();
                break;
            case "jam" or "unjam":
                bench.Jam(words[0] == "jam");
                break;
            case "turn":
                bench.TurnBolt(words[1] == "Locked");
                break;
            case "battery-low" or "battery-good":
                bench.SetBattery(words[0] == "battery-low");
                break;
            case "clock-unset":
                bench.SetClock(null);
                break;
            case "clock" or "clock-set":
                bench.SetClock(words[0] == "clock" ? Scenario.Milliseconds(words[1]) : 0);
                break;
            case "new-key":
                server.RotateKey();
                break;
            default:
                throw new FormatException($"nobody knows how to {words[0]}");
        }

        return Task.CompletedTask;
    }

    private Task SendAsync(string id)
    {
        var (topic, payload, retained) = server.TakeToSend(id);
        return bench.SendAsync(topic, payload, retained);
    }

    private async Task WaitAsync(long milliseconds)
    {
        for (long passed = 0; passed < milliseconds; passed += StepMs)
        {
            await bench.AdvanceAsync(StepMs);
        }
    }

    private static string Describe(
        IReadOnlyList<string> seen, IReadOnlyDictionary<string, long> before, IReadOnlyDictionary<string, long> after, long movements)
    {
        var told = new List<string>();
        foreach (var report in seen)
        {
            if (told.Count == 0 || told[^1] != report)
            {
                told.Add(report);
            }
        }

        var text = new StringBuilder(told.Count == 0 ? "silence" : string.Join(" then ", told));
        foreach (var (kind, count) in after.Where(r => r.Value > before[r.Key]).OrderBy(r => r.Key, StringComparer.Ordinal))
        {
            text.Append(", refused ").Append(kind).Append(count - before[kind] > 1 ? $" {count - before[kind]} times" : "");
        }

        if (movements > 0)
        {
            text.Append(", bolt moved").Append(movements > 1 ? $" {movements} times" : "");
        }

        return text.ToString();
    }
}
