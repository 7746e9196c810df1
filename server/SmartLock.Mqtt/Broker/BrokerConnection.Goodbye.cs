using System.IO.Pipelines;
using System.Net.Sockets;

namespace SmartLock.Mqtt.Broker;

/// <summary>
/// A peer that is told why it has to go must be able to read it. What it sent meanwhile is read and dropped, for a bounded time and up to a bounded
/// size: a socket that is closed with something unread is reset, and a reset takes the reason with it.
/// </summary>
internal sealed partial class BrokerConnection
{
    private const long MostDiscarded = 8 * 1024 * 1024;

    /// <summary>
    /// The transport sends on its own and does not tell when it has: closed for writing at once, it would have lost the reason. Most peers
    /// close first.
    /// </summary>
    private static readonly TimeSpan BeforeHalfClose = TimeSpan.FromMilliseconds(100);

    private bool _isToldWhy;

    private async Task DiscardAsync(Action halfClose)
    {
        _core.Connections.Leave(this);
        using var end = new CancellationTokenSource(_core.Options.DrainTimeout, _core.Clock.Time);
        var left = MostDiscarded;
        try
        {
            using (var atOnce = new CancellationTokenSource(BeforeHalfClose, _core.Clock.Time))
            {
                left = await DiscardUntilAsync(left, atOnce.Token).ConfigureAwait(false);
            }

            if (left > 0)
            {
                halfClose();
                await DiscardUntilAsync(left, end.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            // The peer cut the connection, or was cut: there is nobody to wait for.
            return;
        }
    }

    /// <returns>How many bytes may still come; none when the peer has closed its side.</returns>
    private async ValueTask<long> DiscardUntilAsync(long left, CancellationToken over)
    {
        while (left > 0)
        {
            ReadResult result;
            try
            {
                result = await _transport.Input.ReadAsync(over).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (over.IsCancellationRequested)
            {
                return left;
            }

            left -= result.Buffer.Length;
            _transport.Input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                return 0;
            }
        }

        return 0;
    }
}
