using SmartLock.Mqtt;

namespace SmartLock.Benchmarks;

/// <summary>
/// One publisher, and subscribers that all get everything: each is read in turn, for exactly what it is owed. A round is one burst.
/// </summary>
internal sealed class FanOutLoad : ILoad
{
    private readonly FanOutShape _shape;
    private readonly Peer _publisher;
    private readonly Peer[] _subscribers;
    private readonly Deliveries[] _deliveries;
    private readonly byte[][] _bursts;

    private FanOutLoad(FanOutShape shape, Peer publisher, Peer[] subscribers)
    {
        _shape = shape;
        _publisher = publisher;
        _subscribers = subscribers;
        _deliveries = [.. subscribers.Select(s => new Deliveries(s, shape.Topic, shape.QoS))];
        _bursts = [Encode(firstId: 1), Encode(1 + shape.Burst)];
    }

    public static FanOutLoad Connect(int port, FanOutShape shape)
    {
        var subscribers = new Peer[shape.Subscribers];
        for (var i = 0; i < subscribers.Length; i++)
        {
            // The only one is the device that directed messages go to.
            subscribers[i] = Peer.Connect(port, subscribers.Length == 1 ? LoadTopics.Device : $"subscriber-{i}");
            subscribers[i].Subscribe(shape.Topic, shape.QoS);
        }

        return new FanOutLoad(shape, Peer.Connect(port, "publisher"), subscribers);
    }

    /// <returns>Deliveries, not publishes.</returns>
    public long Run(TimeSpan duration)
    {
        var from = TimeProvider.System.GetTimestamp();
        long sent = 0;
        long taken = 0;
        do
        {
            _publisher.Send(_bursts[sent++ & 1]);
            while (sent - taken >= _shape.RoundsUnderWay)
            {
                Take();
                taken++;
            }
        }
        while (TimeProvider.System.GetElapsedTime(from) < duration);
        for (; taken < sent; taken++)
        {
            Take();
        }

        return sent * _shape.Burst * _subscribers.Length;
    }

    public void Dispose()
    {
        _publisher.Dispose();
        foreach (var subscriber in _subscribers)
        {
            subscriber.Dispose();
        }
    }

    private void Take()
    {
        foreach (var deliveries in _deliveries)
        {
            deliveries.TakeExactly(_shape.Burst);
        }

        if (_shape.QoS == MqttQoS.AtLeastOnce)
        {
            PubAcks.TakeExactly(_publisher, _shape.Burst);
        }
    }

    private byte[] Encode(int firstId) => PublishFrames.Encode(_shape.PublishTopic ?? _shape.Topic, _shape.QoS, _shape.Burst, firstId);
}
