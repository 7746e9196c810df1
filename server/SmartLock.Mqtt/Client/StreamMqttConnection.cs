using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;

namespace SmartLock.Mqtt.Client;

/// <summary>TCP, with TLS over it where asked for.</summary>
internal sealed class StreamMqttConnection : MqttConnection
{
    // An idle connection holds no read buffer: it waits by a zero-byte read and rents one when data is there.
    private static readonly StreamPipeReaderOptions ReaderOptions = new(bufferSize: 2048, minimumReadSize: 512, useZeroByteReads: true);
    private static readonly StreamPipeWriterOptions WriterOptions = new(minimumBufferSize: 512);

    private readonly Socket _socket;
    private readonly Stream _stream;

    private StreamMqttConnection(Socket socket, Stream stream)
    {
        _socket = socket;
        _stream = stream;
        Input = PipeReader.Create(stream, ReaderOptions);
        Output = PipeWriter.Create(stream, WriterOptions);
    }

    public override PipeReader Input { get; }

    public override PipeWriter Output { get; }

    public static async ValueTask<MqttConnection> ConnectAsync(MqttClientOptions options, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            await socket.ConnectAsync(options.Host, options.Port, cancellationToken).ConfigureAwait(false);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (options.Tls is { } tls)
            {
                var secure = new SslStream(stream);
                stream = secure;
                await secure.AuthenticateAsClientAsync(tls.ToAuthenticationOptions(options.Host), cancellationToken).ConfigureAwait(false);
            }

            return new StreamMqttConnection(socket, stream);
        }
        catch
        {
            if (stream is not null)
            {
                await stream.DisposeAsync().ConfigureAwait(false);
            }

            socket.Dispose();
            throw;
        }
    }

    public override void EndOutput()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The peer was faster: there is no stream left to end.
            return;
        }
    }

    public override void Abort()
    {
        try
        {
            // A reset, not an orderly end: nothing that is still buffered goes out.
            _socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Already closed by either side, which is what was wanted.
            return;
        }

        _socket.Dispose();
    }

    public override async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync().ConfigureAwait(false);
        _socket.Dispose();
    }
}
