using System.Collections.Concurrent;
using System.Text;

namespace SmartLock.Firmware.Shapes;

/// <summary>A cable to the board's second serial port, with a person at its other end.</summary>
public sealed class SerialLine
{
    private readonly ConcurrentQueue<byte> _toBoard = new();
    private readonly StringBuilder _fromBoard = new();

    /// <summary>By device function, the pin that it was put on.</summary>
    public ConcurrentDictionary<string, int> Functions { get; } = new();

    public event Action<string>? Heard;

    internal int Waiting => _toBoard.Count;

    public void Type(string text)
    {
        foreach (var b in Encoding.UTF8.GetBytes(text))
        {
            _toBoard.Enqueue(b);
        }
    }

    /// <summary>All that the board has said.</summary>
    public string Said
    {
        get
        {
            lock (_fromBoard)
            {
                return _fromBoard.ToString();
            }
        }
    }

    internal bool TryTake(out byte value) => _toBoard.TryDequeue(out value);

    internal void Say(byte[] bytes, int offset, int count)
    {
        var text = Encoding.UTF8.GetString(bytes, offset, count);
        lock (_fromBoard)
        {
            _fromBoard.Append(text);
        }

        Heard?.Invoke(text);
    }
}
