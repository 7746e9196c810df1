using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// What follows the write that decides: when the store goes away in between, it is not the caller's trouble, whose change is made. Only for what
/// nothing rests on, or what somebody else does later.
/// </summary>
internal sealed partial class MongoHousekeeping(ILogger<MongoHousekeeping> logger)
{
    public async Task TryAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception e) when (e is StoreUnavailableException || MongoErrors.IsUnavailable(e))
        {
            LogLeft(e.GetType().Name);
        }
    }

    [LoggerMessage(2140, LogLevel.Information, "What follows a change of an account is done later, since the store went away: {Reason}")]
    private partial void LogLeft(string reason);
}
