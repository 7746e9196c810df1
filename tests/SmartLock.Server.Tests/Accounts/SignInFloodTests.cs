using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using SmartLock.Server.Accounts;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Accounts;

/// <summary>A scripted attacker who wants to keep an owner out: as many sign-ins as 64 networks can send, each of which costs a password's hashing.</summary>
public sealed class SignInFloodTests
{
    private const int Networks = 64;
    private const int SignIns = 20;
    private const string Home = "203.0.113.7";
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(2);

    public static TheoryData<string> Attackers => new("one /48", "64 networks", "64 networks that register");

    [Theory]
    [MemberData(nameof(Attackers))]
    public async Task The_owner_gets_in_within_two_seconds_whatever_64_networks_send(string attacker)
    {
        await using var app = await StartAsync();
        await app.RegisterUserAsync("olga");
        (await SignInAsync(app, Home)).Status.ShouldBe(HttpStatusCode.OK);
        await using var flood = new Flood(app, attacker);
        await flood.HashesAsync(Networks / 8);

        var before = flood.Hashed;
        var signedIn = new List<(HttpStatusCode Status, TimeSpan Time)>();
        for (var i = 0; i < SignIns; i++)
        {
            signedIn.Add(await SignInAsync(app, Home));
        }

        signedIn.ShouldAllBe(s => s.Status == HttpStatusCode.OK && s.Time < Within, string.Join(' ', signedIn));
        flood.Hashed.ShouldBeGreaterThan(before, "else it was no flood");
        flood.Refused.ShouldBeGreaterThan(0, "else there was room for all");
    }

    [Theory]
    [MemberData(nameof(Attackers))]
    public async Task From_a_network_that_is_new_the_owner_gets_in_as_well(string attacker)
    {
        await using var app = await StartAsync();
        await app.RegisterUserAsync("olga");
        await using var flood = new Flood(app, attacker);

        // A network that had no turn yet goes before the one that came after it.
        await flood.HashesAsync(Networks + (Networks / 4));

        var signedIn = await SignInAsync(app, "198.51.100.7");

        signedIn.Status.ShouldBe(HttpStatusCode.OK);
        signedIn.Time.ShouldBeLessThan(Within);
    }

    private static Task<TestApp> StartAsync() => TestApp.StartAsync(null, builder =>
    {
        builder.Services.Replace(ServiceDescriptor.Singleton<IPasswordHasher<User>, SlowHasher>());
    });

    private static async Task<(HttpStatusCode Status, TimeSpan Time)> SignInAsync(TestApp app, string address)
    {
        var begun = Stopwatch.GetTimestamp();
        using var request = Request("/api/auth/login", address, new { username = "olga", password = TestApp.Password });
        using var answer = await app.Http.SendAsync(request);
        return (answer.StatusCode, Stopwatch.GetElapsedTime(begun));
    }

    private static HttpRequestMessage Request(string path, string address, object body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        request.Headers.Add("X-Forwarded-For", address);
        return request;
    }

    /// <summary>As long as a real one takes on a small machine, and no load on the one that runs the tests.</summary>
    private sealed class SlowHasher(PasswordHasher<User> real) : IPasswordHasher<User>, IDisposable
    {
        private static readonly TimeSpan Cost = TimeSpan.FromMilliseconds(100);

        private readonly ManualResetEventSlim _never = new();

        public string HashPassword(User user, string password)
        {
            TakeTime();
            return real.HashPassword(user, password);
        }

        public PasswordVerificationResult VerifyHashedPassword(User user, string hashedPassword, string providedPassword)
        {
            TakeTime();
            return real.VerifyHashedPassword(user, hashedPassword, providedPassword);
        }

        public void Dispose() => _never.Dispose();

        /// <summary>On its thread, as hashing does.</summary>
        private void TakeTime() => _never.WaitHandle.WaitOne(Cost);
    }

    /// <summary>From each network two requests at any time, under names that are new each time, since an account's own failures are slowed down.</summary>
    private sealed class Flood : IAsyncDisposable
    {
        private const int PerNetwork = 2;
        private readonly HttpClient _http;
        private readonly CancellationTokenSource _stop = new();
        private readonly Task[] _senders;
        private int _hashed;
        private int _refused;
        private int _names;

        public Flood(TestApp app, string attacker)
        {
            _http = app.NewClient();
            _senders = [.. Enumerable.Range(0, Networks * PerNetwork).Select(i => Task.Run(() => SendAsync(attacker, i % Networks)))];
        }

        public int Hashed => Volatile.Read(ref _hashed);

        public int Refused => Volatile.Read(ref _refused);

        public Task HashesAsync(int count) => Eventually.TrueAsync(() => Hashed > count, "the flood rises");

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await Task.WhenAll(_senders);
            _stop.Dispose();
        }

        private async Task SendAsync(string attacker, int network)
        {
            var address = attacker == "one /48" ? $"2001:db8:1:{network:x}::1" : $"100.{network}.0.1";
            var path = attacker.EndsWith("register", StringComparison.Ordinal) ? "/api/auth/register" : "/api/auth/login";
            using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
            while (!_stop.IsCancellationRequested)
            {
                try
                {
                    // Half of the sign-ins are guesses at the owner's account.
                    var name = path == "/api/auth/login" && network % 2 == 0 ? "olga" : $"nobody{Interlocked.Increment(ref _names)}";
                    using var request = Request(path, address, new { username = name, password = "a wrong horse battery" });
                    using var answer = await _http.SendAsync(request, _stop.Token);
                    if (answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Created)
                    {
                        Interlocked.Increment(ref _hashed);
                    }
                    else
                    {
                        Interlocked.Increment(ref _refused);

                        // A refusal costs the attacker as little as the server.
                        await pause.WaitForNextTickAsync(_stop.Token);
                    }
                }
                catch (OperationCanceledException) when (_stop.IsCancellationRequested)
                {
                    return;
                }
            }
        }
    }
}
