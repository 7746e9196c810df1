namespace SmartLock.Server.Infrastructure;

/// <summary>The system's folder for temporary files, which .NET writes its keys by way of.</summary>
internal static class TemporaryFolder
{
    /// <exception cref="StartupException">Nothing can be written there.</exception>
    public static void Check()
    {
        var folder = Path.GetTempPath();
        try
        {
            var probe = Path.Combine(folder, $".smartlock-{Guid.NewGuid():N}");
            using var file = new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
            file.WriteByte(0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException(
                $"The temporary folder {folder} cannot be written to: set {(OperatingSystem.IsWindows() ? "TEMP" : "TMPDIR")} to one that this user may write to.", e);
        }
    }
}
