namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// A write that the store gave up in favour of others: nothing of it was done, so it is made again. What it rests on is in its own guard, or in a
/// unique index. MongoDB tries such a write again itself; servers compatible with it may leave that to us.
/// </summary>
internal static class MongoConflicts
{
    private const int MostTries = 20;
    private const int LongestPauseMs = 20;

    public static async Task<T> RetryAsync<T>(Func<CancellationToken, Task<T>> write, CancellationToken ct)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await write(ct);
            }
            catch (Exception e) when (tries < MostTries && MongoErrors.IsConflict(e))
            {
                // So that the same do not meet again; no matter of the server's clock, which may stand still in a test.
                await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(LongestPauseMs)), TimeProvider.System, ct);
            }
        }
    }
}
