using System.Buffers;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Packets;

public sealed class AllocationTests
{
    private readonly FixedOutput _output = new();

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public void Ten_thousand_publishes_and_acks_allocate_nothing(MqttProtocolVersion version)
    {
        // The runtime allocates a little of its own when it recompiles what runs hot; what the code allocates it does every time.
        Enumerable.Range(0, 5).Min(_ => AllocatedBy(() => Run(version, 10_000))).ShouldBe(0);
    }

    private static long AllocatedBy(Action work)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        work();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private void Run(MqttProtocolVersion version, int count)
    {
        for (var i = 1; i <= count; i++)
        {
            _output.Clear();
            new OutgoingPublish
            {
                Topic = "smartlock/status/ESP32-7C9EBD"u8,
                Payload = "{\"device_id\":\"ESP32-7C9EBD\"}"u8,
                QoS = MqttQoS.AtLeastOnce,
                PacketId = (ushort)i,
                TopicAlias = 4,
                MessageExpiryInterval = 30,
            }.WriteTo(_output, version);
            new AckPacket(MqttPacketType.PubAck, (ushort)i).WriteTo(_output, version);

            var buffer = new ReadOnlySequence<byte>(_output.Written);
            MqttFrame.TryRead(ref buffer, 1_000, out var header, out var sequence);
            using var body = new ContiguousBody(sequence);
            var packet = PublishPacket.Read(header, body.Span, version);
            MqttFrame.TryRead(ref buffer, 1_000, out header, out sequence);
            var ack = AckPacket.Read(header, sequence.FirstSpan, version);
            if (packet.PacketId != i || ack.PacketId != i || !buffer.IsEmpty)
            {
                throw new InvalidOperationException("What was written was not read.");
            }
        }
    }

    private sealed class FixedOutput : IBufferWriter<byte>
    {
        private readonly byte[] _bytes = new byte[512];
        private int _length;

        public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

        public void Clear() => _length = 0;

        public void Advance(int count) => _length += count;

        public Memory<byte> GetMemory(int sizeHint = 0) => _bytes.AsMemory(_length);

        public Span<byte> GetSpan(int sizeHint = 0) => _bytes.AsSpan(_length);
    }
}
