using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using SmartLock.Testing;
using SmartLock.VirtualDevice;

namespace SmartLock.Server.Tests.MainJob;

/// <summary>The server as a process of its own, killed while it works: what a lock did must be on the record all the same.</summary>
public sealed class KillTests(ITestOutputHelper output) : IDisposable
{
    private const int Locks = 10;
    private const int Commands = 1000;
    private const int AnsweredBeforeKill = 400;

    private readonly string _folder = Directory.CreateTempSubdirectory("smartlock-kill-").FullName;
    private readonly int _httpPort = FreePort.Next();
    private readonly int _mqttPort = FreePort.Next();
    private readonly ConcurrentBag<(string CommandId, string DeviceId)> _executed = [];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_server_killed_at_work_has_every_command_that_moved_a_bolt_in_its_log()
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{_httpPort}"), Timeout = TimeSpan.FromSeconds(30) };
        var doors = new List<Door>();
        try
        {
            ConcurrentBag<string> answered;
            await using (var first = await StartServerAsync(http))
            {
                doors.AddRange(await OpenDoorsAsync(await SignInAsync(http)));
                answered = await CommandUntilKilledAsync(first, doors);
            }

            await Eventually.TrueAsync(() => doors.TrueForAll(d => !d.Device.IsConnected), "the locks have noticed");
            await using var second = await StartServerAsync(http);
            await Task.WhenAll(doors.Select(d => d.Device.WaitConnectedAsync())).WaitAsync(TimeSpan.FromSeconds(30));

            await CheckRecordAsync(http, answered);
            foreach (var door in doors)
            {
                await door.StateAsync("Available");
                using var answer = await door.UnlockAsync();
                answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
            }
        }
        finally
        {
            doors.ForEach(d => d.Device.Happened -= Collect);
            await Task.WhenAll(doors.Select(d => d.DisposeAsync().AsTask()));
        }
    }

    private async Task CheckRecordAsync(HttpClient http, ConcurrentBag<string> answered)
    {
        var executed = _executed.ToArray();
        executed.Select(e => e.CommandId).ShouldBeUnique();
        answered.ShouldBeSubsetOf(executed.Select(e => e.CommandId));
        var log = await ReadWholeLogAsync(http);
        var attempts = log
            .Where(e => e.GetProperty("result").GetString() == "sent")
            .ToDictionary(e => e.GetProperty("command_id").GetString()!);
        foreach (var (commandId, deviceId) in executed)
        {
            var attempt = attempts.GetValueOrDefault(commandId);
            attempt.ValueKind.ShouldBe(JsonValueKind.Object, $"{commandId} moved the bolt of {deviceId} and is not in the log");
            attempt.GetProperty("device_id").GetString().ShouldBe(deviceId);
            attempt.GetProperty("actor").GetString().ShouldBe("alice");
            attempt.GetProperty("action").GetString().ShouldBe(IsUnlocked(deviceId) ? "command.unlock" : "command.lock");
        }

        var verdicts = log.Where(e => e.GetProperty("result").GetString() == "done").Select(e => e.GetProperty("command_id").GetString()!).ToHashSet();
        answered.ShouldBeSubsetOf(verdicts, "an answer of 200 was on the record before it was given");
        output.WriteLine($"answered {answered.Count}, executed {executed.Length}, recorded {attempts.Count}, verdicts recorded {verdicts.Count}");
    }

    /// <summary>Ids of the commands that were answered with done.</summary>
    private static async Task<ConcurrentBag<string>> CommandUntilKilledAsync(ExternalProgram server, List<Door> doors)
    {
        var answered = new ConcurrentBag<string>();
        var count = 0;
        var killing = Task.CompletedTask;
        await Parallel.ForEachAsync(Enumerable.Range(0, Commands), new ParallelOptions { MaxDegreeOfParallelism = 20 }, async (i, ct) =>
        {
            if (await TryCommandAsync(doors[i % Locks]) is not { } commandId)
            {
                return;
            }

            answered.Add(commandId);
            if (Interlocked.Increment(ref count) == AnsweredBeforeKill)
            {
                killing = server.KillAsync();
            }
        });
        await killing;
        server.HasExited.ShouldBeTrue();
        answered.Count.ShouldBeInRange(AnsweredBeforeKill, Commands - 1);
        return answered;
    }

    /// <summary>Null when the server was gone before it had answered.</summary>
    private static async Task<string?> TryCommandAsync(Door door)
    {
        try
        {
            using var answer = IsUnlocked(door.DeviceId) ? await door.UnlockAsync() : await door.LockAsync();
            answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
            return (await answer.JsonAsync()).GetProperty("command_id").GetString();
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    /// <summary>Half of the locks are only ever unlocked, the others only ever locked: so a command's action is known from its lock.</summary>
    private static bool IsUnlocked(string deviceId) => (deviceId[^1] - '0') % 2 == 0;

    private async Task<List<Door>> OpenDoorsAsync(SignedIn owner)
    {
        var broker = new IPEndPoint(IPAddress.Loopback, _mqttPort);
        var doors = new List<Door>();
        for (var i = 0; i < Locks; i++)
        {
            doors.Add(await Door.NewAsync(owner, broker, $"ESP32-{i}", o => o with
            {
                ShortestReconnectWait = TimeSpan.FromMilliseconds(100),
                LongestReconnectWait = TimeSpan.FromSeconds(1),
            }));
            doors[i].Device.Happened += Collect;
        }

        await Task.WhenAll(doors.Select(d => d.SwitchOnAsync()));
        return doors;
    }

    private void Collect(VirtualLock device, VirtualLockEvent happened)
    {
        if (happened.Decision is { Verdict: SmartLock.Device.Verdict.Done } decision)
        {
            _executed.Add((decision.CommandId, device.DeviceId));
        }
    }

    private static async Task<SignedIn> SignInAsync(HttpClient http)
    {
        var credentials = new { username = "alice", password = TestApp.Password };
        using var registered = await http.PostAsJsonAsync("/api/auth/register", credentials);
        registered.StatusCode.ShouldBe(HttpStatusCode.Created);
        using var login = await http.PostAsJsonAsync("/api/auth/login", credentials);
        var token = (await login.JsonAsync()).GetProperty("access_token").GetString()!;
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return new SignedIn("alice", token, http);
    }

    private static async Task<List<JsonElement>> ReadWholeLogAsync(HttpClient http)
    {
        var entries = new List<JsonElement>();
        string? next = null;
        do
        {
            var cursor = next is null ? "" : $"&cursor={Uri.EscapeDataString(next)}";
            var page = await http.GetFromJsonAsync<JsonElement>($"/api/logs?limit=100{cursor}");
            entries.AddRange(page.GetProperty("items").EnumerateArray());
            next = page.GetProperty("next").GetString();
        }
        while (next is not null);
        return entries;
    }

    private Task<ExternalProgram> StartServerAsync(HttpClient http) => ServerProcess.StartAsync(http, _folder, _mqttPort);
}
