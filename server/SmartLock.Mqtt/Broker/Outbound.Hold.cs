namespace SmartLock.Mqtt.Broker;

/// <summary>
/// What rests on a change that is not stored yet stays here until it is: an acknowledgement, or a message whose identifier a restart must
/// find again. Whatever is written after it waits behind it, so that the order stays.
/// </summary>
internal sealed partial class Outbound
{
    // Of the batches, one at most is being committed and one is being filled.
    private Mark _hold;
    private Mark _nextHold;

    /// <summary>The journal has committed a batch.</summary>
    public void OnCommitted()
    {
        lock (_gate)
        {
            if (_state == State.Held)
            {
                _state = State.Flushing;
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }
        }
    }

    /// <summary>What is written from here on waits for the batch.</summary>
    private void Hold(long batch)
    {
        if (batch == 0 || batch <= Math.Max(_hold.Batch, _nextHold.Batch) || journal is null || batch <= journal.Committed)
        {
            return;
        }

        DropCommitted();
        ref var free = ref _hold.Batch == 0 ? ref _hold : ref _nextHold;
        free = new Mark(batch, _length);
    }

    /// <returns>How many bytes may be sent. When there are none, the journal will tell.</returns>
    private int Releasable()
    {
        do
        {
            DropCommitted();
            if (_hold.Batch == 0 || _hold.Offset > 0)
            {
                return _hold.Batch == 0 ? _length : _hold.Offset;
            }
        }
        while (!journal!.TryAwait(this, _hold.Batch));
        return 0;
    }

    private void DropCommitted()
    {
        while (_hold.Batch != 0 && _hold.Batch <= journal!.Committed)
        {
            (_hold, _nextHold) = (_nextHold, default);
        }
    }

    /// <summary>Under the lock; the buffer was taken to send as much of it.</summary>
    private void KeepBack(byte[] taken, int length)
    {
        var rest = _length - length;
        if (rest > 0)
        {
            _buffer = OutboundBuffers.Rent(rest);
            taken.AsSpan(length, rest).CopyTo(_buffer);
        }

        _hold = _hold with { Offset = Math.Max(0, _hold.Offset - length) };
        _nextHold = _nextHold with { Offset = Math.Max(0, _nextHold.Offset - length) };

        Volatile.Write(ref _length, rest);
    }

    private readonly record struct Mark(long Batch, int Offset);
}
