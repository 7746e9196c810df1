using System.Security.Cryptography;
using System.Text;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Messaging;
using static SmartLock.Server.Heartbeats.Belief;
using static SmartLock.Server.Heartbeats.StatusSource;

namespace SmartLock.Server.Tests.Heartbeats;

public sealed class StatusBeliefTests
{
    private const long LastSentAt = 1000;
    private const long ConnectedAt = 500;
    private const long Now = 1_000_000;
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly byte[] OtherKey = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    [Theory]
    [InlineData(1001L, true)]
    [InlineData(1000L, false)]
    [InlineData(999L, false)]
    [InlineData(null, false)]
    public void From_anywhere_a_signed_status_must_be_newer_than_the_last(long? sentAt, bool believed) =>
        Judge(Signed(Key, sentAt), Anyone).ShouldBe(believed ? Believed : Replayed);

    [Theory]
    [InlineData(Now + (5 * 60 * 1000), Believed)]
    [InlineData(Now + (5 * 60 * 1000) + 1, Misdated)]
    [InlineData(long.MaxValue, Misdated)]
    internal void A_status_from_far_ahead_would_shut_out_all_that_follow(long sentAt, Belief expected) =>
        Judge(Signed(Key, sentAt), Anyone).ShouldBe(expected);

    [Fact]
    public void A_status_signed_with_another_key_is_not_believed() =>
        Judge(Signed(OtherKey, 2000), Anyone).ShouldBe(BadSignature);

    [Fact]
    public void An_unsigned_status_proves_nothing() =>
        Judge("""{"device_id":"A","status":"Unlocked","sent_at":2000}""", Anyone).ShouldBe(Unproven);

    [Fact]
    public void An_unsigned_status_is_believed_where_the_lock_and_the_operator_allow_it() =>
        Judge("""{"device_id":"A","status":"Unlocked"}""", Anyone, unsignedAllowed: true).ShouldBe(Believed);

    [Fact]
    public void Where_unsigned_is_allowed_a_wrong_signature_is_still_wrong() =>
        Judge(Signed(OtherKey, 2000), Anyone, unsignedAllowed: true).ShouldBe(BadSignature);

    [Theory]
    [InlineData("""{"device_id":"A","status":"Unlocked"}""")]
    [InlineData("""{"device_id":"A","status":"Unlocked","sent_at":1}""")]
    public void The_devices_own_login_needs_no_signature_and_may_step_back_in_time(string json) =>
        Judge(json, OwnLogin).ShouldBe(Believed);

    [Theory]
    [InlineData(ConnectedAt, Believed, Believed)]
    [InlineData(ConnectedAt - 1, OldConnection, OldConnection)]
    [InlineData(ConnectedAt + 1, Believed, OldConnection)]
    internal void A_will_speaks_for_its_own_connection_only_and_of_a_later_one_the_store_knows(long connectedAt, Belief expected, Belief overItsLogin)
    {
        var json = Sign(Key, "v2|will|", $$"""{"device_id":"A","state":"Unavailable","connected_at":{{connectedAt}}""");

        Judge(json, Anyone).ShouldBe(expected);
        Judge(json, OwnLogin).ShouldBe(overItsLogin);
    }

    [Fact]
    public void A_will_that_somebody_else_made_up_is_not_believed() =>
        Judge($$"""{"device_id":"A","state":"Unavailable","connected_at":{{ConnectedAt}}}""", Anyone).ShouldBe(Unproven);

    [Fact]
    public void A_status_signature_is_no_will_signature_nor_the_other_way()
    {
        Judge(Sign(Key, "v2|sts|", $$"""{"device_id":"A","state":"Unavailable","connected_at":{{ConnectedAt}},"sent_at":2000"""), Anyone).ShouldBe(BadSignature);
        Judge(Sign(Key, "v2|will|", """{"device_id":"A","status":"Unlocked","state":"Unavailable","sent_at":2000"""), Anyone).ShouldBe(BadSignature);
        Judge(Sign(Key, "v2|cmd|", """{"device_id":"A","status":"Unlocked","sent_at":2000"""), Anyone).ShouldBe(BadSignature);
    }

    [Theory]
    [InlineData("status", "Locked")]
    [InlineData("issue", "Jammed")]
    [InlineData("sent_at", 2001L)]
    [InlineData("connected_at", 501L)]
    [InlineData("boot", "0123456789abcdee")]
    [InlineData("command_id", "C2")]
    [InlineData("result", "jammed")]
    [InlineData("firmware", "1.0.1")]
    [InlineData("rssi", -62)]
    [InlineData("topics", "shared")]
    [InlineData("state", "Unlocked")]
    [InlineData("anything", 1)]
    [InlineData("device_id", "B")]
    public void No_member_can_be_altered_or_added(string field, object value)
    {
        var fields = new Dictionary<string, object?>
        {
            ["device_id"] = "A",
            ["status"] = "Unlocked",
            ["issue"] = null,
            ["sent_at"] = 2000L,
            ["connected_at"] = 500L,
            ["boot"] = "0123456789abcdef",
            ["command_id"] = "C1",
            ["result"] = "done",
            ["firmware"] = "1.0.0",
            ["rssi"] = -61,
            ["topics"] = "own",
        };
        var signed = Sign(Key, "v2|sts|", System.Text.Json.JsonSerializer.Serialize(fields)[..^1]);
        Judge(signed, Anyone).ShouldBe(Believed);

        fields[field] = value;

        var tail = signed[signed.LastIndexOf(",\"signature\":", StringComparison.Ordinal)..];
        Judge(System.Text.Json.JsonSerializer.Serialize(fields)[..^1] + tail, Anyone).ShouldBe(BadSignature);
    }

    [Fact]
    public void A_signature_that_is_not_the_last_member_is_none()
    {
        var json = Signed(Key, 2000);
        Judge(json[..^1] + ",\"x\":1}", Anyone).ShouldBe(Unproven);
        Judge(json + " ", Anyone).ShouldBe(Unproven);
    }

    [Fact]
    public void An_uppercase_signature_is_refused()
    {
        var json = Signed(Key, 2000);
        var at = json.Length - 66;

        Judge(json[..at] + json[at..^2].ToUpperInvariant() + "\"}", Anyone).ShouldBe(BadSignature);
    }

    private static Belief Judge(string json, StatusSource source, bool unsignedAllowed = false)
    {
        var payload = Encoding.UTF8.GetBytes(json);
        var device = new CachedDevice("A", Key, isUnsigned: false) { SentAt = LastSentAt, ConnectedAt = ConnectedAt };
        var proof = StatusBelief.ProofOf(payload, source, device.Key, unsignedAllowed);
        if (proof is StatusProof.None or StatusProof.BadSignature)
        {
            return proof is StatusProof.None ? Unproven : BadSignature;
        }

        StatusMessage.TryParse(payload, new byte[StatusMessage.MaxPayloadBytes], out var message).ShouldBeTrue(json);
        return StatusBelief.Of(message, proof, device, DateTimeOffset.FromUnixTimeMilliseconds(Now));
    }

    private static string Signed(byte[] key, long? sentAt) => Sign(
        key,
        "v2|sts|",
        $$"""{"device_id":"A","status":"Unlocked","sent_at":{{sentAt?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "null"}},"connected_at":500""");

    private static string Sign(byte[] key, string purpose, string members) =>
        $$"""{{members}},"signature":"{{Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(purpose + members)))}}"}""";
}
