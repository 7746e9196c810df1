using System.Globalization;
using System.Text.Json;

namespace SmartLock.Device.Tests.Rig;

/// <summary>
/// A brain that lives through everything at once, by a fixed throw of dice; and the server's books on it, that are kept without its help.
/// </summary>
internal sealed class SoakDoor : IOutbox, IBolt, IDecisionListener, ILog, IOutputLine
{
    /// <summary>Fewer than the brain can keep untold.</summary>
    private const int LongestJamOfMessages = 12;

    private const long YearMs = 365L * 86_400_000;

    private readonly Random _random = new(20260601);
    private readonly ManualClock _clock = new();
    private readonly FakeFlash _flash = new();
    private readonly FakeGauges _gauges = new();
    private readonly Verdict[] _decided;
    private readonly bool[] _told;
    private readonly byte[][] _recent = new byte[64][];
    private LockBrain _brain;
    private int _issued;
    private int _fullFor;
    private int _untold;
    private bool _jammed;
    private BoltStatus _position = BoltStatus.Locked;

    public SoakDoor(int commands)
    {
        _decided = new Verdict[commands];
        _told = new bool[commands];
        _brain = Boot();
    }

    public int Accepted { get; private set; }

    public long Moved { get; private set; }

    public int Connections { get; private set; }

    /// <summary>What was told otherwise than it was decided.</summary>
    public List<string> Wrong { get; } = [];

    public int DoneCommands => _decided.Count(v => v == Verdict.Done);

    /// <summary>Without those since the last boot.</summary>
    public Dictionary<Refusal, long> Refusals { get; } = Enum.GetValues<Refusal>().ToDictionary(r => r, _ => 0L);

    BoltStatus IBolt.Position => _position;

    public IEnumerable<int> Untold() => Enumerable.Range(0, _told.Length).Where(n => !_told[n]);

    public void LiveOneConnection(int commands)
    {
        Reconnect();
        for (var i = 0; i < commands; i++)
        {
            Noise();
            _jammed = _random.Next(50) == 0;
            if (_untold == 0 && _random.Next(40) == 0)
            {
                _fullFor = _random.Next(1, LongestJamOfMessages);
            }

            Pass(_random.Next(400));
            ReceiveNext();
            _fullFor = Math.Max(0, _fullFor - 1);
            _brain.Tick();
        }
    }

    /// <summary>
    /// One command that goes well, and then no room in the outbox for the rest: the brain keeps the most that it ever keeps.
    /// </summary>
    public void FillUp(int commands)
    {
        _jammed = false;
        ReceiveNext();
        Drain();
        _fullFor = commands;
        for (var i = 1; i < commands; i++)
        {
            ReceiveNext();
        }
    }

    /// <summary>Until everything is told, and a heartbeat has told the last again.</summary>
    public void Drain()
    {
        _fullFor = 0;
        for (var i = 0; i < 20; i++)
        {
            Pass(1000);
            _brain.Tick();
        }
    }

    public LiveGraph Measure() => LiveGraph.Of(_brain, part => part.GetType().Assembly == typeof(SoakDoor).Assembly);

    bool IOutbox.Send(string topic, byte[] payload)
    {
        if (_fullFor > 0)
        {
            return false;
        }

        using var json = JsonDocument.Parse(payload);
        var (id, result) = (json.RootElement.GetProperty("command_id").GetString(), json.RootElement.GetProperty("result").GetString());
        if (id is null || id[0] != 'C' || result is not ("done" or "jammed"))
        {
            return true;
        }

        var number = int.Parse(id.AsSpan(1), CultureInfo.InvariantCulture);
        if (result != Words.Of(_decided[number]))
        {
            Wrong.Add($"{id}: told {result}, decided {_decided[number]}");
        }

        _untold -= _told[number] ? 0 : 1;
        _told[number] = true;
        return true;
    }

    bool IBolt.Move(bool locked)
    {
        if (_jammed)
        {
            return false;
        }

        Moved++;
        _position = locked ? BoltStatus.Locked : BoltStatus.Unlocked;
        return true;
    }

