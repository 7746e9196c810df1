namespace SmartLock.Mqtt.Client;

/// <summary>
/// One one-shot timer per connection. It fires when nothing would have been sent, or nothing received, for three quarters of the
/// keep-alive interval; after a PINGREQ it fires once more and, when nothing has arrived by then, declares the connection dead. So a
/// client that only sends learns as well that its peer is gone.
/// </summary>
internal sealed class KeepAliveTimer : IDisposable
{
    private readonly TimeProvider _time;
    private readonly OutputQueue _output;
    private readonly Action _ping;
    private readonly Action _onDead;
    private readonly TimeSpan _idleLimit;
    private readonly TimeSpan _answerLimit;
    private readonly ITimer _timer;
    private volatile bool _isAwaitingAnswer;
    private long _lastReceived;

    public KeepAliveTimer(TimeProvider time, TimeSpan interval, OutputQueue output, Action ping, Action onDead)
    {
        _time = time;
        _output = output;
        _ping = ping;
        _onDead = onDead;
        _idleLimit = interval * 0.75;
        _answerLimit = interval * 0.5;
        _lastReceived = time.GetTimestamp();

        // Created idle, so that it cannot fire before the field is assigned.
        _timer = time.CreateTimer(static state => ((KeepAliveTimer)state!).Fire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(_idleLimit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Anything received proves that the peer lives.</summary>
    public void OnReceived()
    {
        Volatile.Write(ref _lastReceived, _time.GetTimestamp());
        _isAwaitingAnswer = false;
    }

    public void Dispose() => _timer.Dispose();

    private void Fire()
    {
        if (_isAwaitingAnswer)
        {
            _onDead();
            return;
        }

        var idle = _time.GetElapsedTime(Math.Min(_output.LastWrite, Volatile.Read(ref _lastReceived)));
        if (idle < _idleLimit)
        {
            _timer.Change(_idleLimit - idle, Timeout.InfiniteTimeSpan);
            return;
        }

        _isAwaitingAnswer = true;
        _ping();
        _timer.Change(_answerLimit, Timeout.InfiniteTimeSpan);
    }
}
