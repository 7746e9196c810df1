using MQTTnet;
using SmartLock.Device;

namespace SmartLock.VirtualDevice.Connection;

/// <summary>
/// One connection on an MQTTnet client of its own: on one that is used again, a late acknowledgement would go out on the next connection.
/// MQTTnet allocates whatever length a packet announces, so the broker has to be one that its owner trusts.
/// </summary>
internal sealed class MqttLink : IDeviceLink
{
    private const int MaxUnacknowledged = 64;

    private readonly IMqttClient _client = new MqttClientFactory().CreateMqttClient();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly LinkInbox _inbox;
    private readonly TimeProvider _time;

    /// <summary>How long a broker may leave reports unacknowledged; zero: for ever.</summary>
    private readonly TimeSpan _longestSilence;

    private int _unacknowledged;

    /// <summary>A timestamp: when the broker last acknowledged a report, or when it was last sent one while none was under way.</summary>
    private long _silentSince;

    private MqttLink(VirtualLockOptions options, MessageHandler onMessage)
    {
        _time = options.Time;
        _longestSilence = options.KeepAlive * 1.5;
        _inbox = new LinkInbox(onMessage, Fail);
        _client.DisconnectedAsync += _ =>
        {
            _closed.TrySetResult();
            return Task.CompletedTask;
        };
        _client.ApplicationMessageReceivedAsync += received =>
        {
            if (!_inbox.Offer(received))
            {
                // The broker sends more than is acknowledged, which no sound one does.
                Abort();
            }

            return Task.CompletedTask;
        };
    }

    public Task Closed => _closed.Task;

    public static async Task<IDeviceLink> OpenAsync(
        VirtualLockOptions options, Session session, MessageHandler onMessage, CancellationToken cancellationToken)
    {
        var link = new MqttLink(options, onMessage);
        using var limit = new CancellationTokenSource(LinkSettings.AnswerWithin, options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            await link.ConnectAsync(options, session, either.Token).ConfigureAwait(false);
            await link.SubscribeAsync(session, either.Token).ConfigureAwait(false);
            return link;
        }
        catch (Exception e)
        {
            // No DISCONNECT: the server has not been told that the device is there.
            link.Abort();
            cancellationToken.ThrowIfCancellationRequested();

            // MQTTnet throws what the socket, TLS or its own reader threw, and wraps it in words that do not name the cause.
            throw e as LinkFailedException ?? new LinkFailedException(
                limit.IsCancellationRequested ? "The broker did not answer in time." : $"Connecting failed: {e.GetBaseException().Message}", e);
        }
    }

    public bool TryPublish(string topic, byte[] payload)
    {
        if (_closed.Task.IsCompleted)
        {
            return false;
        }

        if (Volatile.Read(ref _unacknowledged) == 0)
        {
            // Before the count, by which the silence is judged.
            Volatile.Write(ref _silentSince, _time.GetTimestamp());
        }
        else if (IsBrokerSilent())
        {
            Abort();
            return false;
        }

        if (Interlocked.Increment(ref _unacknowledged) > MaxUnacknowledged)
        {
            Interlocked.Decrement(ref _unacknowledged);
            return false;
        }

        _ = PublishAsync(topic, payload);
        return true;
    }

    public async Task CloseAsync()
    {
        using var limit = new CancellationTokenSource(LinkSettings.AnswerWithin, _time);
        try
        {
            await _client.DisconnectAsync(new MqttClientDisconnectOptions(), limit.Token).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // The connection is gone, which MQTTnet says by exceptions of many kinds: there is nobody left to say DISCONNECT to.
            _closed.TrySetResult();
        }

        Abort();
    }

    /// <summary>Without a DISCONNECT, which is what has the broker publish the will.</summary>
    public void Abort()
    {
        _inbox.Close();
        try
        {
            _client.Dispose();
        }
        catch (Exception e) when (e is ObjectDisposedException or AggregateException)
        {
            // MQTTnet is taking the same connection down on a thread of its own.
            _closed.TrySetResult();
        }

        // MQTTnet reports no end of a connection whose client is disposed of.
        _closed.TrySetResult();
    }

    public ValueTask DisposeAsync()
    {
        Abort();
        return ValueTask.CompletedTask;
    }

    private async Task ConnectAsync(VirtualLockOptions options, Session session, CancellationToken cancellationToken)
    {
        var answer = await _client.ConnectAsync(LinkSettings.Connect(options, session), cancellationToken).ConfigureAwait(false);
        switch (answer.ResultCode)
        {
            case MqttClientConnectResultCode.Success:
                return;
            case MqttClientConnectResultCode.BadUserNameOrPassword or MqttClientConnectResultCode.NotAuthorized:
                throw new LinkFailedException(
                    $"The broker refused the login of {session.UserName}: wrong key, or a device that it does not know ({answer.ResultCode}).");
            default:
                throw new LinkFailedException($"The broker refused the connection: {answer.ResultCode}.");
        }
    }

    private async Task SubscribeAsync(Session session, CancellationToken cancellationToken)
    {
        var answer = await _client.SubscribeAsync(LinkSettings.Subscribe(session), cancellationToken).ConfigureAwait(false);
        if (answer.Items.FirstOrDefault(item => item.ResultCode >= MqttClientSubscribeResultCode.UnspecifiedError) is { } refused)
        {
            throw new LinkFailedException($"The broker refused the subscription to {refused.TopicFilter.Topic}: {refused.ResultCode}.");
        }
    }

    /// <summary>
    /// MQTTnet asks whether the broker is alive only when nothing was sent for a while, and heartbeats are sent all the time: without this, the
    /// end of a broker whose machine vanished would be found when TCP gives up, after a quarter of an hour.
    /// </summary>
    private bool IsBrokerSilent() =>
        _longestSilence > TimeSpan.Zero && _time.GetElapsedTime(Volatile.Read(ref _silentSince)) > _longestSilence;

    /// <summary>
    /// A report that the broker never acknowledges is no loss to mend here: the next heartbeat carries the same verdict.
    /// </summary>
    private async Task PublishAsync(string topic, byte[] payload)
    {
        try
        {
            await _client.PublishAsync(LinkSettings.Report(topic, payload), CancellationToken.None).ConfigureAwait(false);
            Volatile.Write(ref _silentSince, _time.GetTimestamp());
        }
        catch (Exception)
        {
            // The connection is gone, which MQTTnet says by exceptions of many kinds.
            Abort();
        }
        finally
        {
            Interlocked.Decrement(ref _unacknowledged);
        }
    }

    private void Fail(Exception bug)
    {
        _closed.TrySetException(bug);
        Abort();
    }
}
