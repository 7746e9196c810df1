using System.Runtime.InteropServices;

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

            Publish(draft, path);
        }
        catch (IOException) when (File.Exists(path))
        {
            // Somebody was first: theirs counts.
        }
        finally
        {
            File.Delete(draft);
        }
    }

    /// <summary>
    /// File.Move looks whether the name is free and then renames, which replaces what came between the two; link(2) fails when the name is taken.
    /// Where there are no hard links (FAT), Move is the best there is.
    /// </summary>
    private static void Publish(string draft, string path)
    {
        if (!OperatingSystem.IsWindows() && (Link(draft, path) == 0 || File.Exists(path)))
        {
            return;
        }

        File.Move(draft, path, overwrite: false);
    }

    [DllImport("libc", EntryPoint = "link", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Link([MarshalAs(UnmanagedType.LPUTF8Str)] string existing, [MarshalAs(UnmanagedType.LPUTF8Str)] string name);
}
