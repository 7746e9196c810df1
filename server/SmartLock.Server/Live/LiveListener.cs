using System.Threading.Channels;

namespace SmartLock.Server.Live;

/// <summary>One open stream's place in the hub. What it is sent waits here, bounded; disposing it gives the place up.</summary>
internal sealed class LiveListener(LiveHub hub, string username, string network) : IDisposable
{
    public const int MostWaiting = 256;

    private readonly CancellationTokenSource _overflow = new();
    private readonly Channel<byte[]> _waiting = Channel.CreateBounded<byte[]>(
        new BoundedChannelOptions(MostWaiting) { SingleReader = true, AllowSynchronousContinuations = false });

    public string Username => username;

    public string Network => network;

    /// <summary>Frames, ready to be sent.</summary>
    public ChannelReader<byte[]> Frames => _waiting.Reader;

    /// <summary>Cancelled when more waited than there is room for: the client is too slow, and resumes later.</summary>
    public CancellationToken Overflowed => _overflow.Token;

    /// <summary>False when there is no room.</summary>
    public bool TryOffer(byte[] frame) => _waiting.Writer.TryWrite(frame);

    /// <summary>Not under the hub's gate: what waits for the token goes on at once.</summary>
    public void GiveUp() => _overflow.Cancel();

    // Not the token's source: GiveUp may be about to cancel it, and without a timer it holds nothing that must be freed.
    public void Dispose() => hub.Leave(this);
}
