using System.Globalization;
using System.Text;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Broker.Persistence;

namespace SmartLock.Server.Tests.Storage;

/// <summary>What every store of the broker's sessions must keep; derived once per store. Each test gets an empty one.</summary>
public abstract class MqttSessionStoreContract
{
    private static readonly DateTimeOffset Noon = StoreSet.Noon;
    private static readonly string[] Kinds = ["session", "subscription", "message|received", "incoming", "retained", "alive"];

    protected abstract IMqttSessionStore Store { get; }

    [Fact]
    public async Task An_empty_store_gives_nothing() => (await LoadAsync()).ShouldBeEmpty();

    [Fact]
    public async Task Everything_comes_back_as_it_was()
    {
        var will = new MqttStoredWill("wills/ü", Bytes("gone"), new byte[] { 1, 2 }, MqttQoS.ExactlyOnce, true, 30, uint.MaxValue);
        await CommitAsync(
            Session(1) with { Will = will, LeftAt = null, SentThrough = 1L << 40, Window = 65535 },
            Session(2) with { Will = will with { Payload = default, Properties = default, ExpirySeconds = null } },
            Subscription(1, "a/#") with { NoLocal = true, Identifier = 268_435_455 },
            Subscription(1, "$share/g/b") with { RetainAsPublished = true },
            Message(1, 5) with { SubscriptionIdentifiers = [1, 268_435_455], Retain = true, ExpiresAt = Noon.AddSeconds(9) },
            Message(1, 6) with { Payload = default, Properties = default },
            new MqttIncomingAdded(1, ushort.MaxValue),
            Retained("r/1") with { ExpiresAt = Noon },
            Retained("r/2") with { Properties = default, Publisher = new MqttStoredPublisher("me", "c") },
            new MqttBrokerAlive(Noon));
        (await LoadAsync()).ShouldBe(
        [
            $"session 1 observer/ö client 3600 {T(0)} - {1L << 40} 65535 will wills/ü gone 0102 2 True 30 4294967295",
            $"session 2 observer/ö client 3600 {T(0)} {T(1)} 3 10 will wills/ü   2 True 30 ",
            "subscription 1 a/# 1 True False 268435455",
            "subscription 1 $share/g/b 1 False True 0",
            $"message 1/5 t m5 0a 2 True 1,268435455 {T(9)}",
            "message 1/6 t   2 False  -",
            "incoming 1/65535",
            $"retained r/1 kept 0b 1 {T(0)}",
            "retained r/2 kept  1 - by me/c",
            $"alive {T(0)}",
        ]);
    }

    [Fact]
    public async Task A_later_change_takes_the_place_of_an_earlier_one()
    {
        await CommitAsync(Session(1), Subscription(1, "a"), Subscription(1, "b"), Retained("r"), new MqttBrokerAlive(Noon));
        await CommitAsync(
            Session(1) with { LeftAt = null, Expiry = TimeSpan.FromSeconds(1) },
            Subscription(1, "a") with { Identifier = 7 },
            Retained("r") with { Payload = Bytes("new") },
            new MqttBrokerAlive(Noon.AddSeconds(5)));
        (await LoadAsync()).ShouldBe(
        [
            $"session 1 observer/ö client 1 {T(0)} - 3 10 ",
            "subscription 1 a 1 False False 7",
            "subscription 1 b 1 False False 0",
            "retained r new 0b 1 -",
            $"alive {T(5)}",
        ]);
    }

    [Fact]
    public async Task What_is_removed_is_gone_and_nothing_else()
    {
        await CommitAsync(
            Session(1), Session(2), Subscription(1, "a"), Subscription(1, "b"), Subscription(2, "a"), Message(1, 1), Message(1, 2), Message(2, 1),
            new MqttIncomingAdded(1, 1), new MqttIncomingAdded(1, 2), new MqttIncomingAdded(2, 1), Retained("r"), Retained("s"));
        await CommitAsync(
            new MqttSubscriptionRemoved(1, "a"), new MqttMessageCompleted(1, 1), new MqttIncomingRemoved(1, 1), new MqttRetainedRemoved(Bytes("r")));
        (await LoadAsync()).Where(line => !line.StartsWith("session", StringComparison.Ordinal)).ShouldBe(
        [
            "subscription 1 b 1 False False 0", "subscription 2 a 1 False False 0",
            "message 1/2 t m2 0a 2 False  -", "message 2/1 t m1 0a 2 False  -",
            "incoming 1/2", "incoming 2/1", "retained s kept 0b 1 -",
        ]);

        await CommitAsync(new MqttSessionRemoved(1));
        (await LoadAsync()).ShouldBe(
        [
            $"session 2 observer/ö client 3600 {T(0)} {T(1)} 3 10 ",
            "subscription 2 a 1 False False 0", "message 2/1 t m1 0a 2 False  -", "incoming 2/1", "retained s kept 0b 1 -",
        ]);
    }

    [Fact]
    public async Task A_received_message_keeps_its_place_and_loses_its_content()
    {
        await CommitAsync(Session(1), Message(1, 1), Message(1, 2), Message(1, 3));
        await CommitAsync(new MqttMessageReceived(1, 2), new MqttMessageReceived(1, 99));
        (await LoadAsync())[1..].ShouldBe(["message 1/1 t m1 0a 2 False  -", "message 1/2    2 False  -", "received 1/2", "message 1/3 t m3 0a 2 False  -"]);
        await CommitAsync(new MqttMessageCompleted(1, 2));
        (await LoadAsync())[1..].ShouldBe(["message 1/1 t m1 0a 2 False  -", "message 1/3 t m3 0a 2 False  -"]);
    }

