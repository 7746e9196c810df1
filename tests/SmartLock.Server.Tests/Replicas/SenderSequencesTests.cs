using Microsoft.AspNetCore.DataProtection;
using SmartLock.Server.Replicas;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Replicas;

/// <summary>Which of the messages between replicas are believed, and what their numbers tell.</summary>
public sealed class SenderSequencesTests
{
    private readonly FakeClock _clock = new();
    private readonly SenderSequences _senders;

    public SenderSequencesTests() => _senders = new SenderSequences("self", _clock);

    [Fact]
    public void Each_sender_counts_for_itself()
    {
        Judge("a", 7).ShouldBe(MessageOrder.Next);
        Judge("b", 1).ShouldBe(MessageOrder.Next);
        Judge("a", 8).ShouldBe(MessageOrder.Next);
        Judge("b", 2).ShouldBe(MessageOrder.Next);
    }

    [Fact]
    public void A_message_is_delivered_once()
    {
        Judge("a", 7);
        Judge("a", 8);
        Judge("a", 8).ShouldBe(MessageOrder.Repeated);
        Judge("a", 7).ShouldBe(MessageOrder.Repeated);
        Judge("a", 9).ShouldBe(MessageOrder.Next);
    }

    [Fact]
    public void A_gap_is_noticed_once()
    {
        Judge("a", 7);
        Judge("a", 9).ShouldBe(MessageOrder.AfterGap);
        Judge("a", 10).ShouldBe(MessageOrder.Next);
    }

    [Fact]
    public void Ones_own_is_nothing_new() => Judge("self", 1).ShouldBe(MessageOrder.Own);

    [Theory]
    [InlineData(-31)]
    [InlineData(31)]
    public void What_was_kept_back_or_comes_from_a_wrong_clock_is_not_believed(int seconds)
    {
        Judge("a", 7, seconds).ShouldBe(MessageOrder.Misdated);
        Judge("a", 7, seconds / 2).ShouldBe(MessageOrder.Next, "a message that was not believed leaves no trace");
    }

    [Fact]
    public void However_many_senders_there_were_memory_is_bounded_and_those_that_speak_are_kept()
    {
        for (var i = 1; i <= 10_000; i++)
        {
            Judge("steady", i);
            Judge($"s{i}", 1);
            _clock.Advance(TimeSpan.FromMilliseconds(100));
        }

        Judge("steady", 10_000).ShouldBe(MessageOrder.Repeated);
    }

    [Fact]
    public void Only_replicas_can_write_what_replicas_read()
    {
        var ring = new EphemeralDataProtectionProvider();
        var message = new InvalidationMessage("a", 3, 5, [new CacheInvalidation(InvalidationKind.Access, "ESP32-A", "ada"), new CacheInvalidation(InvalidationKind.Session, "ada")]);
        var payload = new InvalidationCodec(ring).Write(message);

        var read = new InvalidationCodec(ring).Read(payload)!;
        (read.From, read.Number, read.SentAt).ShouldBe(("a", 3L, 5L));
        read.Invalidations.ShouldBe(message.Invalidations);
        payload.AsSpan().IndexOf("ESP32-A"u8).ShouldBe(-1);

        new InvalidationCodec(new EphemeralDataProtectionProvider()).Read(payload).ShouldBeNull();
        payload[^1] ^= 1;
        new InvalidationCodec(ring).Read(payload).ShouldBeNull();
        new InvalidationCodec(ring).Read([]).ShouldBeNull();
        new InvalidationCodec(ring).Read("{}"u8).ShouldBeNull();
    }

    [Fact]
    public void The_longest_message_fits_what_the_brokers_client_takes()
    {
        CacheInvalidation[] invalidations = [.. Enumerable.Range(0, InvalidationQueue.MostAtOnce).Select(i => new CacheInvalidation(InvalidationKind.Access, new string('d', 64), new string('u', 64)))];
        new InvalidationCodec(new EphemeralDataProtectionProvider()).Write(new InvalidationMessage("a", 1, 1, invalidations)).Length.ShouldBeLessThan(16 * 1024 - 256);
    }

    private MessageOrder Judge(string from, long number, int secondsAhead = 0) =>
        _senders.Judge(new InvalidationMessage(from, number, _clock.GetUtcNow().AddSeconds(secondsAhead).ToUnixTimeMilliseconds(), []));
}
