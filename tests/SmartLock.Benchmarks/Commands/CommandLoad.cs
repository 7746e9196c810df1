using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace SmartLock.Benchmarks;

/// <summary>POST /api/unlock with <c>Prefer: wait=5</c>, timed until the device's signed verdict is in the answer.</summary>
internal sealed class CommandLoad(HttpClient http, IReadOnlyList<string> deviceIds)
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);

    private int _next;

    public static async Task SignInAsync(HttpClient http, string username, string password)
    {
        using var login = await http.PostAsJsonAsync("/api/auth/login", new { username, password });
        login.EnsureSuccessStatusCode();
        var token = (await login.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("access_token").GetString();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    /// <summary>Sent when they are due, whether those before are answered or not.</summary>
    public async Task<CommandTimes> AtRateAsync(int perSecond, TimeSpan time, bool atRandom = false)
    {
        using var timer = new PeriodicTimer(Tick);
        var start = Stopwatch.GetTimestamp();
        var running = new List<Task<double>>();
        while (Stopwatch.GetElapsedTime(start) is var elapsed && elapsed < time)
        {
            while (running.Count <= elapsed.TotalSeconds * perSecond)
            {
                var deviceId = deviceIds[atRandom ? Random.Shared.Next(deviceIds.Count) : running.Count % deviceIds.Count];
                running.Add(Task.Run(() => UnlockAsync(deviceId)));
            }

            await timer.WaitForNextTickAsync();
        }

        return new CommandTimes(await Task.WhenAll(running));
    }

    /// <summary>As many at a time as may be under way, each on the next device.</summary>
    public async Task<CommandTimes> InFlightAsync(int inFlight, int count)
    {
        var left = count;
        var workers = Enumerable.Range(0, inFlight).Select(_ => Task.Run(async () =>
        {
            var own = new List<double>();
            while (Interlocked.Decrement(ref left) >= 0)
            {
                own.Add(await UnlockAsync(deviceIds[(int)((uint)Interlocked.Increment(ref _next) % deviceIds.Count)]));
            }

            return own;
        }));
        return new CommandTimes([.. (await Task.WhenAll(workers)).SelectMany(own => own)]);
    }

    /// <returns>Milliseconds; NaN when the answer is anything but a verdict of "done".</returns>
    private async Task<double> UnlockAsync(string deviceId)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/unlock") { Content = JsonContent.Create(new { device_id = deviceId }) };
        request.Headers.Add("Prefer", "wait=5");
        var start = Stopwatch.GetTimestamp();
        try
        {
            using var response = await http.SendAsync(request);
            var took = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            var isDone = response.StatusCode == HttpStatusCode.OK
                && (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("result").GetString() == "done";
            return isDone ? took : double.NaN;
        }
        catch (HttpRequestException)
        {
            return double.NaN;
        }
    }
}

/// <summary>Milliseconds from request to verdict, sorted; what was answered otherwise is only counted.</summary>
internal sealed class CommandTimes
{
    private readonly double[] _sorted;

    /// <param name="all">NaN for what failed.</param>
    public CommandTimes(IReadOnlyCollection<double> all)
    {
        _sorted = [.. all.Where(t => !double.IsNaN(t)).Order()];
        Failed = all.Count - _sorted.Length;
    }

    public int Count => _sorted.Length;

    public int Failed { get; }

    public double Worst => At(1);

    public double At(double part) => _sorted.Length == 0 ? double.NaN : _sorted[(int)(part * (_sorted.Length - 1))];
}
