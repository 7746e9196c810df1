using SmartLock.Device;
using SmartLock.Testing;
using SmartLock.VirtualDevice.Board;
using SmartLock.VirtualDevice.Connection;
using SmartLock.VirtualDevice.Tests.Rig;

namespace SmartLock.VirtualDevice.Tests.Brokers;

/// <summary>A connection against a broker that misbehaves as the test says.</summary>
public sealed class MqttLinkTests : IDisposable
{
    private const string Topic = "smartlock/status/D1";

    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(30);

    private readonly ScriptedBroker _broker = new();
    private readonly FakeClock _clock = new();
    private readonly Session _session;

    public MqttLinkTests()
    {
        var options = Options();
        var faults = new VirtualLockFaults(static () => { });
        _session = new VirtualBoard(options, faults, new VirtualHardware(options, faults), static _ => { }).Brain.BeginSession();
    }

    public void Dispose() => _broker.Dispose();

    [Fact]
    public async Task Close_sends_DISCONNECT()
    {
        await using var link = await OpenAsync();

        await link.CloseAsync();

        (await _broker.ReadAsync()).Type.ShouldBe(ScriptedBroker.Disconnect);
        (await _broker.ReadAsync()).Type.ShouldBe((byte)0);
        link.Closed.IsCompletedSuccessfully.ShouldBeTrue();
        link.TryPublish(Topic, [1]).ShouldBeFalse();
    }

    [Fact]
    public async Task Abort_ends_the_connection_without_DISCONNECT()
    {
        await using var link = await OpenAsync();

        link.Abort();

        (await _broker.ReadAsync()).Type.ShouldBe((byte)0);
        link.Closed.IsCompletedSuccessfully.ShouldBeTrue();
        link.TryPublish(Topic, [1]).ShouldBeFalse();
    }

    [Fact]
    public async Task A_connection_that_the_broker_ends_is_closed()
    {
        await using var link = await OpenAsync();

        _broker.Dispose();

        await link.Closed.WaitAsync(Guard, TestContext.Current.CancellationToken);
        link.TryPublish(Topic, [1]).ShouldBeFalse();
    }

