using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Benchmarks;

/// <summary>
/// A connection for each device, logged in as it. What they send is encoded beforehand; at most two bursts of a device wait for their
/// acknowledgements, and a ping ends a span, so that all of it has been taken in when it is answered.
/// </summary>
internal sealed class HeartbeatLoad : IDisposable
{
    private const int AckBytes = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly byte[] Ping = [0xC0, 0x00];

    private readonly HeartbeatFleet _fleet;
    private readonly MqttQoS _qos;
    private readonly Socket[] _sockets;
    private byte[][][] _bursts = [];
    private int _burst;

    private HeartbeatLoad(HeartbeatFleet fleet, MqttQoS qos, Socket[] sockets)
    {
        (_fleet, _qos, _sockets) = (fleet, qos, sockets);
    }

    public static async Task<HeartbeatLoad> ConnectAsync(int port, HeartbeatFleet fleet, MqttQoS qos)
    {
        var sockets = new Socket[fleet.Count];
        for (var i = 0; i < sockets.Length; i++)
        {
            sockets[i] = await OpenAsync(port, fleet.DeviceIds[i], fleet.MqttPassword(i));
        }

        return new HeartbeatLoad(fleet, qos, sockets);
    }

    public void Prepare(int perDevice, int burst, long firstSentAt)
    {
        _burst = burst;
        _bursts = new byte[_sockets.Length][][];
        for (var device = 0; device < _bursts.Length; device++)
        {
            _bursts[device] = new byte[perDevice / burst][];
            for (var i = 0; i < _bursts[device].Length; i++)
            {
                _bursts[device][i] = Encode(device, firstSentAt + (i * burst));
            }
        }
    }

    public async Task SendAsync()
    {
        var pending = new int[_sockets.Length];
        for (var i = 0; i < _bursts[0].Length; i++)
        {
            for (var device = 0; device < _sockets.Length; device++)
            {
                await _sockets[device].SendAsync(_bursts[device][i]);
                pending[device]++;
                if (_qos == MqttQoS.AtLeastOnce && pending[device] == 2)
                {
                    await ReadAsync(_sockets[device], AckBytes * _burst);
                    pending[device]--;
                }
            }
        }

        for (var device = 0; device < _sockets.Length; device++)
        {
            await _sockets[device].SendAsync(Ping);
        }

        for (var device = 0; device < _sockets.Length; device++)
        {
            var acks = _qos == MqttQoS.AtLeastOnce ? pending[device] * _burst * AckBytes : 0;
            await ReadAsync(_sockets[device], acks + Ping.Length);
        }
    }

    public void Dispose()
    {
        foreach (var socket in _sockets)
        {
            socket.Dispose();
        }
    }

    private byte[] Encode(int device, long firstSentAt)
    {
        var output = new ArrayBufferWriter<byte>();
        var payload = new byte[512];
        for (var i = 0; i < _burst; i++)
        {
            var length = SignedHeartbeats.Write(payload, _fleet, device, firstSentAt + i, rssi: -61);
            var publish = new OutgoingPublish
            {
                Topic = _fleet.Topics[device],
                Payload = payload.AsSpan(0, length),
                QoS = _qos,
                PacketId = (ushort)(1 + ((firstSentAt + i) % 60_000)),
            };
            publish.WriteTo(output, MqttProtocolVersion.V311);
        }

        return output.WrittenSpan.ToArray();
    }

    private static async Task<Socket> OpenAsync(int port, string deviceId, string password)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        var output = new ArrayBufferWriter<byte>();
        new ConnectPacket
        {
            ProtocolVersion = MqttProtocolVersion.V311,
            ClientId = deviceId,
            UserName = deviceId,
            Password = Encoding.UTF8.GetBytes(password),
            CleanStart = true,
        }.WriteTo(output);
        await socket.SendAsync(output.WrittenMemory);
        var answer = await ReadAsync(socket, AckBytes);
        return answer[3] == 0 ? socket : throw new InvalidOperationException("The broker refused the connection.");
    }

    private static async Task<byte[]> ReadAsync(Socket socket, int count)
    {
        var bytes = new byte[count];
        for (var read = 0; read < count;)
        {
            var more = await socket.ReceiveAsync(bytes.AsMemory(read)).AsTask().WaitAsync(Patience);
            read += more > 0 ? more : throw new IOException("The server closed a device's connection.");
        }

        return bytes;
    }
}