    [Fact]
    public async Task A_batch_that_comes_again_changes_nothing_more()
    {
        MqttSessionChange[] batch =
        [
            Session(1), Subscription(1, "a"), Message(1, 1), new MqttMessageReceived(1, 1), new MqttIncomingAdded(1, 1), Retained("r"),
            Session(2), Subscription(2, "a"), Message(2, 1), new MqttIncomingAdded(2, 1), new MqttSessionRemoved(2),
        ];
        await CommitAsync(batch);
        var once = await LoadAsync();
        await CommitAsync(batch);
        (await LoadAsync()).ShouldBe(once);

        // Of a session that the batch removes, with what belongs to it made in an earlier one.
        MqttSessionChange[] end = [Message(1, 2), Subscription(1, "b"), new MqttIncomingAdded(1, 2), new MqttSessionRemoved(1)];
        await CommitAsync(end);
        await CommitAsync(end);
        (await LoadAsync()).ShouldBe(["retained r kept 0b 1 -"]);
    }

    [Fact]
    public async Task The_memory_of_a_change_is_the_brokers_again_once_it_is_committed()
    {
        var shared = Bytes("before");
        await CommitAsync(Session(1), Message(1, 1) with { Topic = shared, Payload = shared, Properties = shared }, Retained("r") with { Payload = shared });
        shared.AsSpan().Fill((byte)'x');
        var kept = await LoadAsync();
        kept[1].ShouldStartWith("message 1/1 before before ");
        kept[2].ShouldStartWith("retained r before ");
    }

    private ValueTask CommitAsync(params MqttSessionChange[] changes) => Store.CommitAsync(changes, default);

    private async Task<string[]> LoadAsync()
    {
        var lines = new List<string>();
        await Store.LoadAsync(change => lines.Add(TextOf(change)), default);
        // Session by session, or kind by kind, is the store's choice.
        return [.. lines.OrderBy(line => Array.FindIndex(Kinds, kind => kind.Split('|').Contains(line.Split(' ')[0])))];
    }

    private static string TextOf(MqttSessionChange change) => change switch
    {
        MqttSessionSaved s => $"session {s.SessionId} {s.Identity} {s.ClientId} {s.Expiry.TotalSeconds} {Text(s.SavedAt)} {Text(s.LeftAt)} "
            + $"{s.SentThrough} {s.Window} {TextOf(s.Will)}",
        MqttSubscriptionSaved s => $"subscription {s.SessionId} {s.Filter} {(int)s.QoS} {s.NoLocal} {s.RetainAsPublished} {s.Identifier}",
        MqttMessageQueued m => $"message {m.SessionId}/{m.Sequence} {Text(m.Topic)} {Text(m.Payload)} {Hex(m.Properties)} {(int)m.QoS} {m.Retain} "
            + $"{string.Join(',', m.SubscriptionIdentifiers)} {Text(m.ExpiresAt)}",
        MqttMessageReceived r => $"received {r.SessionId}/{r.Sequence}",
        MqttIncomingAdded i => $"incoming {i.SessionId}/{i.PacketId}",
        MqttRetainedSaved r => $"retained {Text(r.Topic)} {Text(r.Payload)} {Hex(r.Properties)} {(int)r.QoS} {Text(r.ExpiresAt)}{(r.Publisher is { } p ? $" by {p.Identity}/{p.ClientId}" : "")}",
        MqttBrokerAlive a => $"alive {Text(a.At)}",
        _ => throw new InvalidOperationException(change.ToString()),
    };

    private static string TextOf(MqttStoredWill? will) => will is null
        ? ""
        : $"will {will.Topic} {Text(will.Payload)} {Hex(will.Properties)} {(int)will.QoS} {will.Retain} {will.DelaySeconds} {will.ExpirySeconds}";

    private static MqttSessionSaved Session(long id) => new(id, "observer/ö", "client")
    {
        Expiry = TimeSpan.FromHours(1),
        SavedAt = Noon,
        LeftAt = Noon.AddSeconds(1),
        SentThrough = 3,
        Window = 10,
    };

    private static MqttSubscriptionSaved Subscription(long session, string filter) => new(session, filter, MqttQoS.AtLeastOnce, false, false, 0);

    private static MqttMessageQueued Message(long session, long sequence) => new(session, sequence)
    {
        Topic = Bytes("t"),
        Payload = Bytes($"m{sequence}"),
        Properties = new byte[] { 10 },
        QoS = MqttQoS.ExactlyOnce,
    };

    private static MqttRetainedSaved Retained(string topic) => new(Bytes(topic))
    {
        Payload = Bytes("kept"),
        Properties = new byte[] { 11 },
        QoS = MqttQoS.AtLeastOnce,
    };

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(ReadOnlyMemory<byte> utf8) => Encoding.UTF8.GetString(utf8.Span);

    private static string Hex(ReadOnlyMemory<byte> bytes) => Convert.ToHexStringLower(bytes.Span);

    private static string Text(DateTimeOffset? time) => time is { } at ? at.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture) : "-";

    private static string T(int seconds) => Text(Noon.AddSeconds(seconds));
}
