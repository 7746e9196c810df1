using MQTTnet;
using MQTTnet.Exceptions;
using SmartLock.Mqtt;

namespace SmartLock.Server.Messaging.MqttNet;

/// <summary>
/// One connection from CONNECT to its end, on an MQTTnet client of its own: on one that is used again, an acknowledgement that is late would
/// go out on the next connection and mean another message there.
/// </summary>
internal sealed class MqttNetConnection : IDisposable
{
    // 3.1.1 and silent 5 brokers have a limit too: mosquitto's is 20, and MQTTnet itself keeps to none.
    private const int DefaultWindow = 20;

    private readonly IMqttClient _client = new MqttClientFactory().CreateMqttClient();
    private readonly MqttNetSettings _settings;
    private readonly TimeProvider _time;
    private readonly TaskCompletionSource<string> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private SemaphoreSlim _window = new(DefaultWindow);
    private int _isAsking;

    public MqttNetConnection(long number, MqttNetSettings settings, TimeProvider time)
    {
        Number = number;
        _settings = settings;
        _time = time;

        // Its reason says "normal" of a killed broker and of a time-out too: whoever waits for the end knows better whether it was wanted.
        _client.DisconnectedAsync += e =>
        {
            End(e.Exception is { } cause ? Describe(cause) : e.ReasonString is { Length: > 0 } said ? said : e.Reason.ToString());
            return Task.CompletedTask;
        };
    }

    /// <summary>Counts up with every connection of the process.</summary>
    public long Number { get; }

    /// <summary>Completes with the cause, in words for the log.</summary>
    public Task<string> Ended => _ended.Task;

    public bool IsAlive => !_ended.Task.IsCompleted && _client.IsConnected;

    public bool IsResumed { get; private set; }

    /// <summary>One attempt.</summary>
    /// <param name="offer">Takes a received message over at once; false when it cannot.</param>
    /// <returns>Why it failed, or null.</returns>
    public async Task<string?> OpenAsync(
        bool isFirst, Func<MqttNetConnection, MqttApplicationMessageReceivedEventArgs, bool> offer, CancellationToken ct)
    {
        _client.ApplicationMessageReceivedAsync += received =>
        {
            if (!offer(this, received))
            {
                End("The broker sends more than is acknowledged.");
            }

            return Task.CompletedTask;
        };
        using var limit = new CancellationTokenSource(BrokerClientLimits.ConnectWithin, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        try
        {
            var answer = await _client.ConnectAsync(_settings.Connect(isFirst), either.Token);
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
            // MQTTnet throws what the socket, TLS or its own reader threw: they all mean that this attempt has failed.
            ct.ThrowIfCancellationRequested();
            return limit.IsCancellationRequested ? "The broker did not answer in time." : $"Connecting failed: {Describe(e)}";
        }
    }

    public async Task<SubscribeAnswer> SubscribeAsync(string filter, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(BrokerClientLimits.ConnectWithin, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        try
        {
            var answer = await _client.SubscribeAsync(_settings.Subscribe(filter), either.Token);
            var code = (MqttReasonCode)answer.Items.Single().ResultCode;
            return new SubscribeAnswer(code.IsFailure() ? SubscribeOutcome.Refused : SubscribeOutcome.Granted, code);
        }
        catch (Exception e)
        {
            ct.ThrowIfCancellationRequested();

            // A connection on which nothing can be heard is of no use: the next one may find a better broker.
            End(limit.IsCancellationRequested ? "The broker did not answer a subscription in time." : Describe(e));
            return SubscribeAnswer.NotConnected;
        }
    }

    /// <param name="message">To send at QoS 1.</param>
    /// <param name="limit">Ends the wait.</param>
    public async Task<HandOver> PublishAsync(MqttApplicationMessage message, CancellationToken limit)
    {
        try
        {
            await _window.WaitAsync(limit);
        }
        catch (OperationCanceledException)
        {
            return HandOver.NotSent;
        }

        try
        {
            return (await _client.PublishAsync(message, limit)).IsSuccess ? HandOver.Delivered : HandOver.Unknown;
        }
        catch (MqttClientNotConnectedException)
        {
            return HandOver.NotSent;
        }
        catch (Exception e)
        {
            // Sent or half sent, and the connection lost, or no answer within the limit, which a broken link looks like for long.
            _ = AskAsync(e);
            return HandOver.Unknown;
        }
        finally
        {
            _window.Release();
        }
    }

    /// <summary>Tells the broker to send no more; false when it did not say that it knows.</summary>
    public async Task<bool> UnsubscribeAsync(IReadOnlyList<string> filters, CancellationToken ct)
    {
        try
        {
            await _client.UnsubscribeAsync(MqttNetSettings.Unsubscribe(filters), ct);
            return true;
        }
        catch (Exception e)
        {
            End(Describe(e));
            return false;
        }
    }

    /// <summary>Says DISCONNECT; false when the connection was lost before that, which has <see cref="Ended"/> complete.</summary>
    public async Task<bool> CloseAsync(CancellationToken ct)
    {
        if (!IsAlive)
        {
            End("Lost before the goodbye.");
            return false;
        }

        try
        {
            await _client.DisconnectAsync(MqttNetSettings.Disconnect(), ct);
            return true;
        }
        catch (Exception e)
        {
            End(Describe(e));
            return false;
        }
    }

    /// <summary>Ends it without a word, if it has not ended.</summary>
    public void Dispose()
    {
        End("Disposed");
        _client.Dispose();
    }

    /// <summary>A client that keeps sending never asks whether its broker is alive: one that does not acknowledge is asked, once at a time.</summary>
    private async Task AskAsync(Exception cause)
    {
        if (!IsAlive || Interlocked.Exchange(ref _isAsking, 1) == 1)
        {
            return;
        }

        using var limit = new CancellationTokenSource(BrokerClientLimits.HandOverWithin, _time);
        try
        {
            await _client.PingAsync(limit.Token);
            Volatile.Write(ref _isAsking, 0);
        }
        catch (Exception)
        {
            End($"The broker is silent: {Describe(cause)}");
        }
    }

    private void End(string cause)
    {
        if (_ended.TrySetResult(cause))
        {
            // Whatever still waits on the connection is told so by its socket being closed.
            _client.Dispose();
        }
    }

    private static string Describe(Exception e) =>
        e.InnerException is { } inner && inner.Message != e.Message ? $"{e.Message} ({inner.Message})" : e.Message;
}
