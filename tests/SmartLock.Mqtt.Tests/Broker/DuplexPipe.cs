using System.IO.Pipelines;

namespace SmartLock.Mqtt.Tests.Broker;

/// <summary>Two ends of a connection that never leaves the process.</summary>
internal sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
{
    public PipeReader Input { get; } = input;

    public PipeWriter Output { get; } = output;

    public static (DuplexPipe Client, DuplexPipe Broker) Create(PipeScheduler? brokerReads = null)
    {
        var up = new Pipe(new PipeOptions(readerScheduler: brokerReads, useSynchronizationContext: false));
        var down = new Pipe(new PipeOptions(useSynchronizationContext: false));
        return (new DuplexPipe(down.Reader, up.Writer), new DuplexPipe(up.Reader, down.Writer));
    }
}
