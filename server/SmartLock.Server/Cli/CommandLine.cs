using System.CommandLine;
using System.CommandLine.Invocation;
using SmartLock.Server.Demo;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Cli;

/// <summary>A command of a feature above this one.</summary>
/// <param name="Build">Takes the settings among the arguments.</param>
/// <param name="IsOption">Whether an argument of the form <c>--name=value</c> is the command's, and no setting.</param>
/// <param name="Environment">Its line in the help's list of environment variables.</param>
internal sealed record CommandExtension(Func<string[], Command> Build, Func<string, bool> IsOption, string Environment);

/// <summary>
/// The server's commands. Arguments of the form <c>--Key=value</c> are configuration, wherever they stand; only the others are
/// parsed, so that a mistyped command is not taken for a setting.
/// </summary>
internal static class CommandLine
{
    /// <summary>Longer than the server takes to finish what it has begun.</summary>
    internal static readonly TimeSpan EndsWithin = TimeSpan.FromSeconds(40);

    private static readonly Option<string?> VerifiedDevice = new("--device-id") { Description = "One lock's entries only." };

    /// <param name="extensions">Commands of features that this one does not know.</param>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(string[] args, params IReadOnlyList<CommandExtension> extensions)
    {
        using var stop = new StopSignals();
        bool IsSetting(string argument) => CommandLine.IsSetting(argument) && !extensions.Any(extension => extension.IsOption(argument));
        string[] settings = [.. args.Where(IsSetting)];
        var configuration = new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false };
        var parsed = Build(settings, extensions).Parse([.. args.Where(a => !IsSetting(a))], configuration);
        var invocation = new InvocationConfiguration { ProcessTerminationTimeout = EndsWithin };
        return parsed.Action is ParseErrorAction misunderstood
            ? await RefuseAsync(parsed, misunderstood, invocation)
            : await parsed.InvokeAsync(invocation, stop.Token);
    }

    /// <summary>What is wrong, what was perhaps meant, and where to read on: the whole help would hide it.</summary>
    private static async Task<int> RefuseAsync(ParseResult parsed, ParseErrorAction misunderstood, InvocationConfiguration invocation)
    {
        misunderstood.ShowHelp = false;
        invocation.Output = Console.Error;
        await parsed.InvokeAsync(invocation);
        var setting = parsed.UnmatchedTokens.FirstOrDefault(t => t.StartsWith("--", StringComparison.Ordinal));
        await Console.Error.WriteLineAsync(
            setting is null
                ? "Run with --help to see what there is."
                : $"If {setting} is a setting, write it with an equals sign: {setting}=value. Run with --help to see what there is.");
        return ExitCodes.WrongInput;
    }

    private static bool IsSetting(string argument) =>
        argument.StartsWith("--", StringComparison.Ordinal) && argument.Contains('=', StringComparison.Ordinal) && !DeviceCommand.IsOption(argument)
        && argument.Split('=')[0] != VerifiedDevice.Name;

    private static RootCommand Build(string[] settings, IReadOnlyList<CommandExtension> extensions)
    {
        var serve = new Command("serve", "Run the server; also what happens when no command is given.");
        serve.SetAction((_, ct) => ServeCommand.RunAsync(settings, ct));

        var demo = new Command("demo", "Run a server with virtual locks and print the lines to try it with. Keeps nothing.");
        demo.SetAction((_, ct) => Startup.ExplainAsync(() => DemoCommand.RunAsync(settings, ct)));

        var health = new Command("health", "Ask the server that runs on this machine with the same settings whether it is ready. Ends with 0 when it is.");
        health.SetAction((_, ct) => Startup.ExplainAsync(() => HealthCommand.RunAsync(settings, ct)));

        var root = new RootCommand("SmartLock's server: REST API, MQTT broker, jobs and storage in one process. Without a command it serves.")
        {
            serve,
            demo,
            Admin(settings),
            Audit(settings),
            DeviceCommand.Build(settings),
            health,
        };
        foreach (var extension in extensions)
        {
            root.Add(extension.Build(settings));
        }

        root.SetAction((_, ct) => ServeCommand.RunAsync(settings, ct));
        HelpText.AddTo(root, extensions);
        return root;
    }

    private static Command Admin(string[] settings)
    {
        var username = new Argument<string>("username")
        {
            Description = "3 to 32 letters, digits, dots, dashes or underscores.",
        };
        var create = new Command(
            "create",
            "Make an account that administers the server. Its password is asked for on a terminal, else read from standard input "
            + $"(one line), or taken from the environment variable {AdminCommand.PasswordVariable}; it is never an argument, since "
            + "everybody on the machine can read those.")
        {
            username,
        };
        create.SetAction((parsed, ct) =>
            Startup.ExplainAsync(() => AdminCommand.CreateAsync(parsed.GetRequiredValue(username), settings, ct)));
        return new Command("admin", "Manage the accounts that administer the server.") { create };
    }

    private static Command Audit(string[] settings)
    {
        var verify = new Command(
            "verify",
            "Go through the log and say whether it is as the server wrote it; else name the first faulty entry of each chain. Ends "
            + $"with 0 when it is, with {ExitCodes.LogBroken} when it is not.")
        {
            VerifiedDevice,
        };
        verify.SetAction((parsed, ct) =>
            Startup.ExplainAsync(() => AuditCommand.VerifyAsync(parsed.GetValue(VerifiedDevice), settings, ct)));
        return new Command("audit", "Check the log of what was done to the locks.") { verify };
    }
}
