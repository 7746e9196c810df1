using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Benchmarks;

/// <summary>
/// Many publishers, one subscriber, over TCP and MQTT 3.1.1. At most two rounds are under way, so that a broker is neither starved nor made to
/// drop; a round is one burst from every publisher.
/// </summary>
internal sealed class FanInLoad : IDisposable
{
    private const int PayloadBytes = 200;

    private readonly MqttQoS _qos;
    private readonly int _burst;
    private readonly Socket[] _publishers;
    private readonly byte[][][] _bursts;
    private readonly Socket _subscriber;
    private readonly SemaphoreSlim _progress = new(0);
    private long _received;
    private long _acknowledged;

    private FanInLoad(MqttQoS qos, int burst, Socket[] publishers, Socket subscriber)
    {
        _qos = qos;
        _burst = burst;
        _publishers = publishers;
        _subscriber = subscriber;
        _bursts = [.. publishers.Select((_, i) => new[] { Encode(i, firstId: 1), Encode(i, (ushort)(1 + burst)) })];
    }

    public static async Task<FanInLoad> ConnectAsync(int port, MqttQoS qos, int publishers, int burst)
    {
        var subscriber = await OpenAsync(port, "subscriber");
        var output = new ArrayBufferWriter<byte>();
        new SubscribePacket(1, [new MqttSubscription("smartlock/status/#", qos)]).WriteTo(output, MqttProtocolVersion.V311);
        await subscriber.SendAsync(output.WrittenMemory);
        await ReadExactlyAsync(subscriber, 5);
        var all = new Socket[publishers];
        for (var i = 0; i < all.Length; i++)
        {
            all[i] = await OpenAsync(port, $"publisher-{i}");
        }

        var load = new FanInLoad(qos, burst, all, subscriber);
        _ = load.SubscribeAsync();
        foreach (var socket in qos == MqttQoS.AtLeastOnce ? all : [])
        {
            _ = load.CountAcksAsync(socket);
        }

        return load;
    }

    public async Task RunAsync(int rounds)
    {
        var perRound = (long)_publishers.Length * _burst;
        var start = Interlocked.Read(ref _received);
        var acknowledged = Interlocked.Read(ref _acknowledged);
        for (var round = 0; round < rounds; round++)
        {
            for (var i = 0; i < _publishers.Length; i++)
            {
                await _publishers[i].SendAsync(_bursts[i][round & 1]);
            }

            await ReachAsync(start + (perRound * round), acknowledged + (perRound * round));
        }

        await ReachAsync(start + (perRound * rounds), acknowledged + (perRound * rounds));
    }

    public void Dispose()
    {
        foreach (var socket in _publishers)
        {
            socket.Dispose();
        }

        _subscriber.Dispose();
    }

    private async Task ReachAsync(long received, long acknowledged)
    {
        while (Interlocked.Read(ref _received) < received || (_qos == MqttQoS.AtLeastOnce && Interlocked.Read(ref _acknowledged) < acknowledged))
        {
            if (!await _progress.WaitAsync(TimeSpan.FromSeconds(20)))
            {
                throw new TimeoutException($"Lost messages: {received - Interlocked.Read(ref _received)} of a round did not arrive.");
            }
        }
    }

    private async Task SubscribeAsync()
    {
        var buffer = new byte[256 * 1024];
        var acks = new ArrayBufferWriter<byte>(64 * 1024);
        var held = 0;
        while (true)
        {
            var read = await _subscriber.ReceiveAsync(buffer.AsMemory(held));
            if (read == 0)
            {
                return;
            }

            held += read;
            var used = Take(buffer.AsSpan(0, held), acks, out var count);
            buffer.AsSpan(used, held - used).CopyTo(buffer);
            held -= used;
            if (acks.WrittenCount > 0)
            {
                await _subscriber.SendAsync(acks.WrittenMemory);
                acks.ResetWrittenCount();
            }

            Interlocked.Add(ref _received, count);
            _progress.Release();
        }
    }

    private int Take(ReadOnlySpan<byte> data, ArrayBufferWriter<byte> acks, out int count)
    {
        count = 0;
        var used = 0;
        while (MqttFrame.TryReadHeader(data[used..], uint.MaxValue, out var header, out var headerLength, out var bodyLength)
            && data.Length - used - headerLength >= bodyLength)
        {
            if (_qos == MqttQoS.AtLeastOnce)
            {
                var packet = PublishPacket.Read(header, data.Slice(used + headerLength, bodyLength), MqttProtocolVersion.V311);
                new AckPacket(MqttPacketType.PubAck, packet.PacketId).WriteTo(acks, MqttProtocolVersion.V311);
            }

            used += headerLength + bodyLength;
            count++;
        }

        return used;
    }

    private async Task CountAcksAsync(Socket socket)
    {
        const int AckBytes = 4;
        var buffer = new byte[4096];
        var part = 0;
        while (true)
        {
            var read = await socket.ReceiveAsync(buffer);
            if (read == 0)
            {
                return;
            }

            part += read;
            Interlocked.Add(ref _acknowledged, part / AckBytes);
            part %= AckBytes;
            _progress.Release();
        }
    }

    private byte[] Encode(int publisher, ushort firstId)
    {
        var output = new ArrayBufferWriter<byte>();
        var topic = Encoding.UTF8.GetBytes($"smartlock/status/ESP32-{publisher:X6}");
        var payload = new byte[PayloadBytes];
        for (var i = 0; i < _burst; i++)
        {
            var publish = new OutgoingPublish { Topic = topic, Payload = payload, QoS = _qos, PacketId = (ushort)(firstId + i) };
            publish.WriteTo(output, MqttProtocolVersion.V311);
        }

        return output.WrittenSpan.ToArray();
    }

    private static async Task<Socket> OpenAsync(int port, string clientId)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        var output = new ArrayBufferWriter<byte>();
        new ConnectPacket { ProtocolVersion = MqttProtocolVersion.V311, ClientId = clientId, CleanStart = true }.WriteTo(output);
        await socket.SendAsync(output.WrittenMemory);
        var answer = await ReadExactlyAsync(socket, 4);
        return answer[3] == 0 ? socket : throw new InvalidOperationException("The broker refused the connection.");
    }

    private static async Task<byte[]> ReadExactlyAsync(Socket socket, int count)
    {
        var bytes = new byte[count];
        await using var stream = new NetworkStream(socket, ownsSocket: false);
        await stream.ReadExactlyAsync(bytes);
        return bytes;
    }
}
