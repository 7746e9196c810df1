using System.Net.Sockets;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Benchmarks;

/// <summary>
/// A command to a device and its answer, one under way: two messages through the broker, and with QoS 1 four acknowledgements. The device is a
/// thread that answers at once, in one write with its acknowledgement.
/// </summary>
internal sealed class RoundTripLoad : ILoad
{
    private const int MostLatencies = 1_000_000;

    private readonly MqttQoS _qos;
    private readonly TimeSpan _pause;
    private readonly Peer _server;
    private readonly Peer _device;
    private readonly FrameReader _answers;
    private readonly byte[] _command;
    private readonly List<double> _microseconds = [];
    private bool _disposed;

    private RoundTripLoad(MqttQoS qos, TimeSpan pause, Peer server, Peer device)
    {
        _qos = qos;
        _pause = pause;
        _server = server;
        _device = device;
        _answers = new FrameReader(server);
        _command = PublishFrames.Encode(LoadTopics.Control(LoadTopics.Device), qos);
    }

    /// <param name="pause">Between an answer and the next command; none for one after the other.</param>
    public static RoundTripLoad Connect(int port, MqttQoS qos, TimeSpan pause = default)
    {
        var device = Peer.Connect(port, LoadTopics.Device);
        device.Subscribe(LoadTopics.Control(LoadTopics.Device), qos);
        device.WaitForever();
        var server = Peer.Connect(port, "server");
        server.Subscribe(LoadTopics.EveryStatus, qos);
        var load = new RoundTripLoad(qos, pause, server, device);
        new Thread(load.Answer) { IsBackground = true, Name = "device" }.Start();
        return load;
    }

    public long Run(TimeSpan duration)
    {
        using var never = new ManualResetEventSlim();
        var from = TimeProvider.System.GetTimestamp();
        long count = 0;
        do
        {
            var sent = TimeProvider.System.GetTimestamp();
            Ask();
            if (_microseconds.Count < MostLatencies)
            {
                _microseconds.Add(TimeProvider.System.GetElapsedTime(sent).TotalMicroseconds);
            }

            count++;
            if (_pause > TimeSpan.Zero)
            {
                never.Wait(_pause);
            }
        }
        while (TimeProvider.System.GetElapsedTime(from) < duration);
        return count;
    }

    /// <summary>Forgets the latencies so far: they were of the warm-up.</summary>
    public void Forget() => _microseconds.Clear();

    public double Percentile(double percent)
    {
        return _microseconds.Count == 0 ? double.NaN : _microseconds.Order().ElementAt((int)((_microseconds.Count - 1) * percent / 100));
    }

    public void Dispose()
    {
        Volatile.Write(ref _disposed, true);
        _server.Dispose();
        _device.Dispose();
    }

    // Until the answer and the broker's acknowledgement of the command are there, in whatever order.
    private void Ask()
    {
        _server.Send(_command);
        var owed = _qos == MqttQoS.AtLeastOnce ? 2 : 1;
        for (; owed > 0; owed--)
        {
            var frame = _answers.Next();
            switch (frame.IsEmpty ? 0 : MqttFrame.TypeOf(frame[0]))
            {
                case MqttPacketType.PubAck:
                    break;
                case MqttPacketType.Publish:
                    SendAck(_server, frame, []);
                    break;
                default:
                    throw new InvalidDataException("Neither an answer nor an acknowledgement.");
            }
        }
    }

    private void Answer()
    {
        try
        {
            var commands = new FrameReader(_device);
            var answer = PublishFrames.Encode(LoadTopics.Status(LoadTopics.Device), _qos);
            while (commands.Next() is { IsEmpty: false } frame)
            {
                if (MqttFrame.TypeOf(frame[0]) == MqttPacketType.Publish)
                {
                    SendAck(_device, frame, answer);
                }
            }
        }
        catch (Exception e) when (Volatile.Read(ref _disposed) && e is SocketException or ObjectDisposedException)
        {
            // Closed by us: there is nobody left to tell. Any other end shows in the answer that does not come.
        }
        catch (SocketException e)
        {
            Console.Error.WriteLine($"  the device lost its connection: {e.Message}");
        }
    }

    private void SendAck(Peer peer, ReadOnlySpan<byte> publish, ReadOnlySpan<byte> more)
    {
        if (_qos == MqttQoS.AtMostOnce)
        {
            peer.Send(more);
            return;
        }

        var id = PublishPacket.Read(publish[0], publish[PublishFrames.HeaderBytes..], MqttProtocolVersion.V311).PacketId;
        peer.Send([(byte)MqttPacketType.PubAck << 4, 2, (byte)(id >> 8), (byte)id, .. more]);
    }
}
