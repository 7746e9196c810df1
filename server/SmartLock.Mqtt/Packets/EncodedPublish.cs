using System.Buffers;
using System.Buffers.Binary;

namespace SmartLock.Mqtt.Packets;

/// <summary>
/// A whole PUBLISH encoded once for all receivers that want it alike (version, QoS, retain flag, properties); only the packet
/// identifier and the DUP flag are set per receiver, in its own output. Immutable, so it may be shared between threads.
/// </summary>
public sealed class EncodedPublish
{
    private readonly byte[] _frame;
    private readonly int _packetIdOffset;

    /// <param name="publish">Its packet identifier is ignored.</param>
    /// <param name="version">Of the receivers.</param>
    public EncodedPublish(in OutgoingPublish publish, MqttProtocolVersion version)
    {
        var output = new ArrayBufferWriter<byte>(publish.GetSize(version));
        publish.WriteTo(output, version);
        _frame = output.WrittenSpan.ToArray();
        QoS = publish.QoS;
        MqttFrame.TryReadHeader(_frame, uint.MaxValue, out _, out var headerLength, out _);
        _packetIdOffset = headerLength + sizeof(ushort) + publish.Topic.Length;
    }

    public MqttQoS QoS { get; }

    /// <summary>Bytes of the whole packet.</summary>
    public int Size => _frame.Length;

    /// <param name="output">Taken in one span.</param>
    /// <param name="packetId">Ignored at QoS 0.</param>
    /// <param name="duplicate">Ignored at QoS 0.</param>
    public void WriteTo(IBufferWriter<byte> output, ushort packetId = 0, bool duplicate = false)
    {
        ArgumentNullException.ThrowIfNull(output);
        var span = output.GetSpan(_frame.Length);
        _frame.CopyTo(span);
        if (QoS != MqttQoS.AtMostOnce)
        {
            BinaryPrimitives.WriteUInt16BigEndian(span[_packetIdOffset..], packetId);
            span[0] = (byte)(duplicate ? span[0] | 0b1000 : span[0] & ~0b1000);
        }

        output.Advance(_frame.Length);
    }
}
