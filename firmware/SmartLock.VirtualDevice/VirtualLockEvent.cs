using SmartLock.Device;

namespace SmartLock.VirtualDevice;

public enum VirtualLockEventKind
{
    Booted,
    Connected,

    /// <summary>The broker could not be reached, or turned the device away.</summary>
    ConnectFailed,
    ConnectionLost,
    Stopped,

    /// <summary>A rightly signed command was decided on.</summary>
    Decided,

    /// <summary>A line of the brain's own log, such as the reason of a refusal.</summary>
    Logged,
    PowerCut,
}

/// <param name="At">True time, whatever the device's own clock says.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Text">For a person.</param>
/// <param name="Decision">Only with <see cref="VirtualLockEventKind.Decided"/>.</param>
public sealed record VirtualLockEvent(DateTimeOffset At, VirtualLockEventKind Kind, string Text, Decision? Decision = null);
