using System.Buffers;

namespace SmartLock.Mqtt.Tests.Packets;

/// <summary>A byte sequence in pieces, as a pipe may hand it over.</summary>
internal sealed class Segments : ReadOnlySequenceSegment<byte>
{
    public static ReadOnlySequence<byte> Of(byte[] bytes, int pieceLength)
    {
        var first = new Segments { Memory = bytes.AsMemory(0, Math.Min(pieceLength, bytes.Length)) };
        var last = first;
        for (var at = first.Memory.Length; at < bytes.Length; at += pieceLength)
        {
            var next = new Segments
            {
                Memory = bytes.AsMemory(at, Math.Min(pieceLength, bytes.Length - at)),
                RunningIndex = at,
            };
            last.Next = next;
            last = next;
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }
}
