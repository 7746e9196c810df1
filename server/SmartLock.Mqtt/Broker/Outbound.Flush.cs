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
                if (length > 0)
                {
                    writer.Write(buffer.AsSpan(0, length));
                    OutboundBuffers.Return(buffer);
                    var result = await writer.FlushAsync().ConfigureAwait(false);
                    if (result.IsCompleted || result.IsCanceled)
                    {
                        Fail();
                        return;
                    }
                }

                if (wake)
                {
                    CountLanded();
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

    /// <summary>Before the session is woken: what it was refused for is with the transport.</summary>
    private void CountLanded()
    {
        lock (_gate)
        {
            Land();
            Count();
        }
    }

    /// <param name="buffer">To be sent and given back.</param>
    /// <param name="length">How much of it; zero when there is nothing to send but somebody to wake.</param>
    /// <param name="wake">Whether the session is to be woken once it is sent.</param>
    private bool TryTake(out byte[] buffer, out int length, out bool wake)
    {
        lock (_gate)
        {
            Land();
            if (_state == State.Dead || (_length == 0 && !_wakeWhenDrained))
            {
                Count();
                _state = _state == State.Dead ? State.Dead : State.Idle;
                _drained?.TrySetResult();
                _drained = null;
                (buffer, length, wake) = ([], 0, false);
                return false;
            }

            length = _length == 0 ? 0 : Releasable();
            if (length == 0 && _length > 0)
            {
                Count();
                _state = State.Held;
                (buffer, wake) = ([], false);
                return false;
            }

            wake = _wakeWhenDrained;
            _wakeWhenDrained = false;
            buffer = length == 0 ? [] : Take(length);
            Count();
            return true;
        }
    }

    private byte[] Take(int length)
    {
        var buffer = _buffer!;
        _buffer = null;
        KeepBack(buffer, length);
        _underWay = buffer.Length;
        _answersUnderWay = Math.Min(_answers, length);
        return buffer;
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
        (_underWay, _answers, _answersUnderWay) = (0, 0, 0);
        Relieve();
        if (_buffer is { } buffer)
        {
            _buffer = null;
            OutboundBuffers.Return(buffer);
        }

        Count();
    }
}
