namespace SmartLock.VirtualDevice.Board;

/// <summary>The ids of the last commands that were done.</summary>
internal sealed class ExecutedCommands
{
    private const int Max = 256;

    private readonly Queue<string> _ids = new();

    public void Add(string id)
    {
        lock (_ids)
        {
            _ids.Enqueue(id);
            if (_ids.Count > Max)
            {
                _ids.Dequeue();
            }
        }
    }

    public string[] ToArray()
    {
        lock (_ids)
        {
            return [.. _ids];
        }
    }
}
