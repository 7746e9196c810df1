namespace SmartLock.Testing;

/// <summary>The repository that the tests were built from.</summary>
public static class SourceTree
{
    public static string Root { get; } = FindRoot();

    /// <summary>Every C# file under the folder (named from the root), generated ones left out, as paths from the root.</summary>
    public static IEnumerable<string> CSharpFiles(string folder) => Directory
        .EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
        .Where(path => !path.Split('/').Any(part => part is "bin" or "obj" or "node_modules"));

    public static string[] Lines(string path) => File.ReadAllLines(Path.Combine(Root, path));

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "SmartLock.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("SmartLock.sln is in none of the folders above the tests.");
    }
}
