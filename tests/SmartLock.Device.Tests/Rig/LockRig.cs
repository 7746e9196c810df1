using System.Text.Json;

namespace SmartLock.Device.Tests.Rig;

/// <summary>A brain on fake parts, connected; and the server's pen, which signs without the brain's own code.</summary>
internal sealed class LockRig
{
    public const string DeviceId = "ESP32-7C9EBD";
    public const string KeyHex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    private readonly bool _ownTopics;
    private readonly string _key;

    public LockRig(bool ownTopics = true, string key = KeyHex)
    {
        _ownTopics = ownTopics;
        _key = key;
        Brain = Boot();
        Connect();
    }

    public ManualClock Clock { get; } = new();

    public FakeFlash Flash { get; } = new();

    public FakeBolt Bolt { get; } = new();

    public FakeLight Red { get; } = new();

    public FakeLight Green { get; } = new();

    public FakeGauges Gauges { get; } = new();

    public FakeOutbox Outbox { get; } = new();

    /// <summary>No chance at all: what must differ from start to start does so without it.</summary>
    public FakeChance Chance { get; } = new();

    public FakeLog Log { get; } = new();

    /// <summary>Unix milliseconds.</summary>
    public long StartedAt { get; private set; } = ManualClock.Start;

    public int Starts { get; private set; } = 1;

    public LockBrain Brain { get; private set; }

    public Session Session { get; private set; } = null!;

    public JsonElement LastReport => Outbox.Last;

    public void Connect()
    {
        Session = Brain.BeginSession();
        Brain.OnConnected();
    }

    /// <summary>Power off and on: flash, bolt and clock stay, everything else starts again.</summary>
    public void Reboot()
    {
        Clock.Advance(500);
        Clock.UptimeMs = 0;
        Flash.PowerGone = false;
        StartedAt = Clock.UnixMs;
        Starts++;
        Brain = Boot();
        Clock.Advance(2000);
        Connect();
    }

    public void Receive(byte[] payload, bool retained = false) => Brain.OnMessage(Session.CommandTopics[^1], payload, retained);

    public void Receive(ServerPen command) => Receive(command.Write());

    /// <summary>A command as the server would issue it now.</summary>
    public ServerPen Unlock(string id = "01JDXQZ8W3G5T7K9M2N4P6R8S0") =>
        new() { CommandId = id, IssuedAt = Clock.UnixMs, ExpiresAt = Clock.UnixMs + 10_000, Boot = Brain.Boot };

    public ServerPen Lock(string id = "01JDXQZ8W3G5T7K9M2N4P6R8S1") => Unlock(id) with { Command = "LOCK" };

    public void TickFor(long ms)
    {
        for (long passed = 0; passed < ms; passed += 200)
        {
            Clock.Advance(200);
            Brain.Tick();
        }
    }

    public string? Text(string member) => LastReport.GetProperty(member).GetString();

    private LockBrain Boot() => new(
        new LockSettings { DeviceId = DeviceId, Key = DeviceKey.FromHex(_key), Firmware = "1.0.0", OwnTopics = _ownTopics },
        new LockParts
        {
            Clock = Clock,
            Slots = Flash,
            Bolt = Bolt,
            LockedLight = Red,
            UnlockedLight = Green,
            Gauges = Gauges,
            Outbox = Outbox,
            Chance = Chance,
            Log = Log,
            Decisions = Log,
        });
}
