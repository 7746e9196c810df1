namespace SmartLock.Server.Infrastructure;

/// <summary>
/// One server with a broker of its own at a time on a data folder: two would not know each other's devices, nor what the other changes. Replicas on an
/// outside broker tell each other, and may share one. It is a lock on an open file, which the system lets go when the process ends, however it ends.
/// Commands that work beside a running server do not take it.
/// </summary>
internal sealed class DataFolderLock(DataFolder folder) : IHostedLifecycleService, IDisposable
{
    public const string FileName = "server.lock";

    private FileStream? _held;

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        folder.Make();
        var path = folder.File(FileName);
        try
        {
            var how = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0 };
            if (!OperatingSystem.IsWindows())
            {
                how.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            _held = new FileStream(path, how);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StartupException($"{path} cannot be written: give this user the data folder, or set {DataFolder.Setting} to one that it owns.", e);
        }
        catch (IOException e)
        {
            // Another kind of failure than a wrong setting: the other server may be about to end, and trying again is of use.
            throw new IOException(
                $"Another server is running on the data folder {folder.Path} ({e.Message}) End it, or set {DataFolder.Setting} to another folder.", e);
        }

        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>When everything is down, the store included: hosts dispose their services last.</summary>
    public void Dispose() => _held?.Dispose();
}
