using System.Text;
using SmartLock.Testing.Scenarios;

namespace SmartLock.Device.Tests.Scenarios;

/// <summary>
/// The whole board, with its own connector, on a network of this test's own. The connector's thread runs only while the scenario waits
/// for it, so that nothing depends on the machine's mood.
/// </summary>
internal sealed class BoardBench : BenchHardware, IScenarioBench, INetwork, ILinkFactory, IPause, IChance, ISystem, IDisposable
{
    private const long LongestWayBackMs = 120_000;

    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(20);

    private readonly SemaphoreSlim _go = new(0);
    private readonly SemaphoreSlim _waits = new(0);
    private LockBoard? _board;
    private Thread? _connector;
    private BenchLink? _link;
    private bool _wifiThere = true;
    private bool _brokerThere = true;
    private bool _switchedOff;
    private bool _woken;
    private long _waitsUntil;
    private Exception? _bug;

    public LockBoard Board => _board!;

    public bool IsConnected => _link is { IsOpen: true };

    bool INetwork.IsUp => _wifiThere;

    protected override LockBrain? Brain => _board?.Brain;

    public Task AdvanceAsync(long milliseconds)
    {
        for (long passed = 0; passed < milliseconds; passed += LockBoard.TickMs)
        {
            Now += LockBoard.TickMs;
            _board?.Tick();
            _link?.AcknowledgeAll();
            _board?.Supervise();
            LetConnectorRun();
        }

        return Task.CompletedTask;
    }

    public Task ConnectAsync() => PowerOnAsync();

    public Task SendAsync(string topic, byte[] payload, bool retained)
    {
        Retained = retained ? payload : Retained;
        if (IsConnected)
        {
            _link!.Listener.OnMessage(topic, payload, false);
            _link.AcknowledgeAll();
        }

        return HasNoPower ? PowerOffAsync() : Task.CompletedTask;
    }

    public Task SetWifiAsync(bool isThere)
    {
        _wifiThere = isThere;
        return isThere ? ComeBackAsync() : LoseLinkAsync();
    }

    public Task SetBrokerAsync(bool isThere)
    {
        _brokerThere = isThere;
        Retained = null;
        return isThere ? ComeBackAsync() : LoseLinkAsync();
    }

    public Task PowerOffAsync()
    {
        PowerWent();
        Vanish();
        EndConnector();
        _board = null;
        return Task.CompletedTask;
    }

    public Task PowerOnAsync()
    {
        PowerCame();
        (_switchedOff, _woken) = (false, false);
        _board = new LockBoard(
            Settings(),
            new BoardParts
            {
                Clock = this,
                Slots = this,
                Bolt = this,
                RedLight = this,
                GreenLight = this,
                Gauges = this,
                Network = this,
                Links = this,
                Pause = this,
                Chance = this,
                System = this,
                Log = this,
            });
        _connector = new Thread(KeepConnecting) { IsBackground = true };
        _connector.Start();
        Await(_waits);
        return ComeBackAsync();
    }

    public Task ProvisionAsync(string keyHex)
    {
        Key = keyHex;
        return PowerOffAsync();
    }

    public void Dispose()
    {
        EndConnector();
        _go.Dispose();
        _waits.Dispose();
    }

    /// <summary>On the connector's thread: until the network is there.</summary>
    bool INetwork.Connect(int timeoutMs)
    {
        for (var until = UptimeMs + timeoutMs; !_wifiThere && UptimeMs < until;)
        {
            ((IPause)this).Wait(LockBoard.TickMs);
        }

        return _wifiThere;
    }

    ILink ILinkFactory.Create() => _link = new BenchLink(this);

    /// <summary>On the connector's thread, which hands over to the scenario until then.</summary>
    void IPause.Wait(int milliseconds)
    {
        ThrowWithoutPower();
        _waitsUntil = UptimeMs + milliseconds;
        _waits.Release();
        Await(_go);
        ThrowWithoutPower();
    }

    void IPause.Wake() => _woken = true;

    int IChance.Below(int bound) => 0;

    void ISystem.Reboot() => throw new InvalidOperationException("the board found itself stuck");

    private static void Await(SemaphoreSlim signal)
    {
        if (!signal.Wait(Guard))
        {
            throw new TimeoutException("the connector's thread and the scenario's wait for each other");
        }
    }

    private void KeepConnecting()
    {
        try
        {
            while (true)
            {
                _board!.Connect();
            }
        }
        catch (PowerWentException)
        {
            // As it ends on a board: in the midst of whatever it was at.
        }
        catch (Exception bug)
        {
            _bug = bug;
        }
        finally
        {
            _waits.Release();
        }
    }

    private void ThrowWithoutPower()
    {
        if (_switchedOff)
        {
            throw new PowerWentException();
        }
    }

    private void LetConnectorRun()
    {
        if (_connector is not null && (_woken || UptimeMs >= _waitsUntil))
        {
            _woken = false;
            _go.Release();
            Await(_waits);
            _bug.ShouldBeNull("the connector's thread never ends");
        }
    }

    private void EndConnector()
    {
        if (_connector is null || _bug is not null)
        {
            return;
        }

        _switchedOff = true;
        _go.Release();
        Await(_waits);
        _connector.Join();
        _connector = null;
    }

    private async Task ComeBackAsync()
    {
        for (long passed = 0; !IsConnected; passed += LockBoard.TickMs)
        {
            passed.ShouldBeLessThan(LongestWayBackMs, "the board connects again");
            await AdvanceAsync(LockBoard.TickMs);
        }
    }

    private Task LoseLinkAsync()
    {
        Vanish();
        LetConnectorRun();
        return Task.CompletedTask;
    }

    private void Vanish()
    {
        if (!IsConnected)
        {
            return;
        }

        if (_brokerThere)
        {
            Server.Hear(_link!.Session!.WillTopic, Encoding.UTF8.GetBytes(_link.Session.Will));
        }

        _link!.Drop();
    }

    private sealed class PowerWentException : Exception;

    private sealed class BenchLink(BoardBench bench) : ILink
    {
        private int _owed;

        public Session? Session { get; private set; }

        public ILinkListener Listener { get; private set; } = null!;

        public bool IsOpen { get; private set; }

        public void Open(Session session, ILinkListener listener)
        {
            if (!bench._brokerThere)
            {
                throw new InvalidOperationException("connection refused");
            }

            (Session, Listener, IsOpen) = (session, listener, true);
            if (bench.Retained is { } retained)
            {
                listener.OnMessage(session.CommandTopics[^1], retained, true);
            }
        }

        public bool Publish(string topic, byte[] payload)
        {
            if (!IsOpen || bench.HasNoPower)
            {
                return false;
            }

            bench.Server.Hear(topic, payload);
            _owed++;
            return true;
        }

        public void AcknowledgeAll()
        {
            for (; _owed > 0; _owed--)
            {
                Listener.OnAcknowledged();
            }
        }

        public void Drop()
        {
            IsOpen = false;
            Listener.OnClosed();
        }

        public void Close() => IsOpen = false;
    }
}
