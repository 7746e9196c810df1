namespace SmartLock.Server.Infrastructure;

/// <summary>Small secret files that are made once and read ever after.</summary>
internal static class PrivateFile
{
    /// <summary>
    /// Reads the file, or writes what <paramref name="make"/> gives and returns that. When two processes start at once, both
    /// return what the first of them wrote: the new file appears whole, under its name, or not at all.
    /// </summary>
    public static string ReadOrCreate(string path, Func<string> make)
    {
        if (!File.Exists(path))
        {
            TryCreate(path, make());
        }

        return File.ReadAllText(path);
    }

    private static void TryCreate(string path, string text)
    {
        var draft = $"{path}.{Guid.NewGuid():N}.tmp";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        try
        {
            using (var stream = new FileStream(draft, options))
            {
                stream.Write(System.Text.Encoding.UTF8.GetBytes(text));
                stream.Flush(flushToDisk: true);
            }

            // Without overwrite this is link(2) and unlink(2) on Unix: it fails, atomically, when somebody was first.
            File.Move(draft, path, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(draft);
        }
    }
}
