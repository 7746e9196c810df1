namespace SmartLock.Server.Infrastructure;

/// <summary>
/// The server makes its data folder, keys and database for its own user only. One that was there before, or came back from a backup, may be open
/// to others: that is said at the start, and left to the operator to mend.
/// </summary>
internal sealed partial class ExposedFiles(DataFolder folder, IConfiguration configuration, ILogger<ExposedFiles> log) : IHostedService
{
    private const UnixFileMode Others =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private const int MostNamed = 5;
    private static readonly EnumerationOptions Readable = new() { IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint };

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (OperatingSystem.IsWindows())
        {
            return Task.CompletedTask;
        }

        var exposed = Exposed(new DirectoryInfo(folder.Path)).Concat(ExposedDatabase()).Distinct().Take(MostNamed).ToList();
        if (exposed.Count > 0)
        {
            LogExposed(string.Join(' ', exposed));
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Nobody gets at what lies in a folder that is closed to them, whatever its own mode.</summary>
    private static IEnumerable<string> Exposed(FileSystemInfo item)
    {
        if (OperatingSystem.IsWindows() || !item.Exists || (item.UnixFileMode & Others) == 0)
        {
            return [];
        }

        return item is DirectoryInfo directory
            ? directory.EnumerateFileSystemInfos("*", Readable).SelectMany(Exposed).Prepend(item.FullName)
            : [item.FullName];
    }

    /// <summary>Where it is not in the data folder.</summary>
    private IEnumerable<string> ExposedDatabase()
    {
        if (configuration["Storage:Sqlite:File"] is not { Length: > 0 } file
            || Path.GetDirectoryName(Path.GetFullPath(file)) is not { } parent
            || OperatingSystem.IsWindows()
            || !Directory.Exists(parent)
            || (File.GetUnixFileMode(parent) & Others) == 0)
        {
            return [];
        }

        return Exposed(new FileInfo(Path.GetFullPath(file)));
    }

    [LoggerMessage(1, LogLevel.Warning, "Other users of this machine may get at the server's keys or data: take their rights away with: chmod go= {Paths}")]
    private partial void LogExposed(string paths);
}
