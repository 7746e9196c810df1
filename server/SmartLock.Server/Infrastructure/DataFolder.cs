namespace SmartLock.Server.Infrastructure;

/// <summary>Where the server keeps what must outlive it: the database, the signing key, the Data Protection keys.</summary>
internal sealed class DataFolder
{
    public const string Setting = "Data:Folder";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private DataFolder(string path) => Path = path;

    /// <summary>Absolute.</summary>
    public string Path { get; }

    /// <summary>The folder of <c>Data:Folder</c> (default <c>data</c> under the current directory), made by <see cref="Make"/> and not before.</summary>
    public static DataFolder Of(IConfiguration configuration)
    {
        var setting = configuration[Setting];
        return new DataFolder(System.IO.Path.GetFullPath(string.IsNullOrWhiteSpace(setting) ? "data" : setting));
    }

    /// <summary>Makes the folder where it is missing, readable by its owner only.</summary>
    /// <exception cref="StartupException">It cannot be made or written to.</exception>
    public void Make()
    {
        try
        {
            Create(Path);
            ProbeWriting(Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The data folder {Path} cannot be written to; set {Setting} to one that this user owns.", e);
        }
    }

    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>A folder inside, made when it is missing, readable by its owner only.</summary>
    public DirectoryInfo Subfolder(string name) => Create(File(name));

    private static DirectoryInfo Create(string path) =>
        OperatingSystem.IsWindows() ? Directory.CreateDirectory(path) : Directory.CreateDirectory(path, OwnerOnly);

    private static void ProbeWriting(string path)
    {
        var probe = System.IO.Path.Combine(path, $".probe-{Guid.NewGuid():N}");
        using var file = new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
    }
}
