using System.IO.Pipelines;
using System.Net.WebSockets;

namespace SmartLock.Mqtt.Broker;

/// <summary>
/// The byte stream inside binary frames; frames and packets need not line up. A text frame ends the stream (MQTT-6.0.0-1).
/// </summary>
internal sealed class WebSocketTransport : IDuplexPipe, IAsyncDisposable
{
    private readonly WebSocket _socket;
    private readonly Pipe _received = new(new PipeOptions(useSynchronizationContext: false));

    // What waits here is not counted with what waits for all sockets: a share at most.
    private readonly Pipe _toSend = new(new PipeOptions(
        pauseWriterThreshold: OutboundTotal.Share, resumeWriterThreshold: OutboundTotal.Share / 2, useSynchronizationContext: false));

    private readonly CancellationTokenSource _ended = new();
    private readonly Task _receiving;
    private readonly Task<bool> _sending;

    public WebSocketTransport(WebSocket socket)
    {
        _socket = socket;
        _receiving = ReceiveAsync();
        _sending = SendAsync();
    }

    /// <summary>Nothing of this transport runs any more.</summary>
    public CancellationToken Ended => _ended.Token;

    public PipeReader Input => _received.Reader;

    public PipeWriter Output => _toSend.Writer;

    public async ValueTask DisposeAsync()
    {
        // The broker has completed both pipes: what it wrote goes out first. Then the peer's side of the closing is awaited, as a socket let go
        // before is reset and may take the last packet with it; whoever opened the socket cuts it when that takes too long.
        if (await _sending.ConfigureAwait(false))
        {
            await _receiving.ConfigureAwait(false);
        }

        await _ended.CancelAsync().ConfigureAwait(false);
        await _receiving.ConfigureAwait(false);
        _ended.Dispose();
    }

    private async Task ReceiveAsync()
    {
        var writer = _received.Writer;
        var isBroken = false;
        try
        {
            while (true)
            {
                // An idle connection holds no buffer: a zero-byte read waits for data first.
                await _socket.ReceiveAsync(Memory<byte>.Empty, _ended.Token).ConfigureAwait(false);
                var frame = await _socket.ReceiveAsync(writer.GetMemory(), _ended.Token).ConfigureAwait(false);
                if (frame.MessageType != WebSocketMessageType.Binary)
                {
                    break;
                }

                writer.Advance(frame.Count);
                var flushed = await writer.FlushAsync(_ended.Token).ConfigureAwait(false);
                if (flushed.IsCompleted)
                {
                    break;
                }
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            isBroken = true;
        }

        // Without the exception: a pipe completed with one no longer gives out what it holds, and a DISCONNECT that came before the break would be lost.
        await writer.CompleteAsync().ConfigureAwait(false);
        if (!isBroken)
        {
            await DiscardAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Nobody reads any more: what still comes is dropped, up to the peer's close.</summary>
    private async Task DiscardAsync()
    {
        try
        {
            var nowhere = new byte[512];
            while (_socket.State is WebSocketState.Open or WebSocketState.CloseSent)
            {
                await _socket.ReceiveAsync(nowhere.AsMemory(), _ended.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            // The peer did not close in order, or was cut: there is nothing left to wait for.
            return;
        }
    }

    /// <returns>False when the peer is gone.</returns>
    private async Task<bool> SendAsync()
    {
        var reader = _toSend.Reader;
        var isClosed = false;
        try
        {
            while (true)
            {
                var result = await reader.ReadAsync().ConfigureAwait(false);
                foreach (var segment in result.Buffer)
                {
                    await _socket.SendAsync(segment, WebSocketMessageType.Binary, endOfMessage: true, _ended.Token).ConfigureAwait(false);
                }

                reader.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted || result.IsCanceled)
                {
                    break;
                }
            }

            await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, _ended.Token).ConfigureAwait(false);
            isClosed = true;
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            // The peer is gone; the broker learns it from the completed pipe.
        }

        await reader.CompleteAsync().ConfigureAwait(false);
        return isClosed;
    }
}
