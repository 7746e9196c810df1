using System.Text;

namespace SmartLock.Server.Messaging;

/// <summary>
/// What the server remembers of a device between two of its statuses, so that a heartbeat costs no read. All of it can be read
/// again from the store. What a status changes is guarded by the object's own monitor.
/// </summary>
internal sealed class CachedDevice(string deviceId, byte[] key, bool isUnsigned)
{
    public string DeviceId { get; } = deviceId;

    public byte[] Key { get; } = key;

    public bool IsUnsigned { get; } = isUnsigned;

    /// <summary>Its lock's owner, whose devices' connections are counted together.</summary>
    public string Owner { get; set; } = deviceId;

    /// <summary>Which of the keys that a lock of this device id has had; see <see cref="DeviceRecord"/>.</summary>
    public long KeyFrom { get; init; }

    /// <summary>When the store was asked for its key; a monotonic timestamp.</summary>
    public long ReadAt { get; init; }

    /// <summary>Device's time, Unix milliseconds, of its last believed status; 0 before the first.</summary>
    public long SentAt { get; set; }

    /// <summary>Device's time, Unix milliseconds, of its present connection.</summary>
    public long ConnectedAt { get; set; }

    /// <summary>Server's time, UTC.</summary>
    public DateTimeOffset ReceivedAt { get; set; }

    /// <summary>The verdict that is in the store already: heartbeats repeat it until the next command.</summary>
    public (string CommandId, string Result)? Settled { get; set; }

    /// <summary>Of the device's last believed status; null when it named none.</summary>
    public string? Boot { get; set; }

    private const int LossesPerMinute = 10;
    private DateTimeOffset _lossesSince;
    private int _losses;
    private string? _issue;
    private string? _firmware;

    /// <summary>
    /// False for a device that connects and disconnects by the second: it would fill the log, two entries each time. The offline sweep
    /// finds it all the same.
    /// </summary>
    public bool MayBeLost(DateTimeOffset now)
    {
        if ((now - _lossesSince).Duration() >= TimeSpan.FromMinutes(1))
        {
            _lossesSince = now;
            _losses = 0;
        }

        return ++_losses <= LossesPerMinute;
    }

    // Heartbeats say the same thing all day; the string of the last one serves again.
    public string? IssueText(ReadOnlySpan<byte> utf8) => Reuse(ref _issue, utf8);

    public string? FirmwareText(ReadOnlySpan<byte> utf8) => Reuse(ref _firmware, utf8);

    /// <summary>Takes over what the present status says.</summary>
    /// <returns>Whether it is another than before.</returns>
    public bool TakeBoot(ReadOnlySpan<byte> utf8)
    {
        if (Boot is { } known ? Ascii.Equals(utf8, known) : utf8.IsEmpty)
        {
            return false;
        }

        Boot = utf8.IsEmpty ? null : Encoding.ASCII.GetString(utf8);
        return true;
    }

    public bool IsSettled(ReadOnlySpan<byte> commandId, string result) =>
        Settled is { } settled && Ascii.Equals(commandId, settled.CommandId) && settled.Result == result;

    private static string? Reuse(ref string? last, ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty)
        {
            return null;
        }

        if (last is null || !Ascii.Equals(utf8, last))
        {
            last = Encoding.UTF8.GetString(utf8);
        }

        return last;
    }
}
