using SmartLock.Mqtt.Packets;

namespace SmartLock.Benchmarks;

/// <summary>Clients that come, are let in and leave: TCP, CONNECT, CONNACK, DISCONNECT, and the broker's end of the connection awaited.</summary>
internal sealed class ConnectsLoad(int port, int concurrency) : ILoad
{
    private readonly byte[][] _connects = [.. Enumerable.Range(0, concurrency).Select(i => Peer.ConnectFrame(LoadTopics.Id(i)))];

    /// <summary>In groups of <c>concurrency</c> clients, each step by all of a group before the next one.</summary>
    public long Run(TimeSpan duration)
    {
        var from = TimeProvider.System.GetTimestamp();
        long count = 0;
        do
        {
            count += RunGroup();
        }
        while (TimeProvider.System.GetElapsedTime(from) < duration);
        return count;
    }

    public void Dispose()
    {
        // Nobody stays connected between runs.
    }

    private int RunGroup()
    {
        var peers = new Peer[concurrency];
        for (var i = 0; i < peers.Length; i++)
        {
            peers[i] = Peer.Open(port);
            peers[i].Send(_connects[i]);
        }

        foreach (var peer in peers)
        {
            peer.ReceiveConnAck();
            peer.Send([(byte)MqttPacketType.Disconnect << 4, 0]);
        }

        Span<byte> nothing = stackalloc byte[1];
        foreach (var peer in peers)
        {
            if (peer.Receive(nothing) != 0)
            {
                throw new InvalidDataException("The broker had something to say after DISCONNECT.");
            }

            peer.Abandon();
        }

        return concurrency;
    }
}
