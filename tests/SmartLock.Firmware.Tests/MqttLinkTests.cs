using System.Text;
using nanoFramework.M2Mqtt;
using nanoFramework.M2Mqtt.Exceptions;
using SmartLock.Device;
using SmartLock.Firmware.Tests.Rig;
using SmartLock.Testing;

namespace SmartLock.Firmware.Tests;

public sealed class MqttLinkTests : IDisposable
{
    private readonly string _flash = Directory.CreateTempSubdirectory("smartlock-flash-").FullName + Path.DirectorySeparatorChar;
    private readonly RecordingLog _log = new();
    private readonly Listener _listener = new();
    private readonly Session _session;

    public MqttLinkTests()
    {
        _session = SessionOf(Door.DeviceId);
    }

    public void Dispose() => Directory.Delete(_flash, recursive: true);

    [Fact]
    public async Task It_connects_hears_its_commands_and_reports()
    {
        await using var broker = await Broker.StartNewAsync();
        using var door = await Door.WatchAsync(broker.Port);
        var link = Link(broker.Port);
        link.IsOpen.ShouldBeFalse();

        link.Open(_session, _listener);

        link.IsOpen.ShouldBeTrue();
        await door.SendAsync("hello"u8.ToArray());
        await Eventually.TrueAsync(() => !_listener.Messages.IsEmpty, "the command arrives");
        _listener.Messages.Single().ShouldBe(("smartlock/commands/" + Door.DeviceId, "hello", false));
        link.Publish(_session.WillTopic, Status("here")).ShouldBeTrue();
        await door.ReportAsync("the report", ("status", "here"));
        await Eventually.TrueAsync(() => _listener.Acknowledged == 1, "the acknowledgement");
        link.Close();
        MqttSettings.Instance.InflightQueueSize.ShouldBe(64);
    }

    [Fact]
    public async Task Over_mosquitto_too()
    {
        Assert.SkipWhen(Mosquitto.Executable is null, "mosquitto is not installed");
        await using var broker = await Mosquitto.StartNewAsync();
        using var door = await Door.WatchAsync(broker.Port);
        var link = Link(broker.Port);

        link.Open(_session, _listener);

        link.Publish(_session.WillTopic, Status("here")).ShouldBeTrue();
        await door.ReportAsync("the report", ("status", "here"));
        await broker.KillAsync();
        await Eventually.TrueAsync(() => _listener.Closed == 1, "the loss");
        link.IsOpen.ShouldBeFalse();
        link.Publish(_session.WillTopic, Status("gone")).ShouldBeFalse();
        link.Close();
    }

    [Fact]
    public async Task A_refused_login_says_so()
    {
        await using var broker = await Broker.StartNewAsync();
        var link = Link(broker.Port);
        var stranger = SessionOf(Door.DeviceId, DeviceKey.FromBytes(new byte[32]));

        Should.Throw<InvalidOperationException>(() => link.Open(stranger, _listener)).Message.ShouldBe("The broker refused the login, code 4.");

        link.IsOpen.ShouldBeFalse();
        link.Close();
    }

    [Fact]
    public void A_broker_that_is_not_there_says_so()
    {
        var link = Link(FreePort.Next());

        Should.Throw<MqttConnectionException>(() => link.Open(_session, _listener));

        link.Publish("t", []).ShouldBeFalse();
        link.Close();
    }

    [Fact]
    public async Task A_refused_subscription_is_no_connection()
    {
        await using var broker = await Broker.StartNewAsync();
        var link = Link(broker.Port);
        var unheard = SessionOf("unheard");

        Should.Throw<InvalidOperationException>(() => link.Open(unheard, _listener)).Message.ShouldContain("refused the subscription");

        link.IsOpen.ShouldBeFalse();
        link.Close();
    }

    [Fact]
    public async Task A_report_that_the_broker_never_acknowledges_is_told_as_given_up()
    {
        await using var broker = new SilentBroker();
        var link = Link(broker.Port);
        link.Open(_session, _listener);

        link.Publish("t", [1]).ShouldBeTrue();

        await Eventually.TrueAsync(() => _listener.GivenUp == 1, "the client gives it up");
        _listener.Acknowledged.ShouldBe(0);
        link.IsOpen.ShouldBeTrue();
        link.Close();
    }

    [Fact]
    public async Task A_client_without_room_takes_no_report()
    {
        await using var broker = new SilentBroker();
        var link = Link(broker.Port);
        link.Open(_session, _listener);
        var taken = Enumerable.Range(0, 100).Count(_ => link.Publish("t", [1]));

        taken.ShouldBe(64);
        _log.Lines.ShouldAllBe(line => line.StartsWith("broker: "));
        link.Close();
    }

