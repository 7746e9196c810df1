using System.Device.Gpio;
using SmartLock.Device;
using SmartLock.Firmware.Shapes;

namespace SmartLock.Firmware.Tests.Rig;

/// <summary>A brain over the board's own bolt and flash, without a network.</summary>
internal sealed class BrainRig(string flash) : IDisposable, IOutbox, IGauges
{
    private readonly RecordingLog _log = new();
    private Bench _bench = Bench.PutOnTable();
    private LockBrain? _brain;
    private long _issuedAt;

    int IGauges.Rssi => 0;

    int IGauges.BatteryMillivolts => 0;

    bool IGauges.IsBatteryLow => false;

    bool IGauges.IsDoorOpen => false;

    /// <summary>Off and on again.</summary>
    public BrainRig Switch(string deviceId = Door.DeviceId, DeviceKey? key = null)
    {
        _bench = Bench.PutOnTable();
        var pins = new GpioController();
        var none = new OutputLine(pins, DeviceSettings.NoPin, _log);
        _brain = new LockBrain(
            new LockSettings { DeviceId = deviceId, Key = key ?? Door.Key, Firmware = "1.0.0" },
            new LockParts
            {
                Bolt = new BoltLine(pins, 18, _log),
                Clock = new BoardClock(),
                Slots = new FileSlots(flash, "commands"),
                LockedLight = none,
                UnlockedLight = none,
                Gauges = this,
                Outbox = this,
                Chance = new BoardChance(),
                Log = _log,
            });
        return this;
    }

    /// <summary>What was done to them since it was switched on.</summary>
    public IReadOnlyList<string> Pins => _bench.Pins.Record;

    public Session NewSession() => _brain!.BeginSession();

    public byte[] Command(string command, string id)
    {
        _issuedAt = Math.Max(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() + 1, _issuedAt + 1);
        return Door.Signed(command, id, _issuedAt, _brain!.Boot);
    }

    /// <summary>The last thing that the bolt's pin did since it was switched on.</summary>
    public string Receive(byte[] command)
    {
        _brain!.OnMessage("smartlock/commands", command, false);
        return _bench.Pins.Record[^1];
    }

    bool IOutbox.Send(string topic, byte[] payload) => true;

    public void Dispose() => _brain = null;
}
