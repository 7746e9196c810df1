using SmartLock.Testing;

namespace SmartLock.Server.Tests.MainJob;

/// <summary>A file system of a few megabytes that a test can fill.</summary>
internal sealed class TinyDisk : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private TinyDisk(string folder)
    {
        Folder = folder;
    }

    public string Folder { get; }

    private string Ballast => Path.Combine(Folder, "ballast");

    /// <returns>Null where this user or this system cannot mount one.</returns>
    public static async Task<TinyDisk?> MountAsync(int megabytes)
    {
        if (!OperatingSystem.IsLinux() || ExternalProgram.Find("mount") is not { } mount)
        {
            return null;
        }

        var folder = Directory.CreateTempSubdirectory("smartlock-disk-").FullName;
        await using var mounting = ExternalProgram.Start(mount, ["-t", "tmpfs", "-o", $"size={megabytes}m,mode=0700", "tmpfs", folder]);
        if (await mounting.ExitAsync(Patience) == 0)
        {
            return new TinyDisk(folder);
        }

        Directory.Delete(folder);
        return null;
    }

    public void Fill()
    {
        using var ballast = new FileStream(Ballast, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        foreach (var size in (int[])[1 << 20, 4096])
        {
            while (TryWrite(ballast, new byte[size]))
            {
            }
        }
    }

    public void MakeRoom() => File.Delete(Ballast);

    public async ValueTask DisposeAsync()
    {
        await using (var unmounting = ExternalProgram.Start("umount", [Folder]))
        {
            (await unmounting.ExitAsync(Patience)).ShouldBe(0, unmounting.Output);
        }

        Directory.Delete(Folder);
    }

    private static bool TryWrite(FileStream file, byte[] bytes)
    {
        try
        {
            file.Write(bytes);
            return true;
        }
        catch (IOException)
        {
            // No space left on device: what this is for.
            return false;
        }
    }
}
