using System.Buffers;
using System.Net;
using System.Net.Sockets;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Benchmarks;

/// <summary>
/// One MQTT 3.1.1 client on a blocking socket: a message costs the load generator a system call and little else, no event loop and no thread pool.
/// </summary>
internal sealed class Peer : IDisposable
{
    private const int PerAddress = 20_000;
    private const int MillisecondsOfPatience = 30_000;
    private const ushort SecondsOfKeepAlive = 600;

    private readonly Socket _socket;

    private Peer(Socket socket)
    {
        _socket = socket;
    }

    /// <param name="index">Beyond some 20,000 the client comes from another loopback address: one address has only so many ports.</param>
    public static Peer Open(int port, int index = 0)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            ReceiveTimeout = MillisecondsOfPatience,
            SendTimeout = MillisecondsOfPatience,
        };
        try
        {
            if (index >= PerAddress)
            {
                socket.Bind(new IPEndPoint(new IPAddress([127, 0, 0, (byte)(1 + (index / PerAddress))]), 0));
            }

            socket.Connect(IPAddress.Loopback, port);
            return new Peer(socket);
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
    }

    public static Peer Connect(int port, string clientId, int index = 0)
    {
        var peer = Open(port, index);
        peer.Send(ConnectFrame(clientId));
        peer.ReceiveConnAck();
        return peer;
    }

    public static byte[] ConnectFrame(string clientId)
    {
        var output = new ArrayBufferWriter<byte>();
        var packet = new ConnectPacket { ProtocolVersion = MqttProtocolVersion.V311, ClientId = clientId, CleanStart = true, KeepAlive = SecondsOfKeepAlive };
        packet.WriteTo(output);
        return output.WrittenSpan.ToArray();
    }

    public void ReceiveConnAck()
    {
        Span<byte> answer = stackalloc byte[4];
        ReceiveExactly(answer);
        if (answer[0] != (byte)MqttPacketType.ConnAck << 4 || answer[3] != 0)
        {
            throw new InvalidDataException("The broker refused the connection.");
        }
    }

    public void Subscribe(string filter, MqttQoS qos)
    {
        var output = new ArrayBufferWriter<byte>();
        new SubscribePacket(1, [new MqttSubscription(filter, qos)]).WriteTo(output, MqttProtocolVersion.V311);
        Send(output.WrittenSpan);
        Span<byte> answer = stackalloc byte[5];
        ReceiveExactly(answer);
        if (answer[0] != (byte)MqttPacketType.SubAck << 4 || answer[4] != (byte)qos)
        {
            throw new InvalidDataException("The broker refused the subscription.");
        }
    }

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[_socket.Send(bytes)..];
        }
    }

    /// <returns>0 at the end.</returns>
    /// <exception cref="TimeoutException">Nothing came.</exception>
    public int Receive(Span<byte> buffer)
    {
        try
        {
            return _socket.Receive(buffer);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            throw new TimeoutException("Nothing more came: messages were lost.", e);
        }
    }

    public void ReceiveExactly(Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var read = Receive(buffer);
            buffer = read > 0 ? buffer[read..] : throw new EndOfStreamException("The broker closed the connection.");
        }
    }

    /// <summary>For one that reads on a thread of its own, and is left idle while other brokers have their turn.</summary>
    public void WaitForever() => _socket.ReceiveTimeout = 0;

    /// <summary>Without the wait of a closed port for stragglers, of which there would be tens of thousands.</summary>
    public void Abandon()
    {
        _socket.LingerState = new LingerOption(enable: true, seconds: 0);
        _socket.Dispose();
    }

    public void Dispose() => _socket.Dispose();
}
