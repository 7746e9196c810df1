using System.Text;
using SmartLock.Testing.Scenarios;

namespace SmartLock.Device.Tests.Scenarios;

/// <summary>The brain on parts of this test's own: no network, and a clock that the scenario moves.</summary>
internal sealed class BrainBench : BenchHardware, IScenarioBench, IOutbox, IChance
{
    private LockBrain? _brain;
    private Session? _session;
    private bool _brokerUp = true;

    public bool IsConnected { get; private set; }

    protected override LockBrain? Brain => _brain;

    public Task AdvanceAsync(long milliseconds)
    {
        Now += milliseconds;
        _brain?.Tick();
        return Task.CompletedTask;
    }

    public Task ConnectAsync() => PowerOnAsync();

    /// <summary>As a broker: to whoever is there now, or, retained, to whoever comes.</summary>
    public Task SendAsync(string topic, byte[] payload, bool retained)
    {
        Retained = retained ? payload : Retained;
        if (IsConnected)
        {
            _brain!.OnMessage(topic, payload, retained: false);
        }

        return HasNoPower ? PowerOffAsync() : Task.CompletedTask;
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
        Retained = null;
        return SetWifiAsync(isThere);
    }

    public Task PowerOffAsync()
    {
        PowerWent();
        _brain = null;
        Vanish();
        return Task.CompletedTask;
    }

    public Task PowerOnAsync()
    {
        PowerCame();
        _brain = new LockBrain(
            Settings(),
            new LockParts
            {
                Clock = this,
                Slots = this,
                Bolt = this,
                LockedLight = this,
                UnlockedLight = this,
                Gauges = this,
                Outbox = this,
                Chance = this,
                Log = this,
            });
        Connect();
        return Task.CompletedTask;
    }

    public Task ProvisionAsync(string keyHex)
    {
        Key = keyHex;
        return PowerOffAsync();
    }

    int IChance.Below(int bound) => 0;

    bool IOutbox.Send(string topic, byte[] payload)
    {
        if (HasNoPower || !IsConnected)
        {
            return false;
        }

        Server.Hear(topic, payload);
        return true;
    }

    private void Connect()
    {
        _session = _brain!.BeginSession();
        IsConnected = true;
        if (Retained is not null)
        {
            _brain.OnMessage(_session.CommandTopics[^1], Retained, retained: true);
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
}
