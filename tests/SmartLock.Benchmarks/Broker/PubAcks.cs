using SmartLock.Mqtt.Packets;

namespace SmartLock.Benchmarks;

/// <summary>The acknowledgements that a publisher waits for.</summary>
internal static class PubAcks
{
    private const int AckBytes = 4;

    public static void TakeExactly(Peer peer, int count)
    {
        Span<byte> acks = stackalloc byte[count * AckBytes];
        peer.ReceiveExactly(acks);
        for (var i = 0; i < acks.Length; i += AckBytes)
        {
            if (acks[i] != (byte)MqttPacketType.PubAck << 4)
            {
                throw new InvalidDataException($"Not a PUBACK: {acks[i]:X2}");
            }
        }
    }
}
