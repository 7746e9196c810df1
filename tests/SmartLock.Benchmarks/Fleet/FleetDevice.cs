using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using SmartLock.Device;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Benchmarks;

/// <summary>
/// A device as the server sees one, without the board: the firmware's login, will, topics, keep-alive, checks and signed reports, by the brain's
/// own code, over one socket.
/// </summary>
internal sealed class FleetDevice(string id, DeviceKey key, IFleetWatch watch) : IDisposable
{
    // The firmware's; a device that beats every 9 s never has to ping.
    private const int KeepAliveSeconds = 15;
    private const MqttProtocolVersion Version = MqttProtocolVersion.V311;
    private const int ConnAckBytes = 4;
    private const int SubAckBytes = 6;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _output;

    private readonly System.Threading.Lock _gate = new();
    private readonly byte[] _statusTopic = Encoding.UTF8.GetBytes(Topics.StatusOf(id));
    private readonly byte[] _input = new byte[1024];
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly string _boot = RandomNumberGenerator.GetHexString(16, lowercase: true);
    private long _bootedAt;
    private long _connectedAt;
    private long _sentAt;
    private long _greatestSeen;
    private ushort _packetId;
    private BoltStatus _bolt = BoltStatus.Locked;
    private Decision? _decision;
    private bool _isConnected;

    public bool IsConnected => Volatile.Read(ref _isConnected);

    /// <summary>Logs in, subscribes and reports once; then it hears commands until its socket ends.</summary>
    public async Task ConnectAsync(IPEndPoint server, IPAddress from)
    {
        _socket.Bind(new IPEndPoint(from, 0));
        await _socket.ConnectAsync(server);
        _connectedAt = _bootedAt = Now();
        var session = new Opening(id, key, _connectedAt, _boot);
        await _socket.SendAsync(session.Connect());
        await ReadExactlyAsync(ConnAckBytes);
        if (_input[3] != 0)
        {
            throw new InvalidOperationException($"The server refused {id}: code {_input[3]}.");
        }

        await _socket.SendAsync(session.Subscribe());
        await ReadExactlyAsync(SubAckBytes);
        _ = ListenAsync();
        Volatile.Write(ref _isConnected, true);
        TryBeat();
    }

    /// <summary>One heartbeat. Small beside a socket's buffer: it never waits for a server that reads.</summary>
    /// <returns>False when there is no connection.</returns>
    public bool TryBeat()
    {
        if (!IsConnected)
        {
            return false;
        }

        lock (_gate)
        {
            SendReport();
        }

        return true;
    }

    public void Dispose() => _socket.Dispose();

