using System.Buffers;
using MQTTnet;
using MQTTnet.Protocol;

namespace SmartLock.VirtualDevice.Connection;

/// <summary>
/// Received messages between MQTTnet and their handler. MQTTnet queues without bound while its own handler is busy, and a DISCONNECT waits for
/// that handler: so messages are taken over at once, and handled and acknowledged one by one from here.
/// </summary>
internal sealed class LinkInbox(MessageHandler onMessage, Action<Exception> onFailure)
{
    /// <summary>Of QoS 0, which a broker sends as fast as it likes; more are dropped.</summary>
    private const int MaxUnconfirmed = 64;

    /// <summary>Room for as many QoS 1 messages again: brokers send up to 20 (this server, mosquitto) or 32 (EMQX) unacknowledged.</summary>
    private const int MaxWaiting = MaxUnconfirmed + 64;

    private readonly Lock _gate = new();
    private readonly Queue<MqttApplicationMessageReceivedEventArgs> _waiting = new();
    private bool _isWorking;
    private bool _isClosed;

    /// <summary>False when there is no room for a message that must not be dropped.</summary>
    public bool Offer(MqttApplicationMessageReceivedEventArgs received)
    {
        received.AutoAcknowledge = false;
        var isDroppable = received.ApplicationMessage.QualityOfServiceLevel is MqttQualityOfServiceLevel.AtMostOnce;
        lock (_gate)
        {
            if (_isClosed || _waiting.Count >= (isDroppable ? MaxUnconfirmed : MaxWaiting))
            {
                return _isClosed || isDroppable;
            }

            _waiting.Enqueue(received);
            if (_isWorking)
            {
                return true;
            }

            _isWorking = true;
        }

        _ = Task.Run(WorkAsync);
        return true;
    }

    /// <summary>What still waits is forgotten, as by a device that loses its power.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            _waiting.Clear();
        }
    }

    private async Task WorkAsync()
    {
        while (Next() is { } received)
        {
            try
            {
                var message = received.ApplicationMessage;
                onMessage(message.Topic, message.Payload.ToArray(), message.Retain);
            }
            catch (Exception bug)
            {
                Close();
                onFailure(bug);
                return;
            }

            await AcknowledgeAsync(received).ConfigureAwait(false);
        }
    }

    private MqttApplicationMessageReceivedEventArgs? Next()
    {
        lock (_gate)
        {
            _isWorking = _waiting.TryDequeue(out var received);
            return received;
        }
    }

    private static async Task AcknowledgeAsync(MqttApplicationMessageReceivedEventArgs received)
    {
        try
        {
            await received.AcknowledgeAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Its connection is gone, which MQTTnet says by exceptions of many kinds, and with it the session that asked for this.
            return;
        }
    }
}
