namespace SmartLock.Device.Tests.Rig;

/// <summary>A whole board on a fake network: one thread plays all three, and time passes only where somebody waits.</summary>
internal sealed class BoardRig : IPause, IChance, ISystem, INetwork, ILinkFactory
{
    private long _tickedAt;
    private readonly List<(long At, Action Act)> _planned = [];

    public BoardRig()
    {
        Board = Boot();
    }

    public ManualClock Clock { get; } = new();

    public FakeFlash Flash { get; } = new();

    public FakeBolt Bolt { get; } = new();

    public FakeLight Red { get; } = new();

    public FakeLight Green { get; } = new();

    public FakeGauges Gauges { get; } = new();

    public FakeInput Button { get; } = new();

    public FakeLog Log { get; } = new();

    public LockBoard Board { get; private set; }

    /// <summary>Every link that was ever made.</summary>
    public List<FakeLink> Links { get; } = [];

    public FakeLink Link => Links[^1];

    public bool NetworkThere { get; set; } = true;

    public bool NetworkThrows { get; set; }

    public bool BrokerThere { get; set; } = true;

    public bool IsUp { get; set; }

    public int NetworkAttempts { get; private set; }

    public int Reboots { get; private set; }

    /// <summary>The tick's thread hangs.</summary>
    public bool TicksStand { get; set; }

    /// <summary>Called with each wait, after it.</summary>
    public Action? Waited { get; set; }

    /// <summary>Called with each tick, after it.</summary>
    public Action? Passed { get; set; }

    /// <summary>Does this once, this much later.</summary>
    public void After(long ms, Action act) => _planned.Add((Clock.UptimeMs + ms, act));

    public void Wait(int milliseconds)
    {
        Pass(milliseconds);
        Waited?.Invoke();
    }

    /// <summary>Time passes in steps of a tick.</summary>
    public void Pass(long ms)
    {
        for (long passed = 0; passed < ms; passed += LockBoard.TickMs)
        {
            Clock.Advance(LockBoard.TickMs);
            if (!TicksStand && Clock.UptimeMs - _tickedAt >= LockBoard.TickMs)
            {
                _tickedAt = Clock.UptimeMs;
                Board.Tick();
            }

            Links.ForEach(link => link.AcknowledgeAll());
            Board.Supervise();
            foreach (var due in _planned.Where(p => p.At <= Clock.UptimeMs).ToArray())
            {
                _planned.Remove(due);
                due.Act();
            }

            Passed?.Invoke();
        }
    }

    public void Wake()
    {
    }

    public int Below(int bound) => 0;

    public void Reboot() => Reboots++;

    bool INetwork.Connect(int timeoutMs)
    {
        NetworkAttempts++;
        if (NetworkThrows)
        {
            throw new InvalidOperationException("no radio");
        }

        Pass(NetworkThere ? 2000 : timeoutMs);
        return IsUp = NetworkThere;
    }

    ILink ILinkFactory.Create()
    {
        var link = new FakeLink(this);
        Links.Add(link);
        return link;
    }

    private LockBoard Boot() => new(
        new LockSettings { DeviceId = LockRig.DeviceId, Key = DeviceKey.FromHex(LockRig.KeyHex), Firmware = "1.0.0" },
        new BoardParts
        {
            Clock = Clock,
            Slots = Flash,
            Bolt = Bolt,
            RedLight = Red,
            GreenLight = Green,
            Gauges = Gauges,
            Button = Button,
            Network = this,
            Links = this,
            Pause = this,
            Chance = this,
            System = this,
            Log = Log,
        });
}

internal sealed class FakeInput : IInputLine
{
    public bool IsActive { get; set; }
}

internal sealed class FakeLink(BoardRig rig) : ILink
{
    private int _owed;

    public Session? Session { get; private set; }

    public ILinkListener? Listener { get; private set; }

    public bool IsOpen { get; private set; }

    public int Opened { get; private set; }

    public int Closed { get; private set; }

    /// <summary>The broker acknowledges what it gets.</summary>
    public bool Acknowledges { get; set; } = true;

    /// <summary>The client has room for messages.</summary>
    public bool Takes { get; set; } = true;

    public List<(long At, string Topic, System.Text.Json.JsonElement Report)> Published { get; } = [];

    public void Open(Session session, ILinkListener listener)
    {
        Opened++;
        Session = session;
        Listener = listener;
        if (!rig.BrokerThere)
        {
            rig.Pass(3000);
            throw new InvalidOperationException("connection refused");
        }

        IsOpen = true;
    }

    public void Drop()
    {
        IsOpen = false;
        Listener!.OnClosed();
    }

    public void Deliver(byte[] payload) => Listener!.OnMessage(Session!.CommandTopics[^1], payload, false);

    public bool Publish(string topic, byte[] payload)
    {
        if (!IsOpen || !Takes)
        {
            return false;
        }

        _owed++;
        Published.Add((rig.Clock.UptimeMs, topic, System.Text.Json.JsonDocument.Parse(payload).RootElement));
        return true;
    }

    /// <summary>As the link's own thread does: later, outside of the publishing call.</summary>
    public void AcknowledgeAll()
    {
        for (; Acknowledges && _owed > 0; _owed--)
        {
            Listener!.OnAcknowledged();
        }
    }

    public void Close()
    {
        Closed++;
        IsOpen = false;
    }
}