    void IDecisionListener.Decided(Decision decision)
    {
        if (decision.Verdict is not (Verdict.Done or Verdict.Jammed))
        {
            return;
        }

        var number = int.Parse(decision.CommandId.AsSpan(1), CultureInfo.InvariantCulture);
        if (_decided[number] != Verdict.None)
        {
            Wrong.Add($"{decision.CommandId}: obeyed twice");
        }

        _decided[number] = decision.Verdict;
        _untold++;
        Accepted++;
    }

    void ILog.Write(string line) => line.Length.ShouldBeLessThan(100);

    void IOutputLine.Write(bool lit)
    {
        // The lights have tests of their own.
    }

    private LockBrain Boot() => new(
        new LockSettings { DeviceId = LockRig.DeviceId, Key = DeviceKey.FromHex(LockRig.KeyHex), Firmware = "1.0.0" },
        new LockParts
        {
            Clock = _clock,
            Slots = _flash,
            Bolt = this,
            LockedLight = this,
            UnlockedLight = this,
            Gauges = _gauges,
            Outbox = this,
            Chance = new FakeChance(),
            Log = this,
            Decisions = this,
        });

    /// <summary>Now and then with a power cut between; flash keeps one verdict, so not while more are untold.</summary>
    private void Reconnect()
    {
        Connections++;
        _brain.OnDisconnected();
        Pass(_random.Next(2000));
        if (_untold <= 1 && _random.Next(50) == 0)
        {
            Count();
            _clock.UptimeMs = 0;
            _brain = Boot();
        }

        _brain.BeginSession();
        _brain.OnConnected();
    }

    private void Count()
    {
        foreach (var refusal in Enum.GetValues<Refusal>())
        {
            Refusals[refusal] += _brain.RefusalsOf(refusal);
        }
    }

    private void Pass(long milliseconds) => _clock.Advance(milliseconds);

    private void ReceiveNext()
    {
        _clock.Advance(1);
        var payload = Next().Write();
        _recent[_issued % _recent.Length] = payload;
        _issued++;
        Receive(payload);
    }

    private ServerPen Next() => new()
    {
        CommandId = $"C{_issued:D6}",
        Command = _random.Next(2) == 0 ? "LOCK" : "UNLOCK",
        IssuedAt = _clock.UnixMs,
        ExpiresAt = _clock.UnixMs + 10_000,
        Boot = _brain.Boot,
    };

    private void Receive(byte[] payload, bool retained = false) => _brain.OnMessage("smartlock/commands", payload, retained);

    /// <summary>What comes beside the commands that are obeyed.</summary>
    private void Noise()
    {
        var other = Next() with { CommandId = $"N{_issued:D6}" };
        switch (_random.Next(24))
        {
            case 0:
                Receive(_recent[Math.Max(0, _issued - 1) % _recent.Length] ?? []);
                break;
            case 1:
                Receive(_recent[_random.Next(_recent.Length)] ?? []);
                break;
            case 2:
                Receive((other with { Key = new string('a', 64) }).Write());
                break;
            case 3:
                Receive((other with { DeviceId = "ESP32-000000" }).Write());
                break;
            case 4:
                Receive(other.Write(), retained: true);
                break;
            case 5:
                Receive((other with { IssuedAt = other.IssuedAt - 20_000, ExpiresAt = other.IssuedAt - 10_000 }).Write());
                break;
            case 6:
                Receive((other with { IssuedAt = other.IssuedAt + YearMs, ExpiresAt = other.IssuedAt + YearMs + 10_000 }).Write());
                break;
            case 7:
                Receive((other with { Command = "OPEN" }).Write());
                break;
            case 8:
                WhileClockIsNotSet(other.Write());
                break;
            case 9:
                _flash.RefuseWrites = true;
                Receive(other.Write());
                _flash.RefuseWrites = false;
                break;
            default:
                break;
        }
    }

    private void WhileClockIsNotSet(byte[] payload)
    {
        var right = _clock.UnixMs;
        _clock.UnixMs = 0;
        Receive(payload);
        _clock.UnixMs = right;
    }
}