    private async Task ListenAsync()
    {
        try
        {
            var held = 0;
            while (await _socket.ReceiveAsync(_input.AsMemory(held)) is var read and > 0)
            {
                held += read;
                var used = Take(_input.AsSpan(0, held));
                _input.AsSpan(used, held - used).CopyTo(_input);
                held -= used;
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or MqttProtocolException)
        {
            // As a socket that ends: below.
        }

        Volatile.Write(ref _isConnected, false);
        watch.Lost();
    }

    private int Take(ReadOnlySpan<byte> data)
    {
        var used = 0;
        while (MqttFrame.TryReadHeader(data[used..], (uint)_input.Length, out var header, out var headerLength, out var bodyLength)
            && data.Length - used - headerLength >= bodyLength)
        {
            var body = data.Slice(used + headerLength, bodyLength);
            if (MqttFrame.TypeOf(header) == MqttPacketType.Publish)
            {
                Obey(PublishPacket.Read(header, body, Version));
            }
            else if (MqttFrame.TypeOf(header) == MqttPacketType.PubAck)
            {
                watch.Acknowledged();
            }

            used += headerLength + bodyLength;
        }

        return used;
    }

    private void Obey(in PublishPacket packet)
    {
        var payload = packet.Payload.ToArray();
        var command = SignedMessage.IsSigned(key, SignedMessage.Command, payload) ? Command.From(FlatJsonReader.Read(payload)) : null;
        lock (_gate)
        {
            var output = Output();
            new AckPacket(MqttPacketType.PubAck, packet.PacketId).WriteTo(output, Version);
            Send(output);
            if (command is null || command.DeviceId != id)
            {
                watch.Refused();
                return;
            }

            var refusal = CommandGate.Check(command, _boot, Now(), command.IssuedAt <= _greatestSeen);
            if (refusal != Refusal.None)
            {
                watch.Refused();
            }
            else
            {
                _bolt = command.Name == Command.Lock ? BoltStatus.Locked : BoltStatus.Unlocked;
            }

            _greatestSeen = Math.Max(command.IssuedAt, _greatestSeen);
            _decision = new Decision(command.Id, command.IssuedAt, refusal == Refusal.None ? Verdict.Done : CommandGate.VerdictOf(refusal));
            SendReport();
        }
    }

    private void SendReport()
    {
        _sentAt = Math.Max(Now(), _sentAt + 1);
        var report = new StatusReport
        {
            DeviceId = id,
            Status = _bolt,
            SentAt = _sentAt,
            ConnectedAt = _connectedAt,
            Boot = _boot,
            Decision = _decision,
            Firmware = "1.0.0",
            UptimeSeconds = (_sentAt - _bootedAt) / 1000,
            Rssi = -61,
            OwnTopics = true,
        };
        _packetId = _packetId == ushort.MaxValue ? (ushort)1 : (ushort)(_packetId + 1);
        var publish = new OutgoingPublish { Topic = _statusTopic, Payload = report.Write(key), QoS = MqttQoS.AtLeastOnce, PacketId = _packetId };
        var output = Output();
        publish.WriteTo(output, Version);
        Send(output);
    }

    private void Send(ArrayBufferWriter<byte> output)
    {
        try
        {
            _socket.Send(output.WrittenSpan);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The listener finds the end of the socket, and says so.
        }
    }

    private async Task ReadExactlyAsync(int count)
    {
        for (var held = 0; held < count;)
        {
            var read = await _socket.ReceiveAsync(_input.AsMemory(held, count - held));
            held += read > 0 ? read : throw new InvalidOperationException($"The server closed the connection of {id}.");
        }
    }

    private static ArrayBufferWriter<byte> Output()
    {
        _output ??= new ArrayBufferWriter<byte>(1024);
        _output.ResetWrittenCount();
        return _output;
    }

    private static long Now() => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>The packets that open the firmware's session.</summary>
    private sealed class Opening(string id, DeviceKey key, long connectedAt, string boot)
    {
        private readonly Session _session = new(id, key, ownTopics: true, connectedAt, boot);

        public ReadOnlyMemory<byte> Connect()
        {
            var output = new ArrayBufferWriter<byte>();
            new ConnectPacket
            {
                ProtocolVersion = Version,
                CleanStart = true,
                KeepAlive = KeepAliveSeconds,
                ClientId = _session.ClientId,
                UserName = _session.UserName,
                Password = Encoding.ASCII.GetBytes(_session.Password),
                Will = new MqttWill(_session.WillTopic, Encoding.ASCII.GetBytes(_session.Will)) { QoS = MqttQoS.AtLeastOnce },
            }.WriteTo(output);
            return output.WrittenMemory;
        }

        public ReadOnlyMemory<byte> Subscribe()
        {
            var output = new ArrayBufferWriter<byte>();
            MqttSubscription[] topics = [.. _session.CommandTopics.Select(t => new MqttSubscription(t, MqttQoS.AtLeastOnce))];
            new SubscribePacket(1, topics).WriteTo(output, Version);
            return output.WrittenMemory;
        }
    }
}

/// <summary>Told by the devices of a fleet what befalls them, on threads of their own.</summary>
internal interface IFleetWatch
{
    /// <summary>The server took a report.</summary>
    void Acknowledged();

    /// <summary>A command that the device does not obey.</summary>
    void Refused();

    /// <summary>The connection ended.</summary>
    void Lost();
}
