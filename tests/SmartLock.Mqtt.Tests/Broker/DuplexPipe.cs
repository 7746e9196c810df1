using System.IO.Pipelines;

namespace SmartLock.Mqtt.Tests.Broker;

/// <summary>Two ends of a connection that never leaves the process.</summary>
internal sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
{
    public PipeReader Input { get; } = input;

    public PipeWriter Output { get; } = output;

    /// <param name="brokerReads">Where the broker goes on when something has come.</param>
    /// <param name="unread">Bytes that may be under way to the client before the broker's writes wait; as pipes have it unless given.</param>
    public static (DuplexPipe Client, DuplexPipe Broker) Create(PipeScheduler? brokerReads = null, int? unread = null)
    {
        var up = new Pipe(new PipeOptions(readerScheduler: brokerReads, useSynchronizationContext: false));
        var down = new Pipe(new PipeOptions(pauseWriterThreshold: unread ?? -1, resumeWriterThreshold: unread ?? -1, useSynchronizationContext: false));
        return (new DuplexPipe(down.Reader, up.Writer), new DuplexPipe(up.Reader, down.Writer));
    }
}
