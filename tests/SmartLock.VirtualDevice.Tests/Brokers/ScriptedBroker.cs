using System.Net;
using System.Net.Sockets;

namespace SmartLock.VirtualDevice.Tests.Brokers;

/// <summary>One connection of a broker that does only what a test tells it to. MQTT 3.1.1, packets as bytes.</summary>
internal sealed class ScriptedBroker : IDisposable
{
    public const byte Connect = 0x10;
    public const byte Publish = 0x32;
    public const byte PubAck = 0x40;
    public const byte Subscribe = 0x82;
    public const byte Disconnect = 0xE0;

    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(30);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private TcpClient? _client;

    public ScriptedBroker()
    {
        _listener.Start();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Lets the device in and grants its two subscriptions.</summary>
    /// <param name="connectCode">Of the CONNACK; 0: accepted.</param>
    /// <param name="lastGrant">Of the SUBACK for the second topic; 0x80: refused.</param>
    public async Task AcceptAsync(byte connectCode = 0, byte lastGrant = 1)
    {
        _client = await _listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        (await ReadAsync()).Type.ShouldBe(Connect);
        await SendAsync([0x20, 2, 0, connectCode]);
        if (connectCode == 0)
        {
            var (type, body) = await ReadAsync();
            type.ShouldBe(Subscribe);
            await SendAsync([0x90, 4, body[0], body[1], 1, lastGrant]);
        }
    }

    public Task SendAsync(byte[] packets) =>
        _client!.GetStream().WriteAsync(packets, TestContext.Current.CancellationToken).AsTask().WaitAsync(Guard);

    /// <summary>The next packet; of type 0 when the connection has ended.</summary>
    public async Task<(byte Type, byte[] Body)> ReadAsync()
    {
        var stream = _client!.GetStream();
        var header = new byte[1];
        using var limit = new CancellationTokenSource(Guard);
        if (await stream.ReadAsync(header, limit.Token) == 0)
        {
            return (0, []);
        }

        var type = header[0];
        var length = 0;
        for (var shift = 0; shift == 0 || header[0] >= 0x80; shift += 7)
        {
            await stream.ReadExactlyAsync(header, limit.Token);
            length |= (header[0] & 0x7F) << shift;
        }

        var body = new byte[length];
        await stream.ReadExactlyAsync(body, limit.Token);
        return (type, body);
    }

    /// <summary>The packet identifier of the next packet, which has to be a PUBLISH at QoS 1.</summary>
    public async Task<byte[]> ReadPublishIdAsync()
    {
        var (type, body) = await ReadAsync();
        type.ShouldBe(Publish);
        var afterTopic = 2 + ((body[0] << 8) | body[1]);
        return body[afterTopic..(afterTopic + 2)];
    }

    public void Dispose()
    {
        _client?.Dispose();
        _listener.Dispose();
    }
}
