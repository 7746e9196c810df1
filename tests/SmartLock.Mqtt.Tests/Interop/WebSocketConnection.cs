using System.IO.Pipelines;
using System.Net.WebSockets;
using SmartLock.Mqtt.Client;

namespace SmartLock.Mqtt.Tests.Interop;

/// <summary>A WebSocket under the client, as an application may give it one.</summary>
internal sealed class WebSocketConnection : MqttConnection
{
    private readonly ClientWebSocket _socket;
    private readonly WebSocketStream _stream;
    private readonly Pipe _received = new();
    private readonly Task _receiving;

    private WebSocketConnection(ClientWebSocket socket)
    {
        _socket = socket;
        _stream = WebSocketStream.Create(socket, WebSocketMessageType.Binary);
        Output = PipeWriter.Create(_stream, new StreamPipeWriterOptions(leaveOpen: true));
        _receiving = ReceiveAsync();
    }

    /// <summary>Not the socket itself: a cancelled read would abort that, and the client cancels one when it says goodbye.</summary>
    public override PipeReader Input => _received.Reader;

    public override PipeWriter Output { get; }

    public static async Task<MqttConnection> OpenAsync(Uri address, CancellationToken ct)
    {
        var socket = new ClientWebSocket();
        try
        {
            socket.Options.AddSubProtocol("mqtt");
            await socket.ConnectAsync(address, ct);
            return new WebSocketConnection(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public override void EndOutput()
    {
        // The DISCONNECT before has said it; DisposeAsync closes the WebSocket once the broker has.
    }

    public override void Abort() => _socket.Abort();

    public override async ValueTask DisposeAsync()
    {
        if (_socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
        {
            await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        }

        _socket.Dispose();
        await _receiving;
    }

    private async Task ReceiveAsync()
    {
        try
        {
            await _stream.CopyToAsync(_received.Writer);
            await _received.Writer.CompleteAsync();
        }
        catch (Exception e)
        {
            await _received.Writer.CompleteAsync(e);
        }
    }
}
