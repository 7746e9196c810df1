using System.Globalization;
using System.Runtime.InteropServices;

namespace SmartLock.Benchmarks;

/// <param name="Devices">As many as asked for, or as the system's limit of open files lets one process hold.</param>
/// <param name="Minutes">From when all are connected.</param>
internal sealed record FleetOptions(int Devices, double Minutes)
{
    // The server's own files, the API's connections, and the generator's likewise.
    private const int OtherFiles = 400;

    /// <summary>Null, with a word on standard error, for what cannot be read.</summary>
    public static FleetOptions? Read(string[] args, FleetOptions defaults, string verb)
    {
        var options = defaults;
        for (var i = 0; i < args.Length; i += 2)
        {
            var value = i + 1 < args.Length && double.TryParse(args[i + 1], NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : 0;
            if (value <= 0 || args[i] is not ("--devices" or "--minutes"))
            {
                Console.Error.WriteLine($"usage: {verb} [--devices N] [--minutes N]");
                return null;
            }

            options = args[i] == "--devices" ? options with { Devices = (int)value } : options with { Minutes = value };
        }

        return options.WithinOpenFiles();
    }

    private FleetOptions WithinOpenFiles()
    {
        // .NET raises the soft limit to the hard one as it starts; the hard one is the system's word.
        if (!OperatingSystem.IsLinux() || getrlimit(OpenFiles, out var limit) != 0 || limit.Hard >= (ulong)(Devices + OtherFiles))
        {
            return this;
        }

        var most = (int)limit.Hard - OtherFiles;
        Console.Error.WriteLine($"This system lets a process have {limit.Hard:N0} files open: {most:N0} devices instead of {Devices:N0}.");
        return this with { Devices = most };
    }

    private const int OpenFiles = 7;

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int getrlimit(int resource, out Limit limit);

    [StructLayout(LayoutKind.Sequential)]
    private struct Limit
    {
        public ulong Soft;
        public ulong Hard;
    }
}
