using System.IO.Pipelines;

namespace SmartLock.Mqtt.Client;

/// <summary>A byte stream to a broker. Disposing closes it in order, after what was flushed has gone out.</summary>
public abstract class MqttConnection : IDuplexPipe, IAsyncDisposable
{
    public abstract PipeReader Input { get; }

    public abstract PipeWriter Output { get; }

    /// <summary>Tells the peer that nothing more will come, while what it sends can still be read.</summary>
    public abstract void EndOutput();

    /// <summary>Ends the stream at once, as a power cut would; pending reads and writes end. May be called at any time.</summary>
    public abstract void Abort();

    public abstract ValueTask DisposeAsync();
}
