using System.Runtime.InteropServices;

namespace SmartLock.Server.Cli;

/// <summary>
/// Ctrl-C and SIGTERM from the first moment on: without it a stop that comes before the command's own handlers are there ends the process with the
/// signal's code, as a crash does.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration[] _registrations;

    public StopSignals() => _registrations =
    [
        .. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM }.Select(signal => PosixSignalRegistration.Create(signal, Take)),
    ];

    /// <summary>Cancelled when a stop was asked for.</summary>
    public CancellationToken Token => _stop.Token;

    // Not the token's source: a signal may just be cancelling it, and without a timer it holds nothing that must be freed.
    public void Dispose() => Array.ForEach(_registrations, registration => registration.Dispose());

    private void Take(PosixSignalContext signal)
    {
        signal.Cancel = true;
        _stop.Cancel();
    }
}
