namespace SmartLock.Server.Tests.Infrastructure;

public sealed class ExposedFilesTests : IDisposable
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly DirectoryInfo _parent = Directory.CreateTempSubdirectory("smartlock-mode-");

    private string Data => Path.Combine(_parent.FullName, "data");

    public void Dispose() => _parent.Delete(recursive: true);

    [Fact]
    public async Task A_data_folder_that_is_open_to_others_is_said_once_with_what_is_open_in_it()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Unix modes");
        Make(Data, Owner | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute);
        Touch("open.key", Owner | UnixFileMode.OtherRead);
        Touch("closed.key", Owner);

        var said = await SaidAsync($"--Data:Folder={Data}");

        said.ShouldHaveSingleItem().ShouldEndWith($"chmod go= {Data} {Path.Combine(Data, "open.key")}");
    }

    [Fact]
    public async Task Nothing_is_said_of_files_in_a_folder_that_is_closed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Unix modes");
        Make(Data, Owner | UnixFileMode.UserExecute);
        Touch("open.key", Owner | UnixFileMode.OtherRead);

        (await SaidAsync($"--Data:Folder={Data}")).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_database_elsewhere_is_looked_at_too()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Unix modes");
        var elsewhere = Path.Combine(_parent.FullName, "elsewhere");
        Make(elsewhere, Owner | UnixFileMode.UserExecute | UnixFileMode.OtherExecute);
        var file = Path.Combine(elsewhere, "locks.db");
        File.Create(file).Dispose();
        Set(file, Owner | UnixFileMode.OtherRead);

        (await SaidAsync($"--Data:Folder={Data}", $"--Storage:Sqlite:File={file}")).ShouldHaveSingleItem().ShouldEndWith($"chmod go= {file}");
    }

    private static async Task<IReadOnlyList<string>> SaidAsync(params string[] settings)
    {
        await using var app = await TestApp.StartAsync(settings);
        return [.. app.Logs.All.Select(l => l.Text).Where(t => t.Contains("chmod", StringComparison.Ordinal))];
    }

    private static void Make(string path, UnixFileMode mode)
    {
        Directory.CreateDirectory(path);
        Set(path, mode);
    }

    private void Touch(string name, UnixFileMode mode)
    {
        var path = Path.Combine(Data, name);
        File.Create(path).Dispose();
        Set(path, mode);
    }

    private static void Set(string path, UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, mode);
        }
    }
}
