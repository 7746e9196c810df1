using SmartLock.Mqtt.Packets;

namespace SmartLock.Benchmarks;

/// <summary>A peer's packets one by one, whatever their kinds and order.</summary>
internal sealed class FrameReader(Peer peer)
{
    private readonly byte[] _buffer = new byte[16 * 1024];
    private int _from;
    private int _to;

    /// <summary>Valid until the next call.</summary>
    /// <returns>Empty at the end.</returns>
    public ReadOnlySpan<byte> Next()
    {
        while (true)
        {
            var held = _buffer.AsSpan(_from, _to - _from);
            if (MqttFrame.TryReadHeader(held, uint.MaxValue, out _, out var headerLength, out var bodyLength) && held.Length >= headerLength + bodyLength)
            {
                _from += headerLength + bodyLength;
                return held[..(headerLength + bodyLength)];
            }

            held.CopyTo(_buffer);
            (_from, _to) = (0, held.Length);
            var read = peer.Receive(_buffer.AsSpan(_to));
            if (read == 0)
            {
                return [];
            }

            _to += read;
        }
    }
}
