using SmartLock.Device;
using SmartLock.Server.Commands;

namespace SmartLock.Server.Tests.Commands;

public sealed class CommandRulesTests
{
    [Theory]
    [InlineData("wait=5", 5)]
    [InlineData("Wait=5", 5)]
    [InlineData(" wait = 5 ", 5)]
    [InlineData("wait=\"5\"", 5)]
    [InlineData("respond-async, wait=7", 7)]
    [InlineData("wait=7; foo=bar", 7)]
    [InlineData("wait=31", 30)]
    [InlineData("wait=2147483647", 30)]
    [InlineData("wait=99999999999", null)]
    [InlineData("wait=0", null)]
    [InlineData("wait=-1", null)]
    [InlineData("wait=1.5", null)]
    [InlineData("wait=", null)]
    [InlineData("wait", null)]
    [InlineData("await=5", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void Prefer_wait_is_read_as_rfc_7240_has_it(string? header, int? seconds) =>
        CommandRules.WaitOf([header]).ShouldBe(seconds is { } s ? TimeSpan.FromSeconds(s) : null);

    [Fact]
    public void Preferences_may_stand_in_several_headers() =>
        CommandRules.WaitOf(["respond-async", "wait=3"]).ShouldBe(TimeSpan.FromSeconds(3));

    [Theory]
    [InlineData("a", true)]
    [InlineData("8e03978e-40d5-43dd-bc93-6894a57f9324", true)]
    [InlineData("", false)]
    [InlineData("with space", false)]
    [InlineData("tab\t", false)]
    [InlineData("ümlaut", false)]
    public void An_idempotency_key_is_visible_ascii(string key, bool fine) =>
        (CommandRules.CheckIdempotencyKey(key) is null).ShouldBe(fine);

    [Fact]
    public void An_idempotency_key_has_a_longest_length()
    {
        CommandRules.CheckIdempotencyKey(new string('k', 255)).ShouldBeNull();
        CommandRules.CheckIdempotencyKey(new string('k', 256)).ShouldNotBeNull();
    }

    [Theory]
    [InlineData(100_000, 0, 100_000)]
    [InlineData(100_000, 99_999, 100_000)]
    [InlineData(100_000, 100_000, 100_001)]
    [InlineData(100_000, 130_000, 130_001)]
    [InlineData(100_000, 130_001, 100_000)]
    [InlineData(100_000, long.MaxValue, 100_000)]
    public void Issued_at_grows_but_does_not_follow_a_clock_that_was_ahead(long now, long last, long expected) =>
        CommandRules.NextIssuedAt(now, last).ShouldBe(expected);

    [Fact]
    public void The_server_and_the_device_agree_on_how_far_ahead_a_command_may_be_dated() =>
        CommandRules.MaxAheadMs.ShouldBe(CommandGate.MaxAheadMs);

    [Theory]
    [InlineData("done", CommandState.Done)]
    [InlineData("expired", CommandState.Expired)]
    [InlineData("jammed", CommandState.Failed)]
    [InlineData("replayed", CommandState.Failed)]
    [InlineData("bad_signature", CommandState.Failed)]
    [InlineData("unknown_command", CommandState.Failed)]
    internal void Every_verdict_ends_a_command(string word, CommandState state)
    {
        VerdictWords.Find(System.Text.Encoding.ASCII.GetBytes(word)).ShouldBe(word);
        VerdictWords.StateFor(word).ShouldBe(state);
    }

    [Theory]
    [InlineData("Done")]
    [InlineData("opened")]
    [InlineData("")]
    public void A_word_no_device_may_say_is_no_verdict(string word) =>
        VerdictWords.Find(System.Text.Encoding.ASCII.GetBytes(word)).ShouldBeNull();
}
