using System.IO.Pipelines;
using System.Net.WebSockets;
using SmartLock.Mqtt.Client;

namespace SmartLock.Mqtt.Tests.Interop;

/// <summary>A WebSocket under the client, as an application may give it one.</summary>
internal sealed class WebSocketConnection : MqttConnection
{
    private readonly ClientWebSocket _socket;
    private readonly WebSocketStream _stream;

    private WebSocketConnection(ClientWebSocket socket)
    {
        _socket = socket;
        _stream = WebSocketStream.Create(socket, WebSocketMessageType.Binary, closeTimeout: TimeSpan.FromSeconds(5));
        Input = PipeReader.Create(_stream);
        Output = PipeWriter.Create(_stream);
    }

    public override PipeReader Input { get; }

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
        // A WebSocket has no half that could be closed alone; DisposeAsync closes both in order.
    }

    public override void Abort() => _socket.Abort();

    public override async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _socket.Dispose();
    }
}
