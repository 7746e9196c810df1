namespace SmartLock.Server.Commands;

/// <param name="Commands">As they are in the store now: just sent, or ended.</param>
internal sealed record CommandsChanged(IReadOnlyCollection<Command> Commands);

/// <summary>Stores the verdicts that were received and still wait for their batch.</summary>
/// <exception cref="Infrastructure.StoreUnavailableException">They still wait.</exception>
internal delegate Task StorePendingVerdicts(CancellationToken ct);
