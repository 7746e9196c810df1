using System.IO.Pipelines;

namespace SmartLock.Mqtt.Client;

/// <summary>Two ends joined by pipes within the process: for a fleet of devices beside their broker, and for tests.</summary>
public sealed class InMemoryMqttConnection : MqttConnection
{
    private InMemoryMqttConnection(PipeReader input, PipeWriter output)
    {
        Input = input;
        Output = output;
    }

    public override PipeReader Input { get; }

    public override PipeWriter Output { get; }

    /// <summary>Two connected ends; each buffers at most 64 KiB before its writer waits.</summary>
    public static (InMemoryMqttConnection Client, InMemoryMqttConnection Server) CreatePair()
    {
        var options = new PipeOptions(
            pauseWriterThreshold: 65_536,
            resumeWriterThreshold: 32_768,
            minimumSegmentSize: 512,
            useSynchronizationContext: false);
        var toServer = new Pipe(options);
        var toClient = new Pipe(options);
        return (new(toClient.Reader, toServer.Writer), new(toServer.Reader, toClient.Writer));
    }

    public override void EndOutput() => Output.Complete();

    public override void Abort()
    {
        Output.Complete(new IOException("The connection was aborted."));
        Output.CancelPendingFlush();
        Input.CancelPendingRead();
    }

    public override async ValueTask DisposeAsync()
    {
        await Output.CompleteAsync().ConfigureAwait(false);
        await Input.CompleteAsync().ConfigureAwait(false);
    }
}
