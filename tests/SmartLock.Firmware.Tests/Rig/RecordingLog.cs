using System.Collections.Concurrent;
using SmartLock.Device;

namespace SmartLock.Firmware.Tests.Rig;

internal sealed class RecordingLog : ILog
{
    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyCollection<string> Lines => _lines;

    public void Write(string line) => _lines.Enqueue(line);
}
