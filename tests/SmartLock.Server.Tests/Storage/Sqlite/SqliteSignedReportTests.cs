namespace SmartLock.Server.Tests.Storage.Sqlite;

public sealed class SqliteSignedReportTests : SignedReportContract
{
    private readonly SqliteTestFile _file = new();

    private protected override Task<StoreSet> OpenAsync() => Task.FromResult(_file.Stores);

    private protected override Task CloseAsync()
    {
        _file.Dispose();
        return Task.CompletedTask;
    }
}
