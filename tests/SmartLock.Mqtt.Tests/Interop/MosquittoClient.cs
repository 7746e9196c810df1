using SmartLock.Testing;

namespace SmartLock.Mqtt.Tests.Interop;

/// <summary>mosquitto_pub or mosquitto_sub as a child process.</summary>
internal static class MosquittoClient
{
    /// <param name="name">Its absence skips the test.</param>
    /// <param name="arguments">No secrets: everybody on the machine can read them.</param>
    /// <param name="configuration">The folder of its configuration file, which bears its name.</param>
    public static ExternalProgram Start(string name, IEnumerable<string> arguments, string? configuration = null)
    {
        var path = ExternalProgram.Find(name);
        Assert.SkipWhen(path is null, $"{name} is not installed");

        // Into a pipe it would print what it has to say in blocks of several kilobytes.
        var stdbuf = ExternalProgram.Find("stdbuf");
        Assert.SkipWhen(stdbuf is null, "stdbuf is not installed");
        var environment = configuration is null ? null : new Dictionary<string, string> { ["XDG_CONFIG_HOME"] = configuration };
        return ExternalProgram.Start(stdbuf, ["-oL", path, .. arguments], environment: environment);
    }
}
