using System.Net;
using System.Net.Sockets;

namespace SmartLock.Firmware.Tests.Rig;

/// <summary>Lets anybody in and grants two subscriptions, and answers nothing else.</summary>
internal sealed class SilentBroker : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Task _serving;

    public SilentBroker()
    {
        _listener.Start();
        _serving = ServeAsync(_end.Token);
    }

    /// <summary>The flags of the last CONNECT (MQTT 3.1.1, 3.1.2.3) and its keep-alive in seconds.</summary>
    public (byte Flags, int KeepAlive) Login { get; private set; }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _serving;
        _end.Dispose();
    }

    private async Task ServeAsync(CancellationToken ct)
    {
        try
        {
            using var client = await _listener.AcceptTcpClientAsync(ct);
            var stream = client.GetStream();
            var packet = new byte[4096];
            while (await stream.ReadAsync(packet, ct) is > 0 and var length)
            {
                if (packet[0] == 0x10)
                {
                    // After the length: the protocol's name, six bytes, and its level.
                    var flags = (packet[1] < 128 ? 2 : 3) + 7;
                    Login = (packet[flags], (packet[flags + 1] << 8) | packet[flags + 2]);
                }

                var answer = packet[0] switch
                {
                    0x10 => new byte[] { 0x20, 2, 0, 0 },

                    // A subscription: its id is after the one or two bytes of the length.
                    0x82 when length < 128 => [0x90, 4, packet[2], packet[3], 1, 1],
                    _ => [],
                };
                await stream.WriteAsync(answer, ct);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            _listener.Stop();
        }
    }
}
