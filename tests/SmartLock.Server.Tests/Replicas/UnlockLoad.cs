using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace SmartLock.Server.Tests.Replicas;

/// <param name="StartedAt">Timestamp of the system's clock.</param>
/// <param name="Status">Null when no server answered.</param>
internal sealed record UnlockAttempt(string DeviceId, string? CommandId, long StartedAt, TimeSpan Took, HttpStatusCode? Status);

/// <summary>
/// Owners at their doors: each locks and unlocks at whichever server is ready, waits for the verdict, and asks again under the same Idempotency-Key when
/// the server died on him. A door whose command has not ended is left alone: a device repeats only its last verdict.
/// </summary>
internal sealed class UnlockLoad(IReadOnlyList<ReplicaServer> servers)
{
    private const int WaitSeconds = 5;
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(40);
    private readonly ConcurrentQueue<UnlockAttempt> _attempts = new();
    private int _next;

    public IReadOnlyList<UnlockAttempt> Attempts => [.. _attempts];

    public Task RunAsync(IReadOnlyList<string> deviceIds, int owners, CancellationToken stop) => Task.WhenAll(
        Enumerable.Range(0, owners).Select(owner => RunAsync(new Queue<string>(deviceIds.Where((_, i) => i % owners == owner)), stop)));

    private async Task RunAsync(Queue<string> doors, CancellationToken stop)
    {
        using var pace = new PeriodicTimer(Pace);
        var open = new HashSet<string>();
        while (!stop.IsCancellationRequested && doors.TryDequeue(out var door))
        {
            var attempt = await MoveAsync(door, open.Contains(door) ? "lock" : "unlock");
            _attempts.Enqueue(attempt);
            if (attempt.Status is HttpStatusCode.OK)
            {
                _ = open.Remove(door) || open.Add(door);
                doors.Enqueue(door);
            }

            try
            {
                await pace.WaitForNextTickAsync(stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task<UnlockAttempt> MoveAsync(string door, string action)
    {
        const int MostTries = 5;
        var startedAt = TimeProvider.System.GetTimestamp();
        var key = Guid.NewGuid().ToString("N");
        for (var tries = 0; tries < MostTries; tries++)
        {
            if (await TryMoveAsync(door, action, key) is { } answered)
            {
                return new UnlockAttempt(door, answered.CommandId, startedAt, TimeProvider.System.GetElapsedTime(startedAt), answered.Status);
            }
        }

        return new UnlockAttempt(door, null, startedAt, TimeProvider.System.GetElapsedTime(startedAt), null);
    }

    private async Task<(HttpStatusCode Status, string? CommandId)?> TryMoveAsync(string door, string action, string key)
    {
        ReplicaServer[] ready = [.. servers.Where(s => s.IsReady)];
        if (ready.Length == 0)
        {
            return null;
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/{action}") { Content = JsonContent.Create(new { device_id = door }) };
        request.Headers.Add("Prefer", string.Create(CultureInfo.InvariantCulture, $"wait={WaitSeconds}"));
        request.Headers.Add("Idempotency-Key", key);
        try
        {
            using var answer = await ready[Interlocked.Increment(ref _next) % ready.Length].Http.SendAsync(request);
            var body = await answer.Content.ReadFromJsonAsync<JsonElement>();
            var command = body.TryGetProperty("command", out var inside) && inside.ValueKind is JsonValueKind.Object ? inside : body;
            return (answer.StatusCode, command.TryGetProperty("command_id", out var id) ? id.GetString() : null);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TaskCanceledException)
        {
            return null;
        }
    }
}
