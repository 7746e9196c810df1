using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.Configuration.KeyPerFile;
using Microsoft.Extensions.FileProviders;

namespace SmartLock.Server.Infrastructure;

/// <summary>
/// Settings as files, the way Docker and Kubernetes hand secrets over: in the folder that <c>Secrets:Folder</c> names, a file's name is that of the
/// setting, with two underscores for each colon, and its text the value. The environment and arguments go before them.
/// </summary>
internal static class SecretFiles
{
    public const string Setting = "Secrets:Folder";

    /// <exception cref="StartupException">The folder is not there, or one of its files cannot be read.</exception>
    public static void AddTo(ConfigurationManager configuration)
    {
        if (configuration[Setting] is not { Length: > 0 } setting)
        {
            return;
        }

        var folder = Path.GetFullPath(setting);
        if (!Directory.Exists(folder))
        {
            throw new StartupException($"{Setting} is {folder}, and there is no such folder.");
        }

        IList<IConfigurationSource> sources = configuration.Sources;
        var afterFiles = sources.IndexOf(sources.Last(source => source is JsonConfigurationSource)) + 1;
        try
        {
            sources.Insert(afterFiles, new KeyPerFileConfigurationSource { FileProvider = new PhysicalFileProvider(folder), Optional = false });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"A file of {Setting} cannot be read: {e.Message}", e);
        }
    }
}
