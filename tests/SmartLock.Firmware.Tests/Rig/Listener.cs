using System.Collections.Concurrent;
using System.Text;
using SmartLock.Device;

namespace SmartLock.Firmware.Tests.Rig;

internal sealed class Listener : ILinkListener
{
    private int _acknowledged;
    private int _closed;
    private int _givenUp;

    public ConcurrentQueue<(string Topic, string Text, bool Retained)> Messages { get; } = new();

    public int Acknowledged => Volatile.Read(ref _acknowledged);

    public int GivenUp => Volatile.Read(ref _givenUp);

    public int Closed => Volatile.Read(ref _closed);

    /// <summary>Run by every message, on the link's thread.</summary>
    public Action OnEach { get; set; } = static () => { };

    public void OnMessage(string topic, byte[] payload, bool retained)
    {
        Messages.Enqueue((topic, Encoding.UTF8.GetString(payload), retained));
        OnEach();
    }

    public void OnAcknowledged() => Interlocked.Increment(ref _acknowledged);

    public void OnGivenUp() => Interlocked.Increment(ref _givenUp);

    public void OnClosed() => Interlocked.Increment(ref _closed);
}
