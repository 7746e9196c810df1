namespace SmartLock.Server.Audit;

/// <summary>An entry as it lies in the store, with its place in its lock's chain.</summary>
/// <param name="Id">Position in the whole log; not part of what is hashed, but it must grow along a chain.</param>
/// <param name="Sequence">Position in the chain, from 1 without gaps.</param>
/// <param name="Time">Unix milliseconds.</param>
/// <param name="Actor">As stored: an account's id in place of its name; likewise <paramref name="Target"/>.</param>
/// <param name="PreviousHash">The hash of the entry before; zeros for the first.</param>
internal sealed record ChainedEntry(
    long Id,
    string DeviceId,
    long Sequence,
    long Time,
    string Actor,
    string Action,
    string Result,
    string? CommandId,
    string? Target,
    byte[] PreviousHash,
    byte[] Hash,
    string? Issue = null);

/// <summary>Where a chain ends, sealed, so that its last entries cannot be cut off unseen.</summary>
/// <param name="Seal">Empty when the chain's end was found altered while it was added to: it stays broken for good.</param>
internal sealed record ChainHead(long Sequence, byte[] Hash, byte[] Seal);

internal readonly record struct ChainPosition(string DeviceId, long Sequence);

/// <summary>An entry with the head that its chain had in the same snapshot of the store; null when the chain has none.</summary>
internal sealed record ChainRow(ChainedEntry Entry, ChainHead? Head);
