namespace SmartLock.Server.Infrastructure;

/// <summary>An auto-reset event for one waiter: signals that come before it waits are one signal.</summary>
internal sealed class AsyncSignal
{
    private readonly System.Threading.Lock _gate = new();
    private TaskCompletionSource? _waiter;
    private bool _isSet;

    public void Set()
    {
        TaskCompletionSource? waiter;
        lock (_gate)
        {
            waiter = _waiter;
            _waiter = null;
            _isSet = waiter is null;
        }

        waiter?.TrySetResult();
    }

    public async Task WaitAsync(CancellationToken ct)
    {
        if (Begin() is not { } waiting)
        {
            return;
        }

        try
        {
            await waiting.WaitAsync(ct);
        }
        catch (OperationCanceledException)
        {
            End();
            throw;
        }
    }

    /// <summary>Ends without a signal once the time is over.</summary>
    public async Task WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken ct)
    {
        if (Begin() is not { } waiting)
        {
            return;
        }

        try
        {
            await waiting.WaitAsync(atMost, time, ct);
        }
        catch (TimeoutException)
        {
            End();
        }
        catch (OperationCanceledException)
        {
            End();
            throw;
        }
    }

    private Task? Begin()
    {
        lock (_gate)
        {
            if (_isSet)
            {
                _isSet = false;
                return null;
            }

            // Continues elsewhere than on the thread that sets it, which may be a broker's read loop.
            _waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _waiter.Task;
        }
    }

    private void End()
    {
        lock (_gate)
        {
            _waiter = null;
        }
    }
}
