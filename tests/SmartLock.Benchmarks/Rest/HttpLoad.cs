using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace SmartLock.Benchmarks;

/// <summary>
/// One request over and over on several connections, each waiting for its answer before it asks again. Bare sockets: a client library would
/// cost more than the server that is measured. Connections are kept as long as the server keeps them.
/// </summary>
internal sealed class HttpLoad(int port, string path, string? token)
{
    public const int Connections = 16;

    private const int LargestAnswer = 64 * 1024;

    private readonly byte[] _request = Encoding.ASCII.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: application/json\r\n{(token is null ? "" : $"Authorization: Bearer {token}\r\n")}\r\n"));

    /// <summary>Allocated by every run.</summary>
    public static int BufferBytes => Connections * LargestAnswer;

    /// <returns>How many answers came.</returns>
    public async Task<long> RunAsync(TimeSpan time)
    {
        var start = Stopwatch.GetTimestamp();
        var counts = await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => Task.Run(() => AskAsync(start, time))));
        return counts.Sum();
    }

    private async Task<long> AskAsync(long start, TimeSpan time)
    {
        var buffer = new byte[LargestAnswer];
        var socket = await ConnectAsync();
        try
        {
            var count = 0L;
            while (Stopwatch.GetElapsedTime(start) < time)
            {
                if (await AskOnceAsync(socket, buffer))
                {
                    socket.Dispose();
                    socket = await ConnectAsync();
                }

                count++;
            }

            return count;
        }
        finally
        {
            socket.Dispose();
        }
    }

    /// <returns>Whether the server closes the connection.</returns>
    private async Task<bool> AskOnceAsync(Socket socket, byte[] buffer)
    {
        await socket.SendAsync(_request);
        var received = 0;
        bool closes;
        do
        {
            var more = await socket.ReceiveAsync(buffer.AsMemory(received));
            if (more == 0)
            {
                throw new InvalidDataException("The server closed the connection within an answer.");
            }

            received += more;
        }
        while (!HttpAnswer.IsWhole(buffer.AsSpan(0, received), out closes));

        return closes;
    }

    private async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return socket;
    }
}
