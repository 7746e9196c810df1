using SmartLock.Testing.Scenarios;

namespace SmartLock.Device.Tests.Scenarios;

/// <summary>What outlives a boot: the door with its bolt, flash, battery, and the time.</summary>
internal abstract class BenchHardware : IClock, ISlotStore, IBolt, IGauges, IOutputLine, ILog
{
    protected const long PowerOffMs = 10_000;

    private readonly byte[]?[] _flash = new byte[]?[2];
    private readonly Dictionary<string, long> _refusalsBeforeBoot = Enum.GetNames<Refusal>().ToDictionary(name => name, _ => 0L);
    private long? _clockOffset = 0;
    private long _bootedAt;
    private long _powerWentAt;
    private BoltStatus _position = BoltStatus.Locked;
    private bool _jammed;
    private bool _lowBattery;
    private bool _powerOffAtBolt;

    protected BenchHardware()
    {
        Server = new ScenarioServer(() => Now);
        Key = Server.Key;
    }

    public ScenarioServer Server { get; }

    /// <summary>For a test of the test: flash that forgets whenever the power goes.</summary>
    public bool HasForgetfulFlash { get; init; }

    /// <summary>2026-06-01T12:00:00Z at first.</summary>
    public long Now { get; protected set; } = 1_780_315_200_000;

    public long BoltMovements { get; private set; }

    public long UnixMs => _clockOffset is { } offset ? Now + offset : 0;

    public long UptimeMs => Now - _bootedAt;

    BoltStatus IBolt.Position => _position;

    int IGauges.Rssi => -61;

    int IGauges.BatteryMillivolts => _lowBattery ? 3100 : 0;

    bool IGauges.IsBatteryLow => false;

    bool IGauges.IsDoorOpen => false;

    /// <summary>Null while there is no power.</summary>
    protected abstract LockBrain? Brain { get; }

    protected string Key { get; set; }

    /// <summary>In the midst of a command: from here on the old brain reaches nothing.</summary>
    protected bool HasNoPower { get; private set; }

    /// <summary>What the broker keeps for whoever comes.</summary>
    protected byte[]? Retained { get; set; }

    public IReadOnlyDictionary<string, long> Refusals() =>
        _refusalsBeforeBoot.ToDictionary(r => r.Key, r => r.Value + (Brain?.RefusalsOf(Enum.Parse<Refusal>(r.Key)) ?? 0));

    public void PowerOffAtBolt() => _powerOffAtBolt = true;

    public void Jam(bool jammed) => _jammed = jammed;

    public void TurnBolt(bool locked) => _position = locked ? BoltStatus.Locked : BoltStatus.Unlocked;

    public void SetBattery(bool low) => _lowBattery = low;

    public void SetClock(long? offsetMs) => _clockOffset = offsetMs;

    byte[]? ISlotStore.Read(int slot) => _flash[slot];

    bool ISlotStore.Write(int slot, byte[] record)
    {
        if (HasNoPower)
        {
            return false;
        }

        _flash[slot] = record;
        return true;
    }

    bool IBolt.Move(bool locked)
    {
        if (_powerOffAtBolt)
        {
            (_powerOffAtBolt, HasNoPower) = (false, true);
        }

        if (_jammed || HasNoPower)
        {
            return false;
        }

        TurnBolt(locked);
        BoltMovements++;
        return true;
    }

    void IOutputLine.Write(bool lit)
    {
        // The lights have tests of their own.
    }

    void ILog.Write(string line)
    {
        // So have the log's lines.
    }

    protected LockSettings Settings() =>
        new() { DeviceId = ScenarioServer.DeviceId, Key = DeviceKey.FromHex(Key), Firmware = "1.0.0" };

    /// <summary>Before the new brain is made.</summary>
    protected void PowerCame()
    {
        Now = _powerWentAt == 0 ? Now : Math.Max(Now, _powerWentAt + PowerOffMs);
        (_bootedAt, HasNoPower) = (Now, false);
    }

    /// <summary>Before the old brain is dropped.</summary>
    protected void PowerWent()
    {
        foreach (var kind in Enum.GetNames<Refusal>())
        {
            _refusalsBeforeBoot[kind] += Brain!.RefusalsOf(Enum.Parse<Refusal>(kind));
        }

        _powerWentAt = Now;
        if (HasForgetfulFlash)
        {
            Array.Clear(_flash);
        }
    }
}
