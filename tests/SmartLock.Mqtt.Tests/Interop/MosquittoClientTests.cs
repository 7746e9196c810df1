using System.Text;
using System.Threading.Channels;
using SmartLock.Mqtt.Broker;
using SmartLock.Testing;

namespace SmartLock.Mqtt.Tests.Interop;

/// <summary>mosquitto_pub and mosquitto_sub with the broker.</summary>
public sealed class MosquittoClientTests : IClassFixture<InteropBroker>, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly InteropBroker _broker;
    private readonly string _topic = $"door/{Guid.NewGuid():N}";
    private readonly string _folder = Directory.CreateTempSubdirectory("smartlock-mosquitto-clients-").FullName;

    public MosquittoClientTests(InteropBroker broker)
    {
        _broker = broker;
        LogInWith(broker.Password);
    }

    public static MatrixTheoryData<string, int, string> VersionsQosAndTransports { get; } = new(["mqttv311", "mqttv5"], [0, 1, 2], ["tcp", "tls"]);

    public static TheoryData<string> Versions { get; } = ["mqttv311", "mqttv5"];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(VersionsQosAndTransports))]
    public async Task They_publish_and_subscribe(string version, int qos, string transport)
    {
        await using var sub = Subscriber(version, transport, "-t", $"{_topic}/#", "-q", $"{qos}", "-C", "2", "-F", "%t %p %q %r");
        await sub.LineAsync(IsSubscribed, "subscribed");
        await PublishAsync(version, transport, "-t", $"{_topic}/front", "-m", "opened", "-q", $"{qos}");
        await PublishAsync(version, transport, "-t", $"{_topic}/back", "-m", "closed", "-q", $"{qos}");
        (await sub.ExitAsync(Patience)).ShouldBe(0, sub.Output);
        Messages(sub).ShouldBe([$"{_topic}/front opened {qos} 0", $"{_topic}/back closed {qos} 0"]);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_retained_message_waits_and_is_removed(string version)
    {
        await PublishAsync(version, "tcp", "-t", _topic, "-m", "kept", "-q", "1", "-r");
        await using var sub = Subscriber(version, "tcp", "-t", _topic, "-q", "1", "-C", "2", "-F", "%t %p %r");
        await sub.LineAsync(l => l == $"{_topic} kept 1", "what is retained");
        await PublishAsync(version, "tcp", "-t", _topic, "-n", "-q", "1", "-r");
        (await sub.ExitAsync(Patience)).ShouldBe(0, sub.Output);
        Messages(sub).ShouldBe([$"{_topic} kept 1", $"{_topic}  0"]);
        _broker.Broker.GetStatistics().RetainedMessages.ShouldBe(0);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_session_keeps_what_comes_while_its_client_is_away(string version)
    {
        string[] lasting = ["-i", Guid.NewGuid().ToString("N")[..20], "-c", "-t", _topic, "-q", "2", .. version == "mqttv5" ? ["-x", "300"] : Array.Empty<string>()];
        await using (var first = Subscriber(version, "tcp", [.. lasting, "-E"]))
        {
            (await first.ExitAsync(Patience)).ShouldBe(0, first.Output);
        }

        for (var qos = MqttQoS.AtLeastOnce; qos <= MqttQoS.ExactlyOnce; qos++)
        {
            _broker.Broker.Publish(_topic, "meanwhile"u8, qos).ShouldBe(1);
        }

        await using var second = Subscriber(version, "tcp", [.. lasting, "-C", "2", "-F", "%t %p %q"]);
        (await second.ExitAsync(Patience)).ShouldBe(0, second.Output);
        Messages(second).ShouldBe([$"{_topic} meanwhile 1", $"{_topic} meanwhile 2"]);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_power_cut_sets_off_the_will(string version)
    {
        var seen = Channel.CreateUnbounded<string>();
        using var watching = _broker.Broker.Subscribe(_topic, (in InboundMessage m) =>
            seen.Writer.TryWrite($"{Encoding.UTF8.GetString(m.Payload)} {m.QoS}").ShouldBeTrue());
        string[] will = ["-t", "nothing", "--will-topic", _topic, "--will-qos", "1", "--will-payload"];
        await using var polite = Subscriber(version, "tcp", [.. will, "polite", "-E"]);
        (await polite.ExitAsync(Patience)).ShouldBe(0, polite.Output);
        await using var cut = Subscriber(version, "tcp", [.. will, "cut"]);
        await cut.LineAsync(IsSubscribed, "subscribed");
        await cut.KillAsync();
        (await seen.Reader.ReadAsync().AsTask().WaitAsync(Patience)).ShouldBe("cut AtLeastOnce");
        seen.Reader.Count.ShouldBe(0);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_shared_subscription_gives_each_message_to_one_member(string version)
    {
        const int Count = 20;
        await using var first = Subscriber(version, "tcp", "-t", $"$share/group/{_topic}", "-q", "1", "-F", "%t %p");
        await using var second = Subscriber(version, "tcp", "-t", $"$share/group/{_topic}", "-q", "1", "-F", "%t %p");
        await first.LineAsync(IsSubscribed, "the first is subscribed");
        await second.LineAsync(IsSubscribed, "the second is subscribed");
        for (var i = 0; i < Count; i++)
        {
            _broker.Broker.Publish(_topic, Encoding.UTF8.GetBytes($"{i}"), MqttQoS.AtLeastOnce).ShouldBe(1);
        }

        await Eventually.TrueAsync(() => Messages(first).Length + Messages(second).Length >= Count, "all were delivered");
        Messages(first).Concat(Messages(second)).ShouldBe(Enumerable.Range(0, Count).Select(i => $"{_topic} {i}"), ignoreOrder: true);
        Messages(first).ShouldNotBeEmpty();
        Messages(second).ShouldNotBeEmpty();
    }

    [Fact]
    public async Task Properties_are_carried_through()
    {
        await using var sub = Subscriber("mqttv5", "tcp", "-t", _topic, "-q", "1", "-C", "1", "-F", "%t %p %C %D %E %R %P", "-D", "subscribe", "subscription-identifier", "7");
        await sub.LineAsync(IsSubscribed, "subscribed");
        string[] properties =
        [
            .. Property("content-type", "text/plain"),
            .. Property("correlation-data", "0123"),
            .. Property("message-expiry-interval", "1000"),
            .. Property("response-topic", "answers/here"),
            .. Property("user-property", "name", "value"),
        ];
        await PublishAsync("mqttv5", "tcp", ["-t", _topic, "-m", "x", "-q", "1", .. properties]);
        (await sub.ExitAsync(Patience)).ShouldBe(0, sub.Output);
        Messages(sub).ShouldHaveSingleItem().ShouldMatch($"^{_topic} x text/plain 0123 (1000|99[0-9]) answers/here name:value$");
    }

    [Theory]
    [InlineData("mqttv311", "bad user name or password")]
    [InlineData("mqttv5", "Bad user name or password")]
    public async Task A_wrong_password_is_refused(string version, string words)
    {
        LogInWith("wrong");
        await using var pub = Start("mosquitto_pub", version, "tcp", ["-t", _topic, "-m", "x"]);
        (await pub.ExitAsync(Patience)).ShouldNotBe(0);
        pub.Output.ShouldContain(words, Case.Insensitive);
    }

    private static bool IsSubscribed(string line) => line.StartsWith("Subscribed", StringComparison.Ordinal);

    private static string[] Property(params string[] words) => ["-D", "publish", .. words];

    private string[] Messages(ExternalProgram sub) => [.. sub.Lines.Where(l => l.StartsWith(_topic, StringComparison.Ordinal))];

    private async Task PublishAsync(string version, string transport, params string[] arguments)
    {
        await using var pub = Start("mosquitto_pub", version, transport, arguments);
        (await pub.ExitAsync(Patience)).ShouldBe(0, pub.Output);
    }

    /// <summary>It says much else besides, such as when it is subscribed; a line of a message begins with the topic.</summary>
    private ExternalProgram Subscriber(string version, string transport, params string[] arguments) =>
        Start("mosquitto_sub", version, transport, ["-d", "-W", "60", .. arguments]);

    private ExternalProgram Start(string name, string version, string transport, IEnumerable<string> arguments)
    {
        string[] tls = transport == "tls" ? ["--cafile", _broker.CertificateAuthorityFile] : [];
        string[] common = ["-h", "127.0.0.1", "-p", $"{_broker.Port(transport)}", "-V", version];
        return MosquittoClient.Start(name, [.. common, .. tls, .. arguments], _folder);
    }

    /// <summary>In their configuration files, since everybody on the machine can read a command line.</summary>
    private void LogInWith(string password)
    {
        foreach (var name in new[] { "mosquitto_pub", "mosquitto_sub" })
        {
            File.WriteAllText(Path.Combine(_folder, name), $"-u {InteropBroker.UserName}\n-P {password}\n");
        }
    }
}
