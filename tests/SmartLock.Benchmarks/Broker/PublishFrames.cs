using System.Buffers;
using System.Text;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Benchmarks;

/// <summary>Publishes of one topic, encoded beforehand.</summary>
internal static class PublishFrames
{
    /// <summary>Of the fixed header: a body of 128 bytes to 16 KB has a length of two bytes.</summary>
    public const int HeaderBytes = 3;

    private const int PayloadBytes = 200;

    /// <summary>As many as a publisher sends in one write; their packet ids count up from the first.</summary>
    public static byte[] Encode(string topic, MqttQoS qos, int count = 1, int firstId = 1)
    {
        var output = new ArrayBufferWriter<byte>();
        var topicUtf8 = Encoding.UTF8.GetBytes(topic);
        var payload = new byte[PayloadBytes];
        for (var i = 0; i < count; i++)
        {
            var publish = new OutgoingPublish { Topic = topicUtf8, Payload = payload, QoS = qos, PacketId = (ushort)(firstId + i) };
            publish.WriteTo(output, MqttProtocolVersion.V311);
        }

        return output.WrittenSpan.ToArray();
    }
}
