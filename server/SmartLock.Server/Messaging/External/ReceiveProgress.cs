using System.Net;
using System.Security.Cryptography.X509Certificates;
using MQTTnet;
using MQTTnet.Adapter;
using MQTTnet.Diagnostics.Logger;
using MQTTnet.Formatter;
using MQTTnet.Implementations;
using MQTTnet.Packets;

namespace SmartLock.Server.Messaging.External;

/// <summary>
/// How many PUBLISH packets MQTTnet has read from a connection, and how many of them it has passed to its callback. It keeps the others in a queue
/// of its own that another task empties, and handles an UNSUBACK as soon as it is read: messages that arrived before it may still be in that queue.
/// </summary>
internal sealed class ReceiveProgress : IMqttClientAdapterFactory
{
    private readonly MqttClientAdapterFactory _factory = new();
    private readonly System.Threading.Lock _gate = new();
    private long _read;
    private long _offered;
    private long _awaited;
    private TaskCompletionSource? _reached;

    public IMqttChannelAdapter CreateClientAdapter(MqttClientOptions options, MqttPacketInspector packetInspector, IMqttNetLogger logger) =>
        new CountingAdapter(_factory.CreateClientAdapter(options, packetInspector, logger), this);

    /// <summary>The callback has returned for one message.</summary>
    public void NoteOffered()
    {
        lock (_gate)
        {
            _offered++;
            if (_offered >= _awaited)
            {
                _reached?.TrySetResult();
            }
        }
    }

    /// <summary>Completes when the callback has returned for every message that was read before.</summary>
    public Task AllOfferedAsync()
    {
        lock (_gate)
        {
            if (_offered >= _read)
            {
                return Task.CompletedTask;
            }

            _awaited = _read;
            _reached ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _reached.Task;
        }
    }

    private void NoteRead()
    {
        lock (_gate)
        {
            _read++;
        }
    }

    /// <summary>MQTTnet's reader takes packets from here in the order in which they arrive, and dispatches one before it takes the next.</summary>
    private sealed class CountingAdapter(IMqttChannelAdapter inner, ReceiveProgress progress) : IMqttChannelAdapter
    {
        public long BytesReceived => inner.BytesReceived;

        public long BytesSent => inner.BytesSent;

        public X509Certificate2 ClientCertificate => inner.ClientCertificate;

        public EndPoint RemoteEndPoint => inner.RemoteEndPoint;

        public EndPoint LocalEndPoint => inner.LocalEndPoint;

        public bool IsSecureConnection => inner.IsSecureConnection;

        public MqttPacketFormatterAdapter PacketFormatterAdapter => inner.PacketFormatterAdapter;

        public Task ConnectAsync(CancellationToken cancellationToken) => inner.ConnectAsync(cancellationToken);

        public Task DisconnectAsync(CancellationToken cancellationToken) => inner.DisconnectAsync(cancellationToken);

        public async Task<MqttPacket> ReceivePacketAsync(CancellationToken cancellationToken)
        {
            var packet = await inner.ReceivePacketAsync(cancellationToken);
            if (packet is MqttPublishPacket)
            {
                progress.NoteRead();
            }

            return packet;
        }

        public void ResetStatistics() => inner.ResetStatistics();

        public Task SendPacketAsync(MqttPacket packet, CancellationToken cancellationToken) => inner.SendPacketAsync(packet, cancellationToken);

        public void Dispose() => inner.Dispose();
    }
}
