using System.Net.Sockets;
using SmartLock.Mqtt;

namespace SmartLock.Benchmarks;

/// <summary>
/// Many publishers, one subscriber that reads on a thread of its own. So many rounds are under way at most, so that a broker is neither starved
/// nor made to drop.
/// </summary>
internal sealed class FanInLoad : ILoad
{
    private const int BufferBytes = 256 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly FanInShape _shape;
    private readonly Peer[] _publishers;
    private readonly byte[][][] _bursts;
    private readonly Peer _subscriber;
    private readonly object _gate = new();
    private long _received;
    private long _awaited = long.MaxValue;
    private Exception? _failure;
    private bool _disposed;

    private FanInLoad(FanInShape shape, Peer[] publishers, Peer subscriber)
    {
        _shape = shape;
        _publishers = publishers;
        _subscriber = subscriber;

        // A packet id is free again when its round has come through.
        _bursts = [.. publishers.Select((_, i) => Enumerable.Range(0, shape.RoundsUnderWay).Select(round => Encode(i, 1 + (round * shape.Burst))).ToArray())];
    }

    public static FanInLoad Connect(int port, FanInShape shape)
    {
        var subscriber = Peer.Connect(port, "subscriber");
        subscriber.Subscribe(LoadTopics.EveryStatus, shape.QoS);
        subscriber.WaitForever();
        Peer[] all = [.. Enumerable.Range(0, shape.Publishers).Select(i => Peer.Connect(port, $"publisher-{i}"))];
        var load = new FanInLoad(shape, all, subscriber);
        new Thread(load.Read) { IsBackground = true, Name = "subscriber" }.Start();
        return load;
    }

    public long Run(TimeSpan duration)
    {
        var perRound = (long)_publishers.Length * _shape.Burst;
        var start = Received();
        var from = TimeProvider.System.GetTimestamp();
        long sent = 0;
        long through = 0;
        do
        {
            for (var i = 0; i < _publishers.Length; i++)
            {
                _publishers[i].Send(_bursts[i][sent % _shape.RoundsUnderWay]);
            }

            sent++;
            while (sent - through >= _shape.RoundsUnderWay)
            {
                Await(start + (perRound * ++through));
            }
        }
        while (TimeProvider.System.GetElapsedTime(from) < duration);
        while (through < sent)
        {
            Await(start + (perRound * ++through));
        }

        return Received() - start == perRound * sent ? perRound * sent : throw new InvalidDataException("More came than was sent.");
    }

    public void Dispose()
    {
        Volatile.Write(ref _disposed, true);
        foreach (var peer in _publishers)
        {
            peer.Dispose();
        }

        _subscriber.Dispose();
    }

    private long Received()
    {
        lock (_gate)
        {
            return _received;
        }
    }

    // A round's messages, and its acknowledgements.
    private void Await(long received)
    {
        lock (_gate)
        {
            _awaited = received;
            while (_received < received && _failure is null)
            {
                if (!Monitor.Wait(_gate, Patience))
                {
                    throw new TimeoutException($"Lost messages: {received - _received} of a round did not arrive.");
                }
            }

            _awaited = long.MaxValue;
            if (_failure is not null)
            {
                throw new InvalidDataException("The subscriber failed.", _failure);
            }
        }

        foreach (var publisher in _shape.QoS == MqttQoS.AtLeastOnce ? _publishers : [])
        {
            PubAcks.TakeExactly(publisher, _shape.Burst);
        }
    }

    private void Read()
    {
        try
        {
            var deliveries = new Deliveries(_subscriber, LoadTopics.Status(LoadTopics.Id(0)), _shape.QoS);
            while (deliveries.TakeSome(BufferBytes) is >= 0 and var count)
            {
                Add(count);
            }
        }
        catch (Exception e) when (Volatile.Read(ref _disposed) && e is SocketException or ObjectDisposedException)
        {
            // Closed by us: there is nobody left to tell.
        }
        catch (Exception e) when (e is InvalidDataException or IOException or SocketException)
        {
            Fail(e);
        }
    }

    private void Add(int count)
    {
        lock (_gate)
        {
            _received += count;
            if (_received >= _awaited)
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    private void Fail(Exception failure)
    {
        lock (_gate)
        {
            _failure = failure;
            Monitor.PulseAll(_gate);
        }
    }

    private byte[] Encode(int publisher, int firstId) => PublishFrames.Encode(LoadTopics.Status(LoadTopics.Id(publisher)), _shape.QoS, _shape.Burst, firstId);
}
