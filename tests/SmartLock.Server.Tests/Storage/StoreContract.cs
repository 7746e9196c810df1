namespace SmartLock.Server.Tests.Storage;

/// <summary>
/// What every implementation of the stores must keep: derive each contract once per database. Tests get stores of a fresh,
/// empty database.
/// </summary>
public abstract class StoreContract : IAsyncLifetime
{
    private protected StoreSet Stores { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Stores = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        GC.SuppressFinalize(this);
    }

    private protected abstract Task<StoreSet> OpenAsync();

    private protected abstract Task CloseAsync();
}
