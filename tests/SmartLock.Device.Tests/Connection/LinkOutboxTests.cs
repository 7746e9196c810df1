using SmartLock.Device.Tests.Rig;

namespace SmartLock.Device.Tests.Connection;

public sealed class LinkOutboxTests
{
    private readonly ManualClock _clock = new();
    private readonly LinkOutbox _outbox;
    private readonly CountingLink _link = new();

    public LinkOutboxTests()
    {
        _outbox = new LinkOutbox(_clock, new Supervisor(_clock));
    }

    [Fact]
    public void Without_a_link_nothing_is_taken()
    {
        _outbox.Send("t", []).ShouldBeFalse();
    }

    [Fact]
    public void Eight_are_on_their_way_at_most_and_each_acknowledgement_makes_room_for_one()
    {
        _outbox.Connect(_link);
        for (var i = 0; i < LinkOutbox.MaxUnacknowledged; i++)
        {
            _outbox.Send("t", []).ShouldBeTrue();
        }

        _outbox.Send("t", []).ShouldBeFalse();
        _outbox.Acknowledged(_link);
        _outbox.Send("t", []).ShouldBeTrue();
        _outbox.Send("t", []).ShouldBeFalse();
        _link.Published.ShouldBe(LinkOutbox.MaxUnacknowledged + 1);
    }

    [Fact]
    public void More_acknowledgements_than_messages_make_no_room_that_is_not_there()
    {
        _outbox.Connect(_link);
        for (var i = 0; i < 50; i++)
        {
            _outbox.Acknowledged(_link);
            _outbox.Acknowledged(new CountingLink());
        }

        Enumerable.Range(0, 20).Count(_ => _outbox.Send("t", [])).ShouldBe(LinkOutbox.MaxUnacknowledged);
    }

    [Fact]
    public void Silence_is_counted_from_the_first_message_that_nobody_acknowledged()
    {
        _outbox.Connect(_link);
        _clock.Advance(LinkOutbox.StuckMs);
        _outbox.IsUnanswered.ShouldBeFalse("nothing is owed");
        _outbox.Send("t", []);
        _clock.Advance(LinkOutbox.SilenceMs);
        _outbox.IsUnanswered.ShouldBeFalse();
        _clock.Advance(1);
        _outbox.IsUnanswered.ShouldBeTrue();
        _outbox.Acknowledged(_link);
        _outbox.IsUnanswered.ShouldBeFalse();
    }

    [Fact]
    public void A_new_link_owes_nothing_for_the_old_one()
    {
        _outbox.Connect(_link);
        _outbox.Send("t", []);
        _clock.Advance(60_000);
        _outbox.Disconnect();
        _outbox.IsUnanswered.ShouldBeFalse();
        _outbox.Connect(new CountingLink());
        _outbox.IsUnanswered.ShouldBeFalse();
    }

    [Fact]
    public void A_message_that_is_given_up_makes_room_and_is_no_sign_of_life()
    {
        _outbox.Connect(_link);
        for (var i = 0; i < 2 * LinkOutbox.MaxUnacknowledged; i++)
        {
            _outbox.Send("t", []).ShouldBeTrue();
            _outbox.GivenUp(_link);
        }

        _clock.Advance(LinkOutbox.SilenceMs);
        _outbox.Send("t", []).ShouldBeTrue();
        _outbox.GivenUp(_link);
        _outbox.IsUnanswered.ShouldBeFalse();
        _clock.Advance(1);
        _outbox.IsUnanswered.ShouldBeTrue();
    }

    [Fact]
    public void What_an_older_link_gives_up_makes_no_room()
    {
        _outbox.Connect(_link);
        Enumerable.Range(0, LinkOutbox.MaxUnacknowledged).ShouldAllBe(_ => _outbox.Send("t", new byte[0]));

        _outbox.GivenUp(new CountingLink());

        _outbox.Send("t", []).ShouldBeFalse();
    }

    [Fact]
    public void A_link_that_takes_nothing_is_unanswered_too()
    {
        _link.Takes = false;
        _outbox.Connect(_link);
        _clock.Advance(LinkOutbox.StuckMs);
        _outbox.Send("t", []).ShouldBeFalse();
        _outbox.IsUnanswered.ShouldBeFalse();
        _clock.Advance(1);
        _outbox.IsUnanswered.ShouldBeTrue();
        _outbox.Disconnect();
        _outbox.IsUnanswered.ShouldBeFalse();
    }

    private sealed class CountingLink : ILink
    {
        public int Published { get; private set; }

        public bool Takes { get; set; } = true;

        public bool IsOpen => true;

        public void Open(Session session, ILinkListener listener)
        {
        }

        public bool Publish(string topic, byte[] payload)
        {
            Published += Takes ? 1 : 0;
            return Takes;
        }

        public void Close()
        {
        }
    }
}
