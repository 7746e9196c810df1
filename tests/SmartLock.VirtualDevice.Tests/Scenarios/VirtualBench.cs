using System.Collections.Concurrent;
using SmartLock.Device;
using SmartLock.Testing;
using SmartLock.Testing.Scenarios;
using SmartLock.VirtualDevice.Tests.Brokers;

namespace SmartLock.VirtualDevice.Tests.Scenarios;

/// <summary>
/// A virtual lock and a server, both on a real broker. The lock's clock, and every timer of its own, is the scenario's; what goes over
/// the network takes its time, and is waited for by counting.
/// </summary>
internal sealed class VirtualBench : IScenarioBench, IAsyncDisposable
{
    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan OffFor = TimeSpan.FromSeconds(10);

    private readonly FakeClock _clock;
    private readonly Radio _radio = new();
    private readonly ConcurrentQueue<VirtualLockEventKind> _events = new();
    private readonly BrokerUnderTest _broker;
    private readonly VirtualLock _device;
    private ServerSideClient? _listener;
    private long _sent;
    private long _wills;
    private int _powerCuts;
    private bool _isOffAtBolt;
    private bool _hasRetained;
    private long _offAt;

    private VirtualBench(BrokerUnderTest broker, ScenarioServer server, FakeClock clock)
    {
        (_broker, Server, _clock) = (broker, server, clock);
        _device = new VirtualLock(Options(), _radio.OpenAsync, null);
        _device.Happened += (_, happened) => _events.Enqueue(happened.Kind);
    }

    public ScenarioServer Server { get; }

    public long Now => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    public bool IsConnected { get; private set; }

    public long BoltMovements => _device.BoltMovements;

    /// <param name="startBroker">Given the devices' keys, for a broker that asks for them.</param>
    public static async Task<VirtualBench> StartAsync(Func<Func<string, DeviceKey>, Task<BrokerUnderTest>> startBroker)
    {
        var clock = new FakeClock();
        var server = new ScenarioServer(() => clock.GetUtcNow().ToUnixTimeMilliseconds());
        var bench = new VirtualBench(await startBroker(_ => DeviceKey.FromHex(server.Key)), server, clock);
        await bench.ListenAsync();
        return bench;
    }

    public IReadOnlyDictionary<string, long> Refusals() =>
        Enum.GetValues<Refusal>().ToDictionary(refusal => refusal.ToString(), _device.RefusalsOf);

    public Task AdvanceAsync(long milliseconds)
    {
        _clock.Advance(TimeSpan.FromMilliseconds(milliseconds));
        return SettleAsync();
    }

    public async Task ConnectAsync()
    {
        _radio.SwitchOn();
        await _device.StartAsync().WaitAsync(Guard, TestContext.Current.CancellationToken);
        IsConnected = true;
        await SettleAsync();
    }

    public async Task SendAsync(string topic, byte[] payload, bool retained)
    {
        if (_listener is null)
        {
            return;
        }

        await _listener.PublishAsync(topic, payload, retained);
        _hasRetained |= retained;
        _sent += IsConnected ? 1 : 0;
        await (_isOffAtBolt ? AwaitDarkAsync() : SettleAsync());
    }

    public async Task SetWifiAsync(bool isThere)
    {
        if (isThere)
        {
            await ReconnectAsync();
            return;
        }

        var lost = CountOf(VirtualLockEventKind.ConnectionLost);
        _radio.SwitchOff();
        await UntilAsync(VirtualLockEventKind.ConnectionLost, lost + 1);
        await VanishedAsync();
    }

    public async Task SetBrokerAsync(bool isThere)
    {
        if (isThere)
        {
            await _broker.RestartAsync();
            await ListenAsync();
            await ReconnectAsync();
            return;
        }

        _listener!.Dispose();
        (_listener, _hasRetained, IsConnected) = (null, false, false);
        var (lost, failed) = (CountOf(VirtualLockEventKind.ConnectionLost), CountOf(VirtualLockEventKind.ConnectFailed));

        // Not back to a broker that is only about to die; then one attempt, in vain.
        _radio.KeepAway();
        await _broker.KillAsync();
        await UntilAsync(VirtualLockEventKind.ConnectionLost, lost + 1);
        _radio.SwitchOn();
        await UntilAsync(VirtualLockEventKind.ConnectFailed, failed + 1);
    }

