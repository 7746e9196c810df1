using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Mqtt;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Messaging;
using SmartLock.Testing;
using SmartLock.VirtualDevice;

namespace SmartLock.Server.Tests.Attacks;

/// <summary>
/// Alice's lock, a lock of Mallory's whose key he has, and an observer who hears all that is said. On a clock that stands: nothing
/// that is known of Alice's lock changes by itself.
/// </summary>
internal sealed class StatusSiege : IAsyncDisposable
{
    public const string MalloryId = "ESP32-MALLORY";

    private readonly TestMqttClient _observer;
    private readonly ConcurrentQueue<TestMqttMessage> _heard;
    private readonly MeterListener _meters = new();
    private readonly ConcurrentDictionary<string, long> _counts = new();
    private int _hasBooted;

    private StatusSiege(TestApp app, Door victim, Door mallorys, TestMqttClient observer, ConcurrentQueue<TestMqttMessage> reported)
    {
        App = app;
        _observer = observer;
        _heard = reported;
        Victim = victim;
        MalloryKey = mallorys.Key;
        Mallory = Login.Client(app, MalloryId, Signatures.MqttPassword(MalloryKey, MalloryId));
        var factory = app.Services.GetRequiredService<IMeterFactory>();
        _meters.InstrumentPublished = (instrument, listener) =>
        {
            // Other tests' servers in this process have meters of the same name.
            if (ReferenceEquals(instrument.Meter.Scope, factory) && instrument.Name == "smartlock.statuses")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _meters.SetMeasurementEventCallback<long>((_, count, tags, _) => _counts.AddOrUpdate((string)tags[0].Value!, count, (_, old) => old + count));
        _meters.Start();
        victim.Device.Happened += (_, e) => Interlocked.Or(ref _hasBooted, e.Kind is VirtualLockEventKind.Booted ? 1 : 0);
    }

    public TestApp App { get; }

    public Door Victim { get; }

    /// <summary>Logged in as the device that is his.</summary>
    public TestMqttClient Mallory { get; }

    public byte[] MalloryKey { get; }

    public FakeClock Clock => App.Clock;

    public IReadOnlyList<byte[]> Statuses => [.. FromVictim().Where(m => !IsWill(m))];

    public IReadOnlyList<byte[]> Wills => [.. FromVictim().Where(IsWill)];

    /// <summary>Statuses that were not believed, by reason.</summary>
    public IReadOnlyDictionary<string, long> Dropped => _counts.Where(c => c.Key != "believed").ToDictionary();

    /// <summary>Believed and dropped ones, of all devices.</summary>
    public long Judged => _counts.Values.Sum();

    public static async Task<StatusSiege> StartAsync()
    {
        var clock = new FakeClock();
        var app = await TestApp.StartAsync(clock, null, null, Observer.Settings);
        var reported = new ConcurrentQueue<TestMqttMessage>();
        var observer = await Observer.ConnectAsync(app, reported.Enqueue);
        var alice = await app.OwnerAsync("alice");
        var victim = await Door.OpenAsync(app, alice, adjust: o => o with { Time = clock, KeepAlive = TimeSpan.Zero });
        await using var mallorys = await Door.NewAsync(await app.OwnerAsync("mallory"), Door.BrokerOf(app), MalloryId);
        var siege = new StatusSiege(app, victim, mallorys, observer, reported);
        await siege.Mallory.ConnectAsync();
        await Eventually.TrueAsync(() => siege.Statuses.Count == 1, "the victim's first words were reported");
        return siege;
    }

    /// <summary>Some heartbeats and verdicts that the observer has copies of.</summary>
    public async Task LiveAWhileAsync(int rounds)
    {
        for (var i = 0; i < rounds; i++)
        {
            var before = Statuses.Count;
            using var answer = i % 2 == 0 ? await Victim.UnlockAsync() : await Victim.LockAsync();
            answer.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
            Clock.Advance(TimeSpan.FromSeconds(10));

            // In steps from here: the device may have set the timer of its next heartbeat only after the clock was advanced.
            await Eventually.TrueAsync(
                () =>
                {
                    if (Statuses.Count >= before + 2)
                    {
                        return true;
                    }

                    Clock.Advance(TimeSpan.FromSeconds(1));
                    return false;
                },
                "the observer received a verdict and a heartbeat");
        }

        await FlushAsync();
    }

    /// <summary>Without a goodbye; not back before <see cref="ReturnAsync"/>.</summary>
    public async Task CutPowerAsync()
    {
        var before = Wills.Count;
        Interlocked.Exchange(ref _hasBooted, 0);
        Victim.Device.CutPower(TimeSpan.FromSeconds(1));
        await Victim.StateAsync("Unavailable");
        await Eventually.TrueAsync(() => Wills.Count == before + 1, "the will was reported");
    }

    /// <summary>The victim's power is back, and its owner sees it.</summary>
    public async Task ReturnAsync()
    {
        var before = Statuses.Count;

        // More than once: its time without power may begin only after its will was reported. Not again once it boots, so that it says one thing.
        await Eventually.TrueAsync(
            () =>
            {
                if (Volatile.Read(ref _hasBooted) == 0)
                {
                    Clock.Advance(TimeSpan.FromSeconds(1));
                }

                return Victim.Device.IsConnected;
            },
            "the victim is back");
        await Victim.StateAsync("Available");
        await Eventually.TrueAsync(() => Statuses.Count == before + 1, "its first words were reported");
    }

    /// <summary>All that the owner is told of the lock, with its log. Heard but unstored statuses are stored first.</summary>
    public async Task<string> KnownAsync()
    {
        await FlushAsync();
        var read = await Victim.ReadAsync();
        return $"{read.GetRawText()} {JsonSerializer.Serialize(await Victim.LogAsync())}";
    }

    public async Task ShouldStillWorkAsync()
    {
        var movements = Victim.Device.BoltMovements;
        using var answer = await Victim.UnlockAsync();
        answer.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        Victim.Device.BoltMovements.ShouldBe(movements + 1);
    }

    /// <summary>How often the broker took it. An acknowledged status has been judged, unless its device was unknown.</summary>
    public static async Task<int> PublishAsync(TestMqttClient client, string topic, IEnumerable<byte[]> payloads, bool retain = false)
    {
        var taken = 0;
        foreach (var volley in payloads.Chunk(100))
        {
            var results = await Task.WhenAll(volley.Select((p, i) =>
            {
                // Every fourth without asking for an acknowledgement; those after it vouch for it, being on the same connection.
                var qos = i % 4 == 0 ? MqttQoS.AtMostOnce : MqttQoS.AtLeastOnce;
                return client.PublishAsync(topic, p, qos, retain);
            }));
            taken += results.Count(r => !r.IsFailure());
        }

        return taken;
    }

    /// <summary>As from an outside broker, whose logins nobody knows here.</summary>
    /// <returns>How many.</returns>
    public int SayOutside(IEnumerable<byte[]> payloads)
    {
        var ingest = App.Services.GetRequiredService<StatusIngest>();
        var said = 0;
        foreach (var payload in payloads)
        {
            ingest.Accept(payload, retained: false, login: null);
            said++;
        }

        return said;
    }

    public async ValueTask DisposeAsync()
    {
        _meters.Dispose();
        await Mallory.DisposeAsync();
        await _observer.DisposeAsync();
        await Victim.DisposeAsync();
        await App.DisposeAsync();
    }

    private Task FlushAsync() => App.Services.GetRequiredService<HeartbeatWriter>().FlushAsync(default);

    private IEnumerable<byte[]> FromVictim() => _heard.Where(m => m.Topic == Topics.StatusOf(Victim.DeviceId)).Select(m => m.Payload);

    private static bool IsWill(byte[] payload) => JsonDocument.Parse(payload).RootElement.TryGetProperty("state", out _);
}
