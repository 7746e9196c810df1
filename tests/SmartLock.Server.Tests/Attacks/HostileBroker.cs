using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Device;
using SmartLock.Mqtt.Broker;
using SmartLock.Testing;
using SmartLock.VirtualDevice;
using Topics = SmartLock.Server.Messaging.Topics;

namespace SmartLock.Server.Tests.Attacks;

/// <summary>
/// A lock whose broker has turned: it hands the lock whatever it likes, without asking for rights, and knows all that ever went
/// through it. On a clock that stands, so that time refuses nothing that the test did not let pass.
/// </summary>
internal sealed class HostileBroker : IAsyncDisposable
{
    private readonly TestApp _app;
    private readonly TestMqttClient _observer;
    private readonly ConcurrentQueue<TestMqttMessage> _seen;
    private int _losses;

    private HostileBroker(TestApp app, Door door, TestMqttClient observer, ConcurrentQueue<TestMqttMessage> seen)
    {
        _app = app;
        _observer = observer;
        _seen = seen;
        Door = door;
        Broker = app.Services.GetRequiredService<MqttBroker>();
        door.Device.Happened += (_, e) => Interlocked.Add(ref _losses, e.Kind is VirtualLockEventKind.ConnectionLost ? 1 : 0);
    }

    public Door Door { get; }

    public MqttBroker Broker { get; }

    public FakeClock Clock => _app.Clock;

    public int Tries { get; private set; }

    public long Now => Clock.GetUtcNow().ToUnixTimeMilliseconds();

    public IReadOnlyList<byte[]> CommandsSeen => [.. _seen.Where(m => m.Topic.StartsWith(Topics.Commands, StringComparison.Ordinal)).Select(m => m.Payload)];

    public IReadOnlyList<byte[]> StatusesSeen => [.. _seen.Where(m => m.Topic.StartsWith(Topics.Status, StringComparison.Ordinal)).Select(m => m.Payload)];

    private long Handled => Enum.GetValues<Refusal>().Sum(Door.Device.RefusalsOf) + Door.Device.BoltMovements;

    public static async Task<HostileBroker> StartAsync()
    {
        var app = await TestApp.StartAsync(new FakeClock(), null, null, Observer.Settings);
        var seen = new ConcurrentQueue<TestMqttMessage>();
        var observer = await Observer.ConnectAsync(app, seen.Enqueue);
        var door = await Door.OpenAsync(app, await app.OwnerAsync("alice"), adjust: o => o with { Time = app.Clock, KeepAlive = TimeSpan.Zero });
        return new HostileBroker(app, door, observer, seen);
    }

    /// <summary>Signed by the server's own key for this lock and valid now; nobody has sent it.</summary>
    public ForgedCommand Fresh(string action = "UNLOCK") =>
        ForgedCommand.Signed(Door.Key, Door.DeviceId, action, $"FRESH{Now}", Now, Now + 10_000, Door.Device.Boot);

    /// <summary>Through the API, until the lock has done it and the broker has kept a copy.</summary>
    public async Task GenuineAsync(int count)
    {
        var before = CommandsSeen.Count;
        for (var i = 0; i < count; i++)
        {
            using var answer = i % 2 == 0 ? await Door.UnlockAsync() : await Door.LockAsync();
            answer.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        }

        await Eventually.TrueAsync(() => CommandsSeen.Count == before + count, "the commands were seen by the broker");
    }

    /// <summary>To the lock, by turns on both topics that it listens to; returns once it has dealt with all of them.</summary>
    /// <param name="atOnce">So few that the broker has room for them in the lock's session (1,000 messages, 1 MB), and every one arrives.</param>
    public async Task SendAsync(IEnumerable<byte[]> payloads, int atOnce = 200)
    {
        foreach (var volley in payloads.Chunk(atOnce))
        {
            var before = Handled;
            foreach (var payload in volley)
            {
                var topic = Tries++ % 2 == 0 ? Topics.CommandsOf(Door.DeviceId) : Topics.Commands;
                Broker.PublishTo(Door.DeviceId, topic, payload);
            }

            await Eventually.TrueAsync(() => Handled >= before + volley.Length, "the lock has dealt with what it was sent");
        }
    }

    /// <param name="meanwhile">While the lock is off.</param>
    public async Task CutPowerAsync(Action? meanwhile = null)
    {
        var booted = false;
        void Notice(VirtualLock device, VirtualLockEvent e) => booted |= e.Kind is VirtualLockEventKind.Booted;
        Door.Device.Happened += Notice;
        Door.Device.CutPower(TimeSpan.FromSeconds(1));
        await Door.StateAsync("Unavailable");
        meanwhile?.Invoke();
        await Eventually.TrueAsync(
            () =>
            {
                if (!Volatile.Read(ref booted))
                {
                    Clock.Advance(TimeSpan.FromSeconds(1));
                }

                return Door.Device.IsConnected;
            },
            "the lock is back");
        Door.Device.Happened -= Notice;
        await Door.StateAsync("Available");
    }

    /// <summary>The bolt is where it was, the connection was never lost but by power cuts, and a genuine command still works.</summary>
    public async Task ShouldHaveMovedNothingAsync(long movements, BoltStatus status)
    {
        Door.Device.BoltMovements.ShouldBe(movements);
        Door.Device.Status.ShouldBe(status);
        Door.Device.IsConnected.ShouldBeTrue();
        _losses.ShouldBe(0);

        // A command that a test signed itself may bear the present millisecond, which the server does not know to be taken.
        Clock.Advance(TimeSpan.FromMilliseconds(1));
        using var answer = status is BoltStatus.Locked ? await Door.UnlockAsync() : await Door.LockAsync();
        answer.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        Door.Device.BoltMovements.ShouldBe(movements + 1);
    }

    public async ValueTask DisposeAsync()
    {
        await _observer.DisposeAsync();
        await Door.DisposeAsync();
        await _app.DisposeAsync();
    }
}
