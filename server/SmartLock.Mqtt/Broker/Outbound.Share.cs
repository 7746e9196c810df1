namespace SmartLock.Mqtt.Broker;

/// <summary>
/// Its part of what waits for all sockets. When all together hold as much as may be, who holds more than its share gets no more messages, and
/// who leaves more than that of answers unread is not read from.
/// </summary>
internal sealed partial class Outbound
{
    // What is with the transport and not taken yet, as the buffer that it was in: the transport holds as much for it.
    private int _underWay;
    private int _counted;
    private int _answers;
    private int _answersUnderWay;
    private TaskCompletionSource? _relieved;

    /// <summary>Whether nothing more may be asked for by this client until it has read; a hint, read without the lock.</summary>
    public bool OwesReading => Volatile.Read(ref _answers) > OutboundTotal.Share && total.IsFull;

    /// <summary>Ends when <see cref="OwesReading"/> has, or the transport is gone.</summary>
    public Task WhenRelievedAsync(CancellationToken ct)
    {
        lock (_gate)
        {
            if (_state == State.Dead || !OwesReading)
            {
                return Task.CompletedTask;
            }

            _relieved ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _relieved.Task.WaitAsync(ct);
        }
    }

    // One message always has room where nothing waits: so a client that reads gets those too that are larger than a share.
    private bool IsBeyondShare(int size)
    {
        var held = Volatile.Read(ref _length) + _underWay;
        return held > 0 && held + size > OutboundTotal.Share && total.IsFull;
    }

    private void CountAnswer(int size) => Volatile.Write(ref _answers, _answers + size);

    /// <summary>Under the lock: the buffer is another one, or the transport has taken what was under way.</summary>
    private void Count()
    {
        var beyond = Math.Max(0, (_buffer?.Length ?? 0) + _underWay - OutboundTotal.Share);
        if (beyond != _counted)
        {
            total.Add(beyond - _counted);
            _counted = beyond;
        }
    }

    /// <summary>The transport has taken what was under way. The buffer is counted by the caller.</summary>
    private void Land()
    {
        _underWay = 0;
        Volatile.Write(ref _answers, _answers - _answersUnderWay);
        _answersUnderWay = 0;
        if (_relieved is not null && !OwesReading)
        {
            Relieve();
        }
    }

    private void Relieve()
    {
        _relieved?.TrySetResult();
        _relieved = null;
    }
}
