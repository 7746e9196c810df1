using MQTTnet;
using MQTTnet.Diagnostics.Logger;
using MQTTnet.Exceptions;
using SmartLock.Mqtt;

namespace SmartLock.Server.Messaging.External;

/// <summary>
/// One connection from CONNECT to its end. Each has an MQTTnet client of its own: on one that is used again, a late acknowledgement would
/// be sent over the next connection, where its packet identifier belongs to another message.
/// </summary>
internal sealed class BrokerConnection : IDisposable
{
    // For brokers that announce no Receive Maximum: mosquitto's default, since MQTTnet itself limits nothing.
    private const int DefaultWindow = 20;

    private readonly IMqttClient _client;
    private readonly ReceiveProgress _progress = new();
    private readonly MqttNetOptions _options;
    private readonly TimeProvider _time;
    private readonly TaskCompletionSource<string> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private SemaphoreSlim _window = new(DefaultWindow);
    private int _isPinging;

    public BrokerConnection(long number, MqttNetOptions options, TimeProvider time)
    {
        Number = number;
        _options = options;
        _time = time;
        _client = new MqttClientFactory(new MqttNetNullLogger(), _progress).CreateMqttClient();

        // The reason is "normal" after a killed broker and after a timeout too: whoever awaits the end knows whether it was requested.
        _client.DisconnectedAsync += e =>
        {
            End(e.Exception is { } cause ? Describe(cause) : e.ReasonString is { Length: > 0 } reason ? reason : e.Reason.ToString());
            return Task.CompletedTask;
        };
    }

    /// <summary>Counts up with every connection of the process.</summary>
    public long Number { get; }

    /// <summary>Completes with the cause, for the log.</summary>
    public Task<string> Ended => _ended.Task;

    public bool IsAlive => !_ended.Task.IsCompleted && _client.IsConnected;

    /// <summary>The broker had kept the session.</summary>
    public bool IsResumed { get; private set; }

    /// <summary>One attempt.</summary>
    /// <param name="isFirst">Of this process.</param>
    /// <param name="offer">Queues a received message without waiting; false when it cannot.</param>
    /// <param name="ct">Ends the attempt with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>Why it failed, or null.</returns>
    public async Task<string?> OpenAsync(
        bool isFirst, Func<BrokerConnection, MqttApplicationMessageReceivedEventArgs, bool> offer, CancellationToken ct)
    {
        _client.ApplicationMessageReceivedAsync += received =>
        {
            if (!offer(this, received))
            {
                End("The broker sent more unacknowledged messages than allowed.");
            }

            _progress.NoteOffered();
            return Task.CompletedTask;
        };
        using var timeout = new CancellationTokenSource(BrokerClientLimits.ConnectTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ct);
        try
        {
            var answer = await _client.ConnectAsync(_options.Connect(isFirst), either.Token);
            if (answer.ResultCode is not MqttClientConnectResultCode.Success)
            {
                return $"The broker refused the connection: {answer.ResultCode}.";
            }

            IsResumed = answer.IsSessionPresent;
            _window = new SemaphoreSlim(answer.ReceiveMaximum is { } most and > 0 ? most : DefaultWindow);
            return null;
        }
        catch (Exception e)
        {
            // MQTTnet throws whatever the socket, TLS or its own reader threw: each means that this attempt has failed.
            ct.ThrowIfCancellationRequested();
            return timeout.IsCancellationRequested ? "The broker did not answer in time." : $"Connecting failed: {Describe(e)}";
        }
    }

    public async Task<SubscribeResult> SubscribeAsync(string filter, CancellationToken ct)
    {
        using var timeout = new CancellationTokenSource(BrokerClientLimits.ConnectTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ct);
        try
        {
            var answer = await _client.SubscribeAsync(_options.Subscribe(filter), either.Token);
            var code = (MqttReasonCode)answer.Items.Single().ResultCode;
            return new SubscribeResult(code.IsFailure() ? SubscribeOutcome.Refused : SubscribeOutcome.Granted, code);
        }
        catch (Exception e)
        {
            ct.ThrowIfCancellationRequested();

            // Without its subscriptions a connection is useless: a new one may reach the broker in a better state.
            End(timeout.IsCancellationRequested ? "The broker did not answer a subscription in time." : Describe(e));
            return SubscribeResult.NotConnected;
        }
    }

    /// <param name="message">To send at QoS 1.</param>
    /// <param name="timeout">Ends the wait.</param>
    public async Task<PublishResult> PublishAsync(MqttApplicationMessage message, CancellationToken timeout)
    {
        try
        {
            await _window.WaitAsync(timeout);
        }
        catch (OperationCanceledException)
        {
            return PublishResult.NotSent;
        }

        try
        {
            return (await _client.PublishAsync(message, timeout)).IsSuccess ? PublishResult.Delivered : PublishResult.Unknown;
        }
        catch (MqttClientNotConnectedException)
        {
            return PublishResult.NotSent;
        }
        catch (Exception e)
        {
            // It may have been sent: the connection was lost, or no acknowledgement came in time, which may mean that the connection is dead.
            _ = PingAsync(e);
            return PublishResult.Unknown;
        }
        finally
        {
            _window.Release();
        }
    }

    /// <summary>False when the connection was lost before the broker's answer.</summary>
    public async Task<bool> UnsubscribeAsync(IReadOnlyList<string> filters, CancellationToken ct)
    {
        try
        {
            await _client.UnsubscribeAsync(MqttNetOptions.Unsubscribe(filters), ct);
            return true;
        }
        catch (Exception e)
        {
            End(Describe(e));
            return false;
        }
    }

    /// <summary>Completes when every message that was read before has been offered, or the connection has ended.</summary>
    public Task AllOfferedAsync(CancellationToken ct) => Task.WhenAny(_progress.AllOfferedAsync(), Ended).WaitAsync(ct);

    /// <summary>Sends DISCONNECT; false when the connection was lost before that, in which case <see cref="Ended"/> is complete.</summary>
    public async Task<bool> CloseAsync(CancellationToken ct)
    {
        if (!IsAlive)
        {
            End("The connection was lost before the disconnect.");
            return false;
        }

        try
        {
            await _client.DisconnectAsync(MqttNetOptions.Disconnect(), ct);
            return true;
        }
        catch (Exception e)
        {
            End(Describe(e));
            return false;
        }
    }

    /// <summary>Ends the connection without DISCONNECT, if it has not ended.</summary>
    public void Dispose()
    {
        End("Disposed");
        _client.Dispose();
    }

    /// <summary>
    /// MQTTnet's keep-alive sends no PINGREQ while it keeps sending other packets, so a dead connection would go unnoticed. One ping at a time.
    /// </summary>
    private async Task PingAsync(Exception cause)
    {
        if (!IsAlive || Interlocked.Exchange(ref _isPinging, 1) == 1)
        {
            return;
        }

        using var timeout = new CancellationTokenSource(BrokerClientLimits.PublishTimeout, _time);
        try
        {
            await _client.PingAsync(timeout.Token);
            Volatile.Write(ref _isPinging, 0);
        }
        catch (Exception)
        {
            End($"The broker does not answer: {Describe(cause)}");
        }
    }

    private void End(string cause)
    {
        if (_ended.TrySetResult(cause))
        {
            // Closes the socket, which ends all calls that still wait on this connection.
            _client.Dispose();
        }
    }

    // MQTTnet wraps the cause, sometimes twice.
    private static string Describe(Exception e) =>
        e.GetBaseException() is var cause && cause.Message != e.Message ? $"{e.Message} ({cause.Message})" : e.Message;
}
