namespace SmartLock.Server.Infrastructure;

/// <summary>One page of a list. <paramref name="Next"/> is the opaque cursor of the page after it, null at the end.</summary>
internal sealed record Page<T>(IReadOnlyList<T> Items, string? Next);
