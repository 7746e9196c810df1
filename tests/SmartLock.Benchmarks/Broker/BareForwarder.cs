using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Benchmarks;

/// <summary>
/// No broker: it cuts the stream into packets and hands every PUBLISH of QoS 0 as it came to the one subscriber. What Kestrel and the kernel cost by
/// themselves, and so the best that a broker on Kestrel can reach under the same load.
/// </summary>
internal sealed class BareForwarder : ConnectionHandler, IThreadPoolWorkItem
{
    private readonly Lock _gate = new();
    private PipeWriter? _subscriber;
    private bool _flushes;
    private bool _hasWritten;

    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        var input = connection.Transport.Input;
        while (true)
        {
            var result = await input.ReadAsync();
            var buffer = result.Buffer;
            Take(ref buffer, connection.Transport.Output);
            input.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCompleted)
            {
                return;
            }
        }
    }

    public void Execute() => _ = FlushAsync();

    // One at a time, as a pipe demands; what was written meanwhile goes with the next.
    private async Task FlushAsync()
    {
        while (TryBeginFlush(out var flush))
        {
            await flush;
        }
    }

    private bool TryBeginFlush(out ValueTask<FlushResult> flush)
    {
        lock (_gate)
        {
            _flushes = _hasWritten;
            _hasWritten = false;
            flush = _flushes ? _subscriber!.FlushAsync() : default;
            return _flushes;
        }
    }

    private void Take(ref ReadOnlySequence<byte> buffer, PipeWriter output)
    {
        lock (_gate)
        {
            var whole = buffer;
            while (MqttFrame.TryRead(ref buffer, uint.MaxValue, out var header, out _))
            {
                Answer(header, whole.Slice(whole.Start, buffer.Start), output);
                whole = buffer;
            }
        }
    }

    private void Answer(byte header, in ReadOnlySequence<byte> packet, PipeWriter output)
    {
        switch (MqttFrame.TypeOf(header))
        {
            case MqttPacketType.Connect:
                Send(output, [(byte)MqttPacketType.ConnAck << 4, 2, 0, 0]);
                break;
            case MqttPacketType.Subscribe:
                _subscriber = output;
                Send(output, [(byte)MqttPacketType.SubAck << 4, 3, 0, 1, (byte)MqttQoS.AtMostOnce]);
                break;
            case MqttPacketType.Publish:
                Forward(packet);
                break;
            default:
                break;
        }
    }

    private static void Send(PipeWriter output, ReadOnlySpan<byte> packet)
    {
        output.Write(packet);
        _ = output.FlushAsync().AsTask();
    }

    private void Forward(in ReadOnlySequence<byte> packet)
    {
        foreach (var part in packet)
        {
            _subscriber!.Write(part.Span);
        }

        _hasWritten = true;
        if (_flushes)
        {
            return;
        }

        _flushes = true;
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }
}
