using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace SmartLock.Server.Tests.Messaging.External;

/// <summary>A TCP connection between a client and a broker that a test can cut, or stall as a frozen broker would.</summary>
internal sealed class Cable : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly int _brokerPort;
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentDictionary<Socket, Task> _connections = new();
    private readonly ConcurrentDictionary<int, int> _packets = new();
    private readonly Task _accepting;
    private volatile TaskCompletionSource _flowing = Open();

    /// <param name="brokerPort">On 127.0.0.1.</param>
    /// <param name="address">Where the client connects to.</param>
    public Cable(int brokerPort, IPAddress? address = null)
    {
        _brokerPort = brokerPort;
        _listener = new TcpListener(address ?? IPAddress.Loopback, 0);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How many packets of a type (the first byte's upper half) the client has sent, if it does not speak TLS.</summary>
    public int Sent(int type) => _packets.GetValueOrDefault(type);

    /// <summary>Both ends see a reset; the next connection works.</summary>
    public void Cut()
    {
        foreach (var socket in _connections.Keys)
        {
            Reset(socket);
        }
    }

    public void Freeze() => _flowing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Thaw() => _flowing.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        Thaw();
        Cut();
        await _accepting;
        await Task.WhenAll(_connections.Values);
        _end.Dispose();
    }

    private static TaskCompletionSource Open()
    {
        var open = new TaskCompletionSource();
        open.SetResult();
        return open;
    }

    private static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Gone already.
            return;
        }

        socket.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_end.Token);
                var broker = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                client.NoDelay = true;
                _connections[client] = PumpAsync(client, broker, new PacketCount(_packets));
                _connections[broker] = Task.CompletedTask;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
            return;
        }
    }

    private async Task PumpAsync(Socket client, Socket broker, PacketCount count)
    {
        try
        {
            await broker.ConnectAsync(IPAddress.Loopback, _brokerPort);
            await Task.WhenAny(PumpAsync(client, broker, count.Add), PumpAsync(broker, client, _ => { }));
        }
        catch (SocketException)
        {
            // No broker there: the client sees its connection end.
        }
        finally
        {
            Reset(client);
            Reset(broker);
        }
    }

    private async Task PumpAsync(Socket from, Socket to, Action<ReadOnlyMemory<byte>> inspect)
    {
        var buffer = new byte[8192];
        try
        {
            while (await from.ReceiveAsync(buffer) is var length and > 0)
            {
                await _flowing.Task;
                inspect(buffer.AsMemory(0, length));
                await to.SendAsync(buffer.AsMemory(0, length));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut, or ended by one of the two.
            return;
        }
    }

    /// <summary>Follows the frames of one stream of packets.</summary>
    private sealed class PacketCount(ConcurrentDictionary<int, int> packets)
    {
        private int _skip;
        private int _length;
        private int _shift = -1;

        public void Add(ReadOnlyMemory<byte> bytes)
        {
            foreach (var value in bytes.Span)
            {
                if (_skip > 0)
                {
                    _skip--;
                }
                else if (_shift < 0)
                {
                    packets.AddOrUpdate(value >> 4, 1, (_, n) => n + 1);
                    (_length, _shift) = (0, 0);
                }
                else
                {
                    _length |= (value & 0x7F) << _shift;
                    _shift += 7;
                    if (value < 0x80)
                    {
                        (_skip, _shift) = (_length, -1);
                    }
                }
            }
        }
    }
}