    [Fact]
    public async Task At_most_64_reports_are_unacknowledged_and_an_acknowledgement_makes_room()
    {
        await using var link = await OpenAsync();
        var taken = Enumerable.Range(0, 100).Count(_ => link.TryPublish(Topic, [1]));
        taken.ShouldBe(64);

        for (var i = 0; i < taken; i++)
        {
            await _broker.SendAsync([ScriptedBroker.PubAck, 2, .. await _broker.ReadPublishIdAsync()]);
        }

        await Eventually.TrueAsync(() => link.TryPublish(Topic, [2]), "there is room again");
        link.Closed.IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task A_broker_that_stops_acknowledging_is_given_up_after_one_and_a_half_keep_alives()
    {
        await using var link = await OpenAsync();
        link.TryPublish(Topic, [1]).ShouldBeTrue();
        _clock.Advance(KeepAlive * 1.5);
        link.TryPublish(Topic, [2]).ShouldBeTrue();

        _clock.Advance(TimeSpan.FromSeconds(1));

        link.TryPublish(Topic, [3]).ShouldBeFalse();
        link.Closed.IsCompletedSuccessfully.ShouldBeTrue();
    }

    [Fact]
    public async Task A_link_that_has_been_idle_for_long_still_publishes()
    {
        await using var link = await OpenAsync();

        _clock.Advance(TimeSpan.FromDays(1));

        link.TryPublish(Topic, [1]).ShouldBeTrue();
        link.Closed.IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task A_broker_that_does_not_wait_for_acknowledgements_is_left()
    {
        using var free = new ManualResetEventSlim();
        await using var link = await OpenAsync((_, _, _) => free.Wait(Guard));

        for (byte id = 1; id <= 200; id++)
        {
            await _broker.SendAsync([ScriptedBroker.Publish, 6, 0, 1, (byte)'t', 0, id, (byte)'x']);
        }

        await link.Closed.WaitAsync(Guard, TestContext.Current.CancellationToken);
        free.Set();
    }

    [Fact]
    public async Task Messages_of_QoS_0_that_come_too_fast_are_dropped_and_the_connection_stays()
    {
        using var free = new ManualResetEventSlim();
        var handled = 0;
        var isLast = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var link = await OpenAsync((topic, _, _) =>
        {
            free.Wait(Guard);
            Interlocked.Increment(ref handled);
            if (topic == "z")
            {
                isLast.SetResult();
            }
        });

        for (var i = 0; i < 200; i++)
        {
            await _broker.SendAsync([0x30, 4, 0, 1, (byte)'t', (byte)'x']);
        }

        // QoS 1 has room of its own.
        await _broker.SendAsync([ScriptedBroker.Publish, 6, 0, 1, (byte)'z', 0, 1, (byte)'x']);
        free.Set();
        await isLast.Task.WaitAsync(Guard, TestContext.Current.CancellationToken);

        handled.ShouldBeLessThan(200);
        (await _broker.ReadAsync()).Type.ShouldBe(ScriptedBroker.PubAck);
        link.Closed.IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task A_handler_that_throws_ends_the_connection_with_its_exception()
    {
        await using var link = await OpenAsync((_, _, _) => throw new InvalidOperationException("out of order"));

        await _broker.SendAsync([ScriptedBroker.Publish, 6, 0, 1, (byte)'t', 0, 1, (byte)'x']);

        (await Should.ThrowAsync<InvalidOperationException>(() => link.Closed.WaitAsync(Guard))).Message.ShouldBe("out of order");
    }

    [Fact]
    public async Task A_refused_login_is_named_without_the_password()
    {
        var accepting = _broker.AcceptAsync(connectCode: 4);

        var failure = await Should.ThrowAsync<LinkFailedException>(() => StartOpening());

        await accepting;
        failure.Message.ShouldBe(
            "The broker refused the login of D1: wrong key, or a device that it does not know (BadUserNameOrPassword).");
        failure.ToString().ShouldNotContain(_session.Password);
    }

    [Fact]
    public async Task A_refused_subscription_is_named_with_its_filter_and_code()
    {
        var accepting = _broker.AcceptAsync(lastGrant: 0x80);

        var failure = await Should.ThrowAsync<LinkFailedException>(() => StartOpening());

        await accepting;
        failure.Message.ShouldBe("The broker refused the subscription to smartlock/commands/D1: UnspecifiedError.");
    }

    [Fact]
    public async Task A_broker_that_does_not_answer_is_given_up_after_ten_seconds()
    {
        var opening = StartOpening();
        _clock.PendingTimers.ShouldBe(1);

        _clock.Advance(TimeSpan.FromSeconds(10));

        (await Should.ThrowAsync<LinkFailedException>(() => opening.WaitAsync(Guard))).Message.ShouldBe("The broker did not answer in time.");
    }

    [Fact]
    public async Task A_broker_that_is_not_there_is_named_as_the_cause()
    {
        _broker.Dispose();

        var failure = await Should.ThrowAsync<LinkFailedException>(() => StartOpening().WaitAsync(Guard));

        failure.Message.ShouldBe("Connecting failed: Connection refused");
    }

    [Fact]
    public async Task A_cancelled_attempt_is_no_failure_of_the_broker()
    {
        using var cancelled = new CancellationTokenSource();
        var opening = MqttLink.OpenAsync(Options(), _session, static (_, _, _) => { }, cancelled.Token);

        await cancelled.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => opening.WaitAsync(Guard));
    }

    private async Task<IDeviceLink> OpenAsync(MessageHandler? onMessage = null)
    {
        var accepting = _broker.AcceptAsync();
        var link = await StartOpening(onMessage).WaitAsync(Guard);
        await accepting;
        return link;
    }

    private Task<IDeviceLink> StartOpening(MessageHandler? onMessage = null) =>
        MqttLink.OpenAsync(Options(), _session, onMessage ?? (static (_, _, _) => { }), CancellationToken.None);

    private VirtualLockOptions Options() =>
        new() { DeviceId = "D1", Key = Server.Key, Host = "127.0.0.1", Port = _broker.Port, Time = _clock, KeepAlive = KeepAlive };
}
