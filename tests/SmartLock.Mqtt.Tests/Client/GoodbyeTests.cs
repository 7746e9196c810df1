using System.IO.Pipelines;
using SmartLock.Mqtt.Client;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Client;

/// <summary>What a client is told of the end that it asked for.</summary>
public sealed class GoodbyeTests
{
    [Fact]
    public async Task A_broker_that_closes_while_the_goodbye_is_still_being_written_was_left_in_order()
    {
        var broker = new ScriptedBroker();
        var told = new TaskCompletionSource<MqttDisconnectCause>(TaskCreationOptions.RunContinuationsAsynchronously);
        var options = broker.Options with { Connector = async ct => new SlowToReturn(await broker.Options.Connector!(ct), told.Task) };
        await using var client = new MqttClient(options);
        client.Disconnected += (_, e) => told.TrySetResult(e.Cause);
        var peer = await broker.ConnectAsync(client);

        var leaving = client.DisconnectAsync();
        await peer.ExpectAsync(MqttPacketType.Disconnect);
        await peer.CloseAsync();

        (await ScriptedBroker.InTime(told.Task)).ShouldBe(MqttDisconnectCause.Requested);
        await ScriptedBroker.InTime(leaving);
    }

    /// <summary>A write of a DISCONNECT has reached the peer long before the writer learns of it.</summary>
    private sealed class SlowToReturn(MqttConnection inner, Task until) : MqttConnection
    {
        public override PipeReader Input => inner.Input;

        public override PipeWriter Output { get; } = new SlowWriter(inner.Output, until);

        public override void EndOutput() => inner.EndOutput();

        public override void Abort() => inner.Abort();

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private sealed class SlowWriter(PipeWriter inner, Task until) : PipeWriter
    {
        public override void Advance(int bytes) => inner.Advance(bytes);

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);

        public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

        public override async ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
        {
            var isGoodbye = MqttFrame.TypeOf(source.Span[0]) is MqttPacketType.Disconnect;
            var result = await inner.WriteAsync(source, cancellationToken);
            if (isGoodbye)
            {
                await ScriptedBroker.InTime(until);
            }

            return result;
        }
    }
}
