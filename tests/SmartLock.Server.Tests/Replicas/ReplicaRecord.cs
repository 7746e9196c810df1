using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using SmartLock.VirtualDevice;

namespace SmartLock.Server.Tests.Replicas;

/// <summary>What must stand in the log once all is over.</summary>
internal sealed class ReplicaRecord(
    HttpClient http,
    IReadOnlyList<UnlockAttempt> attempts,
    IReadOnlyList<VirtualLock> devices,
    IReadOnlyList<VirtualLock> silenced,
    Action<string> say)
{
    private const int AtOnce = 8;

    // Valid for 10 s, then as long as a device may be silent, then the next run of the job, and a lease that changed hands.
    private static readonly TimeSpan AllEnded = TimeSpan.FromSeconds(60);

    public async Task CheckAsync()
    {
        var known = attempts.Where(a => a.CommandId is not null).ToList();
        await Until.TrueAsync(async () => await AllHaveEndedAsync(known), AllEnded, "every command has ended");
        var logs = new Dictionary<string, List<Entry>>();
        await Parallel.ForEachAsync(devices, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (device, _) =>
        {
            var log = await ReadLogAsync(device.DeviceId);
            lock (logs)
            {
                logs[device.DeviceId] = log;
            }
        });
        CheckCommands(known, logs);
        CheckVerdicts(logs);
        CheckSilent(logs);
    }

    private async Task<bool> AllHaveEndedAsync(List<UnlockAttempt> known)
    {
        foreach (var attempt in known.Where(a => a.Status is not HttpStatusCode.OK))
        {
            var command = await http.GetFromJsonAsync<JsonElement>($"/api/commands/{attempt.CommandId}");
            if (command.GetProperty("state").GetString() == "sent")
            {
                return false;
            }
        }

        return true;
    }

    private void CheckCommands(List<UnlockAttempt> known, Dictionary<string, List<Entry>> logs)
    {
        foreach (var attempt in known)
        {
            var entries = logs[attempt.DeviceId].FindAll(e => e.CommandId == attempt.CommandId);
            entries.Count(e => e.Result == "sent").ShouldBe(1, $"{attempt}");
            entries.Count.ShouldBeGreaterThan(1, $"{attempt} has no end on the record");
            if (attempt.Status is HttpStatusCode.OK)
            {
                entries.Count(e => e.Result == "done").ShouldBe(1, $"{attempt}");
                entries.Count.ShouldBe(2, $"{attempt}: {string.Join(", ", entries)}");
            }
        }

        var sent = logs.Values.Sum(l => l.Count(e => e.Result == "sent"));
        say($"{known.Count} commands known to their owners, {sent} on the record, each with one attempt and its end");
    }

    /// <summary>Every bolt that moved did so for a command whose verdict is on the record, once.</summary>
    private void CheckVerdicts(Dictionary<string, List<Entry>> logs)
    {
        var executed = 0;
        foreach (var device in devices)
        {
            var done = logs[device.DeviceId].Where(e => e.Result == "done").Select(e => e.CommandId!).ToList();
            done.ShouldBeUnique();
            device.ExecutedCommandIds.Except(done).ShouldBeEmpty($"{device.DeviceId} did these, and their verdicts are lost");
            executed += done.Count;
        }

        say($"{executed} verdicts on the record, one for each command that a device carried out");
    }

    private void CheckSilent(Dictionary<string, List<Entry>> logs)
    {
        var gone = silenced.Select(d => d.DeviceId).ToHashSet();
        foreach (var (deviceId, log) in logs)
        {
            var flagged = log.Count(e => e.Result.StartsWith("unavailable", StringComparison.Ordinal));
            flagged.ShouldBe(gone.Contains(deviceId) ? 1 : 0, $"{deviceId}: {string.Join(", ", log.Where(e => e.CommandId is null))}");
        }

        say($"{gone.Count} devices were flagged once, the others never");
    }

    private async Task<List<Entry>> ReadLogAsync(string deviceId)
    {
        var entries = new List<Entry>();
        var cursor = "";
        do
        {
            var page = await http.GetFromJsonAsync<JsonElement>($"/api/logs?device_id={deviceId}&limit=100{cursor}");
            entries.AddRange(page.GetProperty("items").EnumerateArray().Select(e => new Entry(
                e.GetProperty("result").GetString()!,
                e.TryGetProperty("command_id", out var id) ? id.GetString() : null,
                e.GetProperty("time").GetDateTimeOffset())));
            cursor = page.GetProperty("next").GetString() is { } next ? $"&cursor={Uri.EscapeDataString(next)}" : "";
        }
        while (cursor.Length > 0);
        return entries;
    }

    private sealed record Entry(string Result, string? CommandId, DateTimeOffset Time);
}
