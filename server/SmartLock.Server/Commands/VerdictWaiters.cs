namespace SmartLock.Server.Commands;

/// <summary>Requests that wait for a device's verdict. The verdict is in the store before a waiter learns of it.</summary>
internal sealed class VerdictWaiters(IHostApplicationLifetime lifetime)
{
    private readonly CancellationToken _stopping = lifetime.ApplicationStopping;
    private readonly System.Threading.Lock _gate = new();
    private readonly Dictionary<string, Waiter> _waiters = new(StringComparer.Ordinal);

    /// <summary>Begin before the command is published, or its verdict may pass by. Several requests may wait for one command.</summary>
    public Wait Begin(string commandId)
    {
        lock (_gate)
        {
            if (!_waiters.TryGetValue(commandId, out var waiter))
            {
                waiter = new Waiter();
                _waiters.Add(commandId, waiter);
            }

            waiter.Requests++;
            return new Wait(this, commandId, waiter);
        }
    }

    /// <summary>Commands that somebody waits for.</summary>
    public IReadOnlyList<string> Waiting()
    {
        lock (_gate)
        {
            return _waiters.Count == 0 ? [] : [.. _waiters.Keys];
        }
    }

    public bool IsWaitingFor(string commandId)
    {
        lock (_gate)
        {
            return _waiters.ContainsKey(commandId);
        }
    }

    public void Complete(Command command)
    {
        Waiter? waiter;
        lock (_gate)
        {
            waiter = _waiters.GetValueOrDefault(command.Id);
        }

        waiter?.Decided.TrySetResult(command);
    }

    private void End(string commandId, Waiter waiter)
    {
        lock (_gate)
        {
            if (--waiter.Requests == 0)
            {
                _waiters.Remove(commandId);
            }
        }
    }

    private sealed class Waiter
    {
        public TaskCompletionSource<Command> Decided { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Requests { get; set; }
    }

    /// <summary>One request's wait; disposing it ends the wait.</summary>
    internal readonly struct Wait : IDisposable
    {
        private readonly VerdictWaiters _waiters;
        private readonly Waiter _waiter;

        internal Wait(VerdictWaiters waiters, string commandId, object waiter)
        {
            _waiters = waiters;
            CommandId = commandId;
            _waiter = (Waiter)waiter;
        }

        public string CommandId { get; }

        /// <summary>The decided command, or null when the time is over or the server stops.</summary>
        public async Task<Command?> ForAsync(TimeSpan atMost, TimeProvider time, CancellationToken ct)
        {
            var stopping = _waiters._stopping;
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, stopping);
            try
            {
                return await _waiter.Decided.Task.WaitAsync(atMost, time, either.Token);
            }
            catch (TimeoutException)
            {
                return null;
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested && !ct.IsCancellationRequested)
            {
                return null;
            }
        }

        public void Dispose() => _waiters.End(CommandId, _waiter);
    }
}
