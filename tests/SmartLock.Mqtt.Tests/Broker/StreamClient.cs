using System.IO.Pipelines;

namespace SmartLock.Mqtt.Tests.Broker;

internal static class StreamClient
{
    public static TestClient Over(Stream stream)
    {
        return new TestClient(new DuplexPipe(PipeReader.Create(stream), PipeWriter.Create(stream)), Task.CompletedTask);
    }
}
