using System.Buffers;

namespace SmartLock.Mqtt.Broker;

internal sealed partial class Outbound
{
    /// <summary>Ends when everything written is with the transport, or the transport is gone.</summary>
    public Task WhenDrainedAsync()
    {
        lock (_gate)
        {
            if (_state is State.Idle or State.Dead)
            {
                return Task.CompletedTask;
            }

            _drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            StartFlusher();
            return _drained.Task;
        }
    }

    /// <summary>The transport is gone: lets go of the buffer. No flush begins after this.</summary>
    public void Abandon()
    {
        lock (_gate)
        {
            Die();
        }
    }

    public void EndTurn()
    {
        lock (_gate)
        {
            _inTurn = false;
            NextInTurn = null;
            StartFlusher();
        }
    }

    void IThreadPoolWorkItem.Execute() => _ = FlushAsync();

    private void StartFlusher()
    {
        if (_state == State.Written)
        {
            _state = State.Flushing;
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    // Its own task is not awaited: nothing here may throw.
    private async Task FlushAsync()
    {
        try
        {
            while (TryTake(out var buffer, out var length, out var wake))
            {
                writer.Write(buffer.AsSpan(0, length));
                OutboundBuffers.Return(buffer);
                var result = await writer.FlushAsync().ConfigureAwait(false);
                if (result.IsCompleted || result.IsCanceled)
                {
                    Fail();
                    return;
                }

                if (wake)
                {
                    owner.OnDrained();
                }
            }
        }
#pragma warning disable CA1031 // Whatever the transport throws ends this one connection.
        catch (Exception)
#pragma warning restore CA1031
        {
            Fail();
        }
    }

    private bool TryTake(out byte[] buffer, out int length, out bool wake)
    {
        lock (_gate)
        {
            if (_state == State.Dead || _length == 0)
            {
                _state = _state == State.Dead ? State.Dead : State.Idle;
                _drained?.TrySetResult();
                _drained = null;
                (buffer, length, wake) = ([], 0, false);
                return false;
            }

            length = Releasable();
            if (length == 0)
            {
                _state = State.Held;
                (buffer, wake) = ([], false);
                return false;
            }

            (buffer, wake) = (_buffer!, _wakeWhenDrained);
            (_buffer, _wakeWhenDrained) = (null, false);
            KeepBack(buffer, length);
            return true;
        }
    }

    private void Fail()
    {
        lock (_gate)
        {
            Die();
        }

        owner.OnWriteFailed();
    }

    private void Die()
    {
        _state = State.Dead;
        _length = 0;
        (_hold, _nextHold) = (default, default);
        _drained?.TrySetResult();
        _drained = null;
        if (_buffer is { } buffer)
        {
            _buffer = null;
            OutboundBuffers.Return(buffer);
        }
    }
}
