using System.Numerics;

namespace SmartLock.Mqtt.Broker;

/// <summary>From a publication to everyone it concerns.</summary>
internal sealed class MessageRouter(BrokerCore core)
{
    /// <returns>How many sessions and in-process subscribers were given it, or have it queued.</returns>
    public int Route(in Publication publication, ref Turn turn)
    {
        if (publication.Retain)
        {
            core.Retained.Set(publication, ref turn);
        }

        var visitor = new DeliveryVisitor(core, publication, ref turn);
        try
        {
            core.Subscriptions.Match(publication.Topic, ref visitor);
            return visitor.Delivered;
        }
        finally
        {
            visitor.End();
        }
    }

    /// <summary>Outside a read-loop turn.</summary>
    public int RouteAlone(in Publication publication)
    {
        var turn = default(Turn);
        try
        {
            return Route(publication, ref turn);
        }
        finally
        {
            turn.End(core.Counters);
        }
    }

    /// <summary>
    /// Only to the sessions of one identity, and to observers, that are subscribed to the topic. Costs the same however many others are.
    /// </summary>
    public int RouteTo(string identity, Publication publication)
    {
        var turn = default(Turn);
        var delivered = 0;
        try
        {
            if (core.Sessions.Find(identity) is { } own)
            {
                lock (own.Gate)
                {
                    foreach (var session in own.Sessions)
                    {
                        delivered += Give(session, ref publication, ref turn);
                    }
                }
            }

            foreach (var observer in core.Sessions.Observers)
            {
                if (!string.Equals(observer.Key.Identity, identity, StringComparison.Ordinal))
                {
                    delivered += Give(observer, ref publication, ref turn);
                }
            }

            return delivered;
        }
        finally
        {
            publication.End();
            turn.End(core.Counters);
        }
    }

    /// <summary>What is retained under a new subscription's filter.</summary>
    public void SendRetained(Session session, Subscription subscription, ref Turn turn)
    {
        var messages = new List<StoredMessage>();
        core.Retained.Collect(subscription.Filter, messages, ref turn);
        foreach (var message in messages)
        {
            if (subscription.Options.NoLocal && message.Publisher == session.Key)
            {
                continue;
            }

            var publication = new Publication
            {
                Topic = message.Topic,
                Properties = message.Properties,
                Payload = message.Payload,
                QoS = message.QoS,
                Retain = true,
                ExpiresAt = message.ExpiresAt,
            };
            var terms = Session.TermsOf(subscription.Options with { RetainAsPublished = true }, publication);
            session.Deliver(ref publication, terms, ref turn);
            publication.End();
        }
    }

    private static int Give(Session session, ref Publication publication, ref Turn turn)
    {
        return session.TryGetTerms(publication, out var terms) && session.Deliver(ref publication, terms, ref turn) ? 1 : 0;
    }
}

/// <summary>Delivers to each subscriber that the tree finds.</summary>
internal ref struct DeliveryVisitor(BrokerCore core, in Publication publication, ref Turn turn) : ISubscriberVisitor
{
    private readonly ref Turn _turn = ref turn;
    private Publication _publication = publication;

    public int Delivered { get; private set; }

    public void VisitOwn(SubscriberSet subscribers)
    {
        foreach (var subscription in subscribers.Slots)
        {
            if (subscription is null)
            {
                continue;
            }

            if (subscription.Session is { } session)
            {
                if (session.TryGetTerms(subscription, _publication, out var terms))
                {
                    Delivered += session.Deliver(ref _publication, terms, ref _turn) ? 1 : 0;
                }

                continue;
            }

            Call(subscription.Handler!);
        }
    }

    /// <summary>Members in turn: first one that is connected and has room, else any that takes it.</summary>
    public void VisitGroup(SubscriberSet members)
    {
        var slots = members.Slots;
        var start = members.NextTurn();
        for (var pass = 0; pass < 2; pass++)
        {
            for (var i = 0u; i < slots.Length; i++)
            {
                var member = slots[(start + i) % (uint)slots.Length];
                if (member?.Session is not { } session || (pass == 0) != session.HasRoom)
                {
                    continue;
                }

                if (session.Deliver(ref _publication, Session.TermsOf(member.Options, _publication), ref _turn))
                {
                    Delivered++;
                    return;
                }
            }
        }
    }

    public void End() => _publication.End();

    private void Call(MqttInboundHandler handler)
    {
        var message = new InboundMessage
        {
            Topic = _publication.Topic,
            Payload = _publication.Payload,
            QoS = _publication.QoS,
            Retain = _publication.Retain,
            Publisher = _publication.Identity,
            PublisherClientId = _publication.ClientId,
        };
        try
        {
            handler(message);
            Delivered++;
            _turn.Counters.Sent++;
        }
#pragma warning disable CA1031 // A subscriber's failure is its own: neither the publisher nor other subscribers are to feel it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            // A handler that fails at every message must not fill the log: failures 1, 2, 4, 8, ... are told.
            var count = core.Counters.HandlerError();
            if (BitOperations.IsPow2(count))
            {
                BrokerLog.HandlerFailed(core.Logger, count, e);
            }
        }
    }
}
