using System.Text;
using SmartLock.Device;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Client;

namespace SmartLock.VirtualDevice.Connection;

/// <summary>One connection over SmartLock.Mqtt, by MQTT 3.1.1 as the ESP32's client speaks it.</summary>
internal sealed class MqttLink : IDeviceLink
{
    private const int MaxUnacknowledged = 64;
    private const int MaxWaitingMessages = 64;
    private const int MaxPacketBytes = 64 * 1024;

    private readonly MqttClient _client;
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _unacknowledged;

    private MqttLink(VirtualLockOptions options, Session session, MessageHandler onMessage)
    {
        _client = new MqttClient(ToClientOptions(options, session), (message, _) => Receive(message, onMessage), options.Time);
        _client.Disconnected += (_, _) => _closed.TrySetResult();
    }

    public Task Closed => _closed.Task;

    public static async Task<IDeviceLink> OpenAsync(
        VirtualLockOptions options, Session session, MessageHandler onMessage, CancellationToken cancellationToken)
    {
        var link = new MqttLink(options, session, onMessage);
        try
        {
            await link._client.ConnectAsync(cancellationToken).ConfigureAwait(false);
            await link.SubscribeAsync(session, cancellationToken).ConfigureAwait(false);
            return link;
        }
        catch (Exception e)
        {
            // Not a goodbye: nobody has been told that the device is there.
            link.Abort();
            await link.DisposeAsync().ConfigureAwait(false);
            if (e is MqttConnectException or MqttNotConnectedException)
            {
                throw new LinkFailedException(e.Message, e);
            }

            throw;
        }
    }

    public bool TryPublish(string topic, byte[] payload)
    {
        if (_closed.Task.IsCompleted || Interlocked.Increment(ref _unacknowledged) > MaxUnacknowledged)
        {
            Interlocked.Decrement(ref _unacknowledged);
            return false;
        }

        _ = PublishAsync(topic, payload);
        return true;
    }

    public Task CloseAsync() => _client.DisconnectAsync();

    public void Abort() => _client.Abort();

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private static MqttClientOptions ToClientOptions(VirtualLockOptions options, Session session) => new()
    {
        Host = options.Host,
        Port = options.Port,
        Tls = options.Tls ? new MqttTlsOptions { CertificateAuthorityFile = options.CertificateAuthorityFile } : null,
        ProtocolVersion = MqttProtocolVersion.V311,
        ClientId = session.ClientId,
        UserName = session.UserName,
        Password = session.Password,
        KeepAlive = options.KeepAlive,
        Will = options.LeaveWill
            ? new MqttWill(session.WillTopic, Encoding.UTF8.GetBytes(session.Will)) { QoS = MqttQoS.AtLeastOnce }
            : null,
        MaxPending = MaxUnacknowledged,
        ReceiveQueueLimit = MaxWaitingMessages,
        MaximumPacketSize = MaxPacketBytes,
    };

    private static ValueTask Receive(MqttReceivedMessage message, MessageHandler onMessage)
    {
        onMessage(message.Topic, message.Payload.ToArray(), message.Retain);
        return ValueTask.CompletedTask;
    }

    private async Task SubscribeAsync(Session session, CancellationToken cancellationToken)
    {
        var filters = session.CommandTopics.Select(topic => new MqttSubscription(topic, MqttQoS.AtLeastOnce)).ToArray();
        var codes = await _client.SubscribeAsync(filters, null, cancellationToken).ConfigureAwait(false);
        for (var i = 0; i < filters.Length; i++)
        {
            if (codes[i].IsFailure())
            {
                throw new LinkFailedException($"The broker refused the subscription to {filters[i].Filter}: {codes[i]}.");
            }
        }
    }

    /// <summary>
    /// A report that the broker never acknowledges is no loss to mend here: the next heartbeat carries the same verdict.
    /// </summary>
    private async Task PublishAsync(string topic, byte[] payload)
    {
        try
        {
            await _client.PublishAsync(topic, payload, MqttQoS.AtLeastOnce).ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            _closed.TrySetResult();
        }
        finally
        {
            Interlocked.Decrement(ref _unacknowledged);
        }
    }
}
