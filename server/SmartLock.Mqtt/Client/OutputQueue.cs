using System.Buffers;
using System.IO.Pipelines;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Client;

/// <summary>
/// Collects packets from any thread and hands them to the transport in batches; one writer is active at a time, and none
/// when there is nothing to write, so an idle connection holds no buffer.
/// </summary>
internal sealed class OutputQueue(PipeWriter output, MqttProtocolVersion version, TimeProvider time, Action<Exception> onFailure)
{
    /// <summary>Bytes above which senders that can wait do so.</summary>
    public const int HighWater = 64 * 1024;

    private readonly Lock _gate = new();
    private OutputBatch? _pending;
    private Exception? _failure;
    private bool _isEnding;
    private bool _isWriting;
    private long _lastWrite = time.GetTimestamp();

    /// <summary>When something was last handed over, as a timestamp of the clock.</summary>
    public long LastWrite => Volatile.Read(ref _lastWrite);

    /// <summary>Returns the batch that the packet became part of; it is not written before <see cref="Flush"/>.</summary>
    public OutputBatch Append(in OutgoingPublish publish)
    {
        lock (_gate)
        {
            if (Refusal() is { } failure)
            {
                return OutputBatch.CreateFailed(failure);
            }

            publish.WriteTo(_pending ??= new OutputBatch(), version);
            return _pending;
        }
    }

    public void Append(in AckPacket ack)
    {
        lock (_gate)
        {
            if (Refusal() is null)
            {
                ack.WriteTo(_pending ??= new OutputBatch(), version);
            }
        }
    }

    /// <param name="write">Writes the packet.</param>
    /// <param name="isLast">Nothing may follow it: what is appended later fails (section 3.14.4).</param>
    public OutputBatch Append(Action<IBufferWriter<byte>> write, bool isLast = false)
    {
        lock (_gate)
        {
            if (Refusal() is { } failure)
            {
                return OutputBatch.CreateFailed(failure);
            }

            write(_pending ??= new OutputBatch());
            _isEnding = isLast;
            return _pending;
        }
    }

    public void Flush()
    {
        lock (_gate)
        {
            if (_isWriting || _pending is null || _failure is not null)
            {
                return;
            }

            _isWriting = true;
        }

        _ = WriteAsync();
    }

    /// <summary>Completes when the batch was handed to the transport; fails when the connection did.</summary>
    public ValueTask WrittenAsync(OutputBatch batch, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (batch.IsWritten)
            {
                return ValueTask.CompletedTask;
            }

            return (_failure ?? batch.Failure) is { } failure
                ? ValueTask.FromException(failure)
                : new ValueTask(batch.Written().WaitAsync(cancellationToken));
        }
    }

    /// <summary>Waits while more than <see cref="HighWater"/> bytes are queued.</summary>
    public async ValueTask WaitForRoomAsync(CancellationToken cancellationToken)
    {
        while (CrowdedBatch() is { } batch)
        {
            Flush();
            await WrittenAsync(batch, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Ends the queue: what waits for a batch fails, what comes later is discarded.</summary>
    public void Fail(Exception exception)
    {
        OutputBatch? abandoned;
        lock (_gate)
        {
            _failure ??= exception;
            abandoned = _isWriting ? null : _pending;
            _pending = _isWriting ? _pending : null;
        }

        abandoned?.Fail(exception);
    }

    private Exception? Refusal() => _failure ?? (_isEnding ? new IOException("The connection is being closed.") : null);

    private OutputBatch? CrowdedBatch()
    {
        lock (_gate)
        {
            return _failure is null && _pending is { Length: > HighWater } batch ? batch : null;
        }
    }

    private async Task WriteAsync()
    {
        OutputBatch? batch = null;
        try
        {
            while ((batch = TakePending()) is not null)
            {
                // Before, and not after: what the peer answers is answered to a write that counts.
                Volatile.Write(ref _lastWrite, time.GetTimestamp());
                var result = await output.WriteAsync(batch.Bytes).ConfigureAwait(false);
                if (result.IsCompleted || result.IsCanceled)
                {
                    throw new IOException("The connection was closed while writing.");
                }

                Complete(batch);
            }
        }
        catch (Exception e)
        {
            // Whatever the transport throws means one thing: the connection is gone. The cause is handed on.
            OutputBatch? next;
            lock (_gate)
            {
                _failure ??= e;
                _isWriting = false;
                next = _pending;
                _pending = null;
            }

            batch?.Fail(e);
            next?.Fail(e);
            onFailure(e);
        }
    }

    private OutputBatch? TakePending()
    {
        lock (_gate)
        {
            if (_failure is { } failure)
            {
                throw new IOException("The connection was closed.", failure);
            }

            var batch = _pending;
            _pending = null;
            _isWriting = batch is not null;
            return batch;
        }
    }

    private void Complete(OutputBatch batch)
    {
        lock (_gate)
        {
            batch.Complete();
        }
    }
}

/// <summary>Packets in a pooled buffer on their way to one write. Guarded by its queue.</summary>
internal sealed class OutputBatch : IBufferWriter<byte>
{
    private const int InitialSize = 512;

    private byte[] _buffer = [];
    private TaskCompletionSource? _written;

    public int Length { get; private set; }

    public bool IsWritten { get; private set; }

    public Exception? Failure { get; private set; }

    public ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, Length);

    /// <summary>For a queue that has ended: holds nothing, and tells so to whoever waits for it.</summary>
    public static OutputBatch CreateFailed(Exception exception)
    {
        var batch = new OutputBatch();
        batch.Fail(exception);
        return batch;
    }

    public void Advance(int count) => Length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        EnsureRoom(sizeHint);
        return _buffer.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        EnsureRoom(sizeHint);
        return _buffer.AsSpan(Length);
    }

    public Task Written()
    {
        _written ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return _written.Task;
    }

    public void Complete()
    {
        IsWritten = true;
        Release();
        _written?.TrySetResult();
    }

    public void Fail(Exception exception)
    {
        Release();
        Failure = exception;
        if (_written is { } written && written.TrySetException(exception))
        {
            // Its waiter may have been cancelled; the exception is reported by the connection in any case.
            _ = written.Task.Exception;
        }
    }

    private void EnsureRoom(int sizeHint)
    {
        var needed = Length + Math.Max(sizeHint, 1);
        if (needed <= _buffer.Length)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, Math.Max(InitialSize, _buffer.Length * 2)));
        Bytes.Span.CopyTo(larger);
        Release();
        _buffer = larger;
    }

    private void Release()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
        }
    }
}
