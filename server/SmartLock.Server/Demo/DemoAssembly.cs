using System.Net;
using System.Reflection;
using System.Runtime.Loader;

namespace SmartLock.Server.Demo;

/// <summary>Runs the demo beside a server that is up, until it is cancelled.</summary>
internal delegate Task DemoRun(Uri http, IPEndPoint mqtt, string observerPassword, string folder, CancellationToken ct);

/// <summary>
/// SmartLock.Demo, which the build puts into the folder <c>demo</c> beside the server and publishing does not. It is loaded by name,
/// since a reference would bring the virtual device into the published server.
/// </summary>
internal static class DemoAssembly
{
    private const string SimpleName = "SmartLock.Demo";

    /// <returns>Null when this server has no demo.</returns>
    public static DemoRun? Find()
    {
        var file = Path.Combine(AppContext.BaseDirectory, "demo", SimpleName + ".dll");
        return File.Exists(file) ? Load(file) : null;
    }

    private static DemoRun Load(string file)
    {
        var entry = new DemoLoadContext(file).LoadFromAssemblyPath(file).GetType(SimpleName + ".DemoRun", throwOnError: true)!;
        return entry.GetMethod("RunAsync", BindingFlags.Public | BindingFlags.Static)!.CreateDelegate<DemoRun>();
    }

    /// <summary>What the demo needs comes from its own folder; what is not there, .NET itself, is shared with the server.</summary>
    private sealed class DemoLoadContext(string file) : AssemblyLoadContext(SimpleName)
    {
        private readonly AssemblyDependencyResolver _dependencies = new(file);

        protected override Assembly? Load(AssemblyName name) =>
            _dependencies.ResolveAssemblyToPath(name) is { } path ? LoadFromAssemblyPath(path) : null;
    }
}