    [Fact]
    public async Task It_logs_in_with_a_clean_session_its_will_and_a_keep_alive()
    {
        await using var broker = new SilentBroker();
        var link = Link(broker.Port);

        link.Open(_session, _listener);

        // User name, password, a will at QoS 1 that is not retained, clean.
        broker.Login.Flags.ShouldBe((byte)0b1100_1110);
        broker.Login.KeepAlive.ShouldBe(15);
        link.Close();
    }

    [Fact]
    public async Task Its_end_waits_for_the_command_that_is_being_handled()
    {
        await using var broker = await Broker.StartNewAsync();
        using var door = await Door.WatchAsync(broker.Port);
        var link = Link(broker.Port);
        using var ended = new ManualResetEventSlim();
        var reported = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);

        // Five times as long as an end takes that waits for nobody.
        _listener.OnEach = () => reported.TrySetResult(ended.Wait(TimeSpan.FromSeconds(1)));
        link.Open(_session, _listener);
        await door.SendAsync("one"u8.ToArray());
        await Eventually.TrueAsync(() => !_listener.Messages.IsEmpty, "the command");

        link.Close();
        ended.Set();

        (await reported.Task).ShouldBeFalse("the end came before the command was done with");
    }

    [Fact]
    public async Task After_its_end_it_says_nothing_more_and_the_next_one_is_undisturbed()
    {
        await using var broker = await Broker.StartNewAsync();
        using var door = await Door.WatchAsync(broker.Port);
        var old = Link(broker.Port);
        old.Open(_session, _listener);
        var next = Link(broker.Port);
        var second = new Listener();

        old.Close();
        next.Open(_session, second);
        await door.SendAsync("hello"u8.ToArray());
        await Eventually.TrueAsync(() => !second.Messages.IsEmpty, "the command arrives at the new link");

        _listener.Messages.ShouldBeEmpty();
        _listener.Closed.ShouldBe(0);
        old.IsOpen.ShouldBeFalse();
        next.IsOpen.ShouldBeTrue();
        second.Closed.ShouldBe(0);
        next.Close();
    }

    [Fact]
    public async Task What_a_listener_throws_does_not_reach_the_client_which_would_close_the_connection()
    {
        await using var broker = await Broker.StartNewAsync();
        using var door = await Door.WatchAsync(broker.Port);
        var link = Link(broker.Port);
        _listener.OnEach = () => throw new InvalidOperationException("out of order");
        link.Open(_session, _listener);

        await door.SendAsync("one"u8.ToArray());
        await door.SendAsync("two"u8.ToArray());
        await Eventually.TrueAsync(() => _listener.Messages.Count == 2, "both commands");

        link.IsOpen.ShouldBeTrue();
        await Eventually.TrueAsync(() => _log.Lines.Count(l => l == "link: out of order") == 2, "both are logged");
        link.Close();
    }

    [Fact]
    public async Task A_link_that_ends_without_a_goodbye_leaves_its_will()
    {
        await using var broker = await Broker.StartNewAsync();
        using var door = await Door.WatchAsync(broker.Port);
        var link = Link(broker.Port);
        link.Open(_session, _listener);

        link.Close();

        await door.ReportAsync("the will", ("state", "Unavailable"), ("issue", "Connection lost"));
    }

    [Fact]
    public async Task It_is_opened_once()
    {
        await using var broker = await Broker.StartNewAsync();
        var link = Link(broker.Port);
        link.Open(_session, _listener);

        Should.Throw<InvalidOperationException>(() => link.Open(_session, _listener));

        link.Close();
        link.Close();
    }

    [Fact]
    public async Task Over_tls_it_trusts_the_authority_in_the_flash_and_no_other()
    {
        using var certificate = LoopbackCertificate.Create();
        using var other = LoopbackCertificate.Create();
        await using var broker = await Broker.StartNewAsync(certificate);

        Should.Throw<InvalidOperationException>(() => Link(broker.Port, tls: true).Open(_session, _listener)).Message.ShouldContain("no ca.pem");

        await File.WriteAllTextAsync(_flash + "ca.pem", other.ExportCertificatePem(), TestContext.Current.CancellationToken);
        Should.Throw<MqttConnectionException>(() => Link(broker.Port, tls: true).Open(_session, _listener));

        await File.WriteAllTextAsync(_flash + "ca.pem", certificate.ExportCertificatePem(), TestContext.Current.CancellationToken);
        var link = Link(broker.Port, tls: true);
        link.Open(_session, _listener);
        link.IsOpen.ShouldBeTrue();
        link.Close();
    }

    private Session SessionOf(string deviceId, DeviceKey? key = null)
    {
        using var rig = new BrainRig(_flash);
        return rig.Switch(deviceId, key).NewSession();
    }

    private static byte[] Status(string status) => Encoding.UTF8.GetBytes($$"""{"status":"{{status}}"}""");

    private ILink Link(int port, bool tls = false) =>
        new MqttLinkFactory(new DeviceSettings { Host = "127.0.0.1", Port = port, Tls = tls }, _flash, _log).Create();
}
