using SmartLock.Mqtt.Broker;

namespace SmartLock.Mqtt.Tests.Broker;

public sealed class InflightTests
{
    [Fact]
    public void Identifiers_go_round_and_leave_zero_out()
    {
        var inflight = new Inflight(long.MaxValue);
        for (var i = 0; i < 70_000; i++)
        {
            var id = inflight.NextId;
            id.ShouldBe((ushort)((i % ushort.MaxValue) + 1));
            inflight.Add(Message(MqttQoS.AtLeastOnce));
            inflight.TryComplete(id, InflightStep.AwaitsAck, MqttQoS.AtLeastOnce).ShouldBeTrue();
            inflight.TryComplete(id, InflightStep.AwaitsAck, MqttQoS.AtLeastOnce).ShouldBeFalse();
        }
    }

    [Fact]
    public void The_window_holds_whatever_the_order_of_acknowledgement()
    {
        var random = new Random(3);
        var inflight = new Inflight(long.MaxValue);
        var open = new List<ushort>();
        for (var step = 0; step < 20_000; step++)
        {
            if (inflight.HasRoom(16) && random.Next(2) == 0)
            {
                open.Add(inflight.NextId);
                inflight.Add(Message(MqttQoS.AtLeastOnce));
            }
            else if (open.Count > 0)
            {
                var at = random.Next(open.Count);
                inflight.TryComplete(open[at], InflightStep.AwaitsAck, MqttQoS.AtLeastOnce).ShouldBeTrue();
                open.RemoveAt(at);
            }

            inflight.Span.ShouldBeInRange(open.Count, 16);
            inflight.HasRoom(16).ShouldBe(inflight.Span < 16);
        }
    }

    [Fact]
    public void An_acknowledgement_of_the_wrong_kind_counts_for_nothing()
    {
        var inflight = new Inflight(long.MaxValue);
        inflight.Add(Message(MqttQoS.ExactlyOnce));
        inflight.TryComplete(1, InflightStep.AwaitsAck, MqttQoS.AtLeastOnce).ShouldBeFalse();
        inflight.TryComplete(1, InflightStep.AwaitsComplete, MqttQoS.ExactlyOnce).ShouldBeFalse();
        inflight.TryComplete(2, InflightStep.AwaitsAck, MqttQoS.ExactlyOnce).ShouldBeFalse();
        inflight.TryComplete(0, InflightStep.AwaitsAck, MqttQoS.ExactlyOnce).ShouldBeFalse();
        inflight.TryReceive(1).ShouldBeTrue();
        inflight.TryReceive(1).ShouldBeTrue();
        inflight.TryComplete(1, InflightStep.AwaitsAck, MqttQoS.ExactlyOnce).ShouldBeFalse();
        inflight.TryComplete(1, InflightStep.AwaitsComplete, MqttQoS.ExactlyOnce).ShouldBeTrue();
        inflight.Span.ShouldBe(0);
    }

    private static HeldDelivery Message(MqttQoS qos)
    {
        var message = StoredMessage.Rent(new Publication { Topic = "a"u8, QoS = qos, ExpiresAt = Publication.NeverExpires }, new HeldBytes());
        return new HeldDelivery(message, new DeliveryTerms { QoS = qos, Retain = false });
    }
}
