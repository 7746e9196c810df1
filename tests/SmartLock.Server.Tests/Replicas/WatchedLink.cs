using SmartLock.Mqtt;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Server.Tests.Replicas;

/// <summary>
/// Reads along on one connection of a server to its broker: which statuses it is handed, and which of them it acknowledges, which the server does once it
/// has judged them.
/// </summary>
internal sealed class WatchedLink
{
    private readonly StatusLedger _ledger;
    private readonly int _server;
    private readonly FrameCutter _fromBroker;
    private readonly FrameCutter _fromServer;

    // A packet id is used again once it is acknowledged. The two directions are read by two tasks.
    private readonly Dictionary<ushort, Handover> _underWay = [];

    public WatchedLink(StatusLedger ledger, int server)
    {
        _ledger = ledger;
        _server = server;
        _fromBroker = new FrameCutter(NoteHandover);
        _fromServer = new FrameCutter(NoteAcknowledgement);
    }

    public void FromBroker(ReadOnlySpan<byte> bytes) => _fromBroker.Add(bytes);

    public void FromServer(ReadOnlySpan<byte> bytes) => _fromServer.Add(bytes);

    private void NoteHandover(byte fixedHeader, ReadOnlySpan<byte> body)
    {
        if (MqttFrame.TypeOf(fixedHeader) is not MqttPacketType.Publish)
        {
            return;
        }

        var packet = PublishPacket.Read(fixedHeader, body, MqttProtocolVersion.V500);
        if (!StatusLedger.IsStatus(packet.Topic))
        {
            return;
        }

        var handover = _ledger.NoteHandover(_server, StatusLedger.IdOf(packet.Payload));
        lock (_underWay)
        {
            _underWay[packet.PacketId] = handover;
        }
    }

    private void NoteAcknowledgement(byte fixedHeader, ReadOnlySpan<byte> body)
    {
        if (MqttFrame.TypeOf(fixedHeader) is not MqttPacketType.PubAck)
        {
            return;
        }

        var packet = AckPacket.Read(fixedHeader, body, MqttProtocolVersion.V500);
        lock (_underWay)
        {
            if (_underWay.Remove(packet.PacketId, out var handover))
            {
                handover.NoteAcknowledged();
            }
        }
    }
}
