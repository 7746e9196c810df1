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
        var signature = Mac(Key, $"v1|will|A|{connectedAt}");
        var json = $$"""{"device_id":"A","state":"Unavailable","connected_at":{{connectedAt}},"signature":"{{signature}}"}""";

        Judge(json, Anyone).ShouldBe(expected);
        Judge(json, OwnLogin).ShouldBe(overItsLogin);
    }

    [Fact]
    public void A_will_that_somebody_else_made_up_is_not_believed() =>
        Judge($$"""{"device_id":"A","state":"Unavailable","connected_at":{{ConnectedAt}}}""", Anyone).ShouldBe(Unproven);

    [Fact]
    public void A_status_signature_is_no_will_signature()
    {
        var signature = Mac(Key, $"v1|sts|A|||2000|{ConnectedAt}||");

        Judge($$"""{"device_id":"A","state":"Unavailable","connected_at":{{ConnectedAt}},"sent_at":2000,"signature":"{{signature}}"}""", Anyone).ShouldBe(BadSignature);
    }

    [Theory]
    [InlineData("status", "Locked")]
    [InlineData("issue", "Jammed")]
    [InlineData("sent_at", 2001L)]
    [InlineData("connected_at", 501L)]
    [InlineData("command_id", "C2")]
    [InlineData("result", "jammed")]
    [InlineData("device_id", "B")]
    public void No_signed_field_can_be_altered(string field, object value)
    {
        var fields = new Dictionary<string, object?>
        {
            ["device_id"] = "A",
            ["status"] = "Unlocked",
            ["issue"] = null,
            ["sent_at"] = 2000L,
            ["connected_at"] = 500L,
            ["command_id"] = "C1",
            ["result"] = "done",
            ["signature"] = Mac(Key, "v1|sts|A|Unlocked||2000|500|C1|done"),
        };
        Judge(System.Text.Json.JsonSerializer.Serialize(fields), Anyone).ShouldBe(Believed);

        fields[field] = value;

        Judge(System.Text.Json.JsonSerializer.Serialize(fields), Anyone).ShouldBe(BadSignature);
    }

    [Fact]
    public void A_bar_in_a_field_cannot_shift_the_meaning_of_a_signed_line()
    {
        // The same line as device A, status "Unlocked", issue "x", had the bar been taken for a separator.
        var signature = Mac(Key, "v1|sts|A|Unlocked|x|2000|500||");
        var json = $$"""{"device_id":"A","status":"Unlocked|x","sent_at":2000,"connected_at":500,"signature":"{{signature}}"}""";

        Judge(json, Anyone).ShouldBe(BadSignature);
    }

    [Fact]
    public void An_uppercase_signature_is_refused()
    {
        var json = Signed(Key, 2000);
        var upper = json.Replace(Mac(Key, "v1|sts|A|Unlocked||2000|500||"), Mac(Key, "v1|sts|A|Unlocked||2000|500||").ToUpperInvariant(), StringComparison.Ordinal);

        upper.ShouldNotBe(json);
        Judge(upper, Anyone).ShouldBe(BadSignature);
    }

    private static Belief Judge(string json, StatusSource source, bool unsignedAllowed = false)
    {
        StatusMessage.TryParse(Encoding.UTF8.GetBytes(json), new byte[StatusMessage.MaxPayloadBytes], out var message).ShouldBeTrue(json);
        var device = new CachedDevice("A", Key, isUnsigned: false) { SentAt = LastSentAt, ConnectedAt = ConnectedAt };
        return StatusBelief.Of(message, source, device, unsignedAllowed, DateTimeOffset.FromUnixTimeMilliseconds(Now));
    }

    private static string Signed(byte[] key, long? sentAt)
    {
        var signature = Mac(key, $"v1|sts|A|Unlocked||{sentAt}|500||");
        return $$"""{"device_id":"A","status":"Unlocked","sent_at":{{sentAt?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "null"}},"connected_at":500,"signature":"{{signature}}"}""";
    }

    private static string Mac(byte[] key, string line) => Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(line)));
}
