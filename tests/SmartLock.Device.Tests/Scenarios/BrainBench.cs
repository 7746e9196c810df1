using System.Text;
using SmartLock.Testing.Scenarios;

namespace SmartLock.Device.Tests.Scenarios;

/// <summary>The brain on parts of this test's own: no network, and a clock that the scenario moves.</summary>
internal sealed class BrainBench : IScenarioBench, IClock, ISlotStore, IBolt, IOutbox, IGauges, IOutputLine, ILog
{
    private const long PowerOffMs = 10_000;

    private readonly byte[]?[] _flash = new byte[]?[2];
    private readonly Dictionary<string, long> _refusalsBeforeBoot = Enum.GetNames<Refusal>().ToDictionary(name => name, _ => 0L);
    private LockBrain? _brain;
    private Session? _session;
    private string _key;
    private long? _clockOffset = 0;
    private long _bootedAt;
    private long _powerWentAt;
    private BoltStatus _position = BoltStatus.Locked;
    private bool _jammed;
    private bool _lowBattery;
    private bool _brokerUp = true;
    private bool _powerOffAtBolt;
    private bool _powerGone;
    private byte[]? _retained;

    public BrainBench()
    {
        Server = new ScenarioServer(() => Now);
        _key = Server.Key;
    }

    public ScenarioServer Server { get; }

    /// <summary>For a test of the test: flash that forgets whenever the power goes.</summary>
    public bool HasForgetfulFlash { get; init; }

    /// <summary>2026-06-01T12:00:00Z at first.</summary>
    public long Now { get; private set; } = 1_780_315_200_000;

    public bool IsConnected { get; private set; }

    public long BoltMovements { get; private set; }

    long IClock.UnixMs => _clockOffset is { } offset ? Now + offset : 0;

    long IClock.UptimeMs => Now - _bootedAt;

    BoltStatus IBolt.Position => _position;

    int IGauges.Rssi => -61;

    int IGauges.BatteryMillivolts => _lowBattery ? 3100 : 0;

    bool IGauges.IsBatteryLow => false;

    bool IGauges.IsDoorOpen => false;

    public IReadOnlyDictionary<string, long> Refusals() =>
        _refusalsBeforeBoot.ToDictionary(r => r.Key, r => r.Value + (_brain?.RefusalsOf(Enum.Parse<Refusal>(r.Key)) ?? 0));

    public Task AdvanceAsync(long milliseconds)
    {
        Now += milliseconds;
        _brain?.Tick();
        return Task.CompletedTask;
    }

    public Task ConnectAsync()
    {
        Boot();
        return Task.CompletedTask;
    }

    /// <summary>As a broker: to whoever is there now, or, retained, to whoever comes.</summary>
    public Task SendAsync(string topic, byte[] payload, bool retained)
    {
        if (retained)
        {
            _retained = payload;
        }

        if (IsConnected)
        {
            _brain!.OnMessage(topic, payload, retained: false);
        }

        if (_powerGone)
        {
            LosePower();
        }

        return Task.CompletedTask;
    }

    public Task SetWifiAsync(bool isThere)
    {
        if (isThere)
        {
            Connect();
        }
        else
        {
            _brain!.OnDisconnected();
            Vanish();
        }

        return Task.CompletedTask;
    }

    public Task SetBrokerAsync(bool isThere)
    {
        _brokerUp = isThere;
        if (isThere)
        {
            Connect();
            return Task.CompletedTask;
        }

        _retained = null;
        _brain!.OnDisconnected();
        Vanish();
        return Task.CompletedTask;
    }

    public Task PowerOffAsync()
    {
        LosePower();
        return Task.CompletedTask;
    }

    public Task PowerOnAsync()
    {
        Now = Math.Max(Now, _powerWentAt + PowerOffMs);
        Boot();
        return Task.CompletedTask;
    }

    public void PowerOffAtBolt() => _powerOffAtBolt = true;

    public Task ProvisionAsync(string keyHex)
    {
        LosePower();
        _key = keyHex;
        return Task.CompletedTask;
    }

    public void Jam(bool jammed) => _jammed = jammed;

    public void TurnBolt(bool locked) => _position = locked ? BoltStatus.Locked : BoltStatus.Unlocked;

    public void SetBattery(bool low) => _lowBattery = low;

    public void SetClock(long? offsetMs) => _clockOffset = offsetMs;

    byte[]? ISlotStore.Read(int slot) => _flash[slot];

    bool ISlotStore.Write(int slot, byte[] record)
    {
        if (_powerGone)
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
            // Between flash and bolt: from here on the old brain reaches nothing.
            (_powerOffAtBolt, _powerGone) = (false, true);
        }

        if (_jammed || _powerGone)
        {
            return false;
        }

        TurnBolt(locked);
        BoltMovements++;
        return true;
    }

    bool IOutbox.Send(string topic, byte[] payload)
    {
        if (_powerGone || !IsConnected)
        {
            return false;
        }

        Server.Hear(topic, payload);
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

    private void Boot()
    {
        (_bootedAt, _powerGone) = (Now, false);
        _brain = new LockBrain(
            new LockSettings { DeviceId = ScenarioServer.DeviceId, Key = DeviceKey.FromHex(_key), Firmware = "1.0.0" },
            new LockParts
            {
                Clock = this,
                Slots = this,
                Bolt = this,
                LockedLight = this,
                UnlockedLight = this,
                Gauges = this,
                Outbox = this,
                Log = this,
            });
        Connect();
    }

    private void Connect()
    {
        _session = _brain!.BeginSession();
        IsConnected = true;
        if (_retained is not null)
        {
            _brain.OnMessage(_session.CommandTopics[^1], _retained, retained: true);
        }

        _brain.OnConnected();
    }

    /// <summary>The broker, when there is one, finds out and speaks the will.</summary>
    private void Vanish()
    {
        if (IsConnected && _brokerUp)
        {
            Server.Hear(_session!.WillTopic, Encoding.UTF8.GetBytes(_session.Will));
        }

        IsConnected = false;
    }

    private void LosePower()
    {
        foreach (var kind in Enum.GetNames<Refusal>())
        {
            _refusalsBeforeBoot[kind] += _brain!.RefusalsOf(Enum.Parse<Refusal>(kind));
        }

        _brain = null;
        _powerWentAt = Now;
        if (HasForgetfulFlash)
        {
            Array.Clear(_flash);
        }

        Vanish();
    }
}