    public Task PowerOffAsync()
    {
        _device.CutPower(OffFor);
        return AwaitDarkAsync();
    }

    public async Task PowerOnAsync()
    {
        var due = _offAt + (long)OffFor.TotalMilliseconds;
        Now.ShouldBeLessThan(due, "the power comes back by itself, 10 s after it went");
        _clock.Advance(TimeSpan.FromMilliseconds(due - Now));
        await ReconnectAsync();
    }

    public void PowerOffAtBolt()
    {
        _device.CutPowerAtNextMovement(OffFor);
        _isOffAtBolt = true;
    }

    public Task ProvisionAsync(string keyHex)
    {
        _device.Provision(DeviceKey.FromHex(keyHex), OffFor);
        return AwaitDarkAsync();
    }

    public void Jam(bool jammed) => _device.Faults.Jammed = jammed;

    public void TurnBolt(bool locked) => _device.TurnBoltByHand(locked ? BoltStatus.Locked : BoltStatus.Unlocked);

    public void SetBattery(bool low) => _device.Faults.LowBattery = low;

    public void SetClock(long? offsetMs)
    {
        _device.Faults.ClockNotSet = offsetMs is null;
        _device.Faults.ClockOffset = TimeSpan.FromMilliseconds(offsetMs ?? 0);
    }

    public async ValueTask DisposeAsync()
    {
        await _device.DisposeAsync();
        _listener?.Dispose();
        await _broker.DisposeAsync();
    }

    /// <summary>
    /// No keep-alive: with one the link judges a broker's silence by the scenario's clock, which may move while an acknowledgement is on its
    /// way. And no waits between attempts: the radio has them.
    /// </summary>
    private VirtualLockOptions Options() => _broker.OptionsFor(ScenarioServer.DeviceId) with
    {
        Key = DeviceKey.FromHex(Server.Key),
        Time = _clock,
        KeepAlive = TimeSpan.Zero,
        ShortestReconnectWait = TimeSpan.Zero,
        LongestReconnectWait = TimeSpan.Zero,
    };

    private async Task ListenAsync()
    {
        _listener = await ServerSideClient.ConnectAsync(_broker.Port, "server", "server", Server.Hear);
        await _listener.SubscribeAsync("smartlock/status/#");
    }

    private async Task ReconnectAsync()
    {
        _sent += _hasRetained ? 1 : 0;
        _radio.SwitchOn();
        await _device.WaitConnectedAsync().WaitAsync(Guard, TestContext.Current.CancellationToken);
        IsConnected = true;
        await SettleAsync();
    }

    /// <summary>
    /// Until the wait for the power has begun on the scenario's clock: the second timer beside the one that ticks. Before the lock has said that
    /// its power is gone, that may be the time limit of an attempt to connect.
    /// </summary>
    private async Task AwaitDarkAsync()
    {
        (_isOffAtBolt, _offAt) = (false, Now);
        await UntilAsync(VirtualLockEventKind.PowerCut, ++_powerCuts);
        await Eventually.TrueAsync(() => _clock.PendingTimers == 2, "the lock is dark");
        await VanishedAsync();
    }

    private Task VanishedAsync()
    {
        IsConnected = false;
        _wills++;
        return SettleAsync();
    }

    private async Task SettleAsync()
    {
        try
        {
            await Eventually.TrueAsync(() => _radio.Handled == _sent && Server.Heard == _radio.Published + _wills, "");
        }
        catch (TimeoutException)
        {
            throw new TimeoutException(
                $"of {_sent} messages {_radio.Handled} reached the lock, "
                + $"and of {_radio.Published} reports and {_wills} wills {Server.Heard} the server");
        }
    }

    private int CountOf(VirtualLockEventKind kind) => _events.Count(e => e == kind);

    private Task UntilAsync(VirtualLockEventKind kind, int times) => Eventually.TrueAsync(() => CountOf(kind) >= times, $"{kind}");
}
