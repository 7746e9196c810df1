using System.CommandLine;
using Microsoft.Extensions.Options;
using SmartLock.Server.Cli;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;
using SmartLock.Server.Legacy.MongoDb;
using SmartLock.Server.Storage;
using SmartLock.Server.Storage.MongoDb;

namespace SmartLock.Server.Legacy.Import;

/// <summary>Brings the first system's users, locks and log over: docs/migrate-original.md.</summary>
internal static class ImportCommand
{
    private const string SourceVariable = "SMARTLOCK_ORIGINAL_MONGODB";

    private static readonly Option<bool> Apply = new("--apply") { Description = "Write; without it only what would be done is said." };

    private static readonly Option<string?> Uri = new("--mongodb")
    {
        Description = "Connection string of its MongoDB, if there is no password in it: everybody on the machine can read arguments.",
    };

    private static readonly Option<string?> UriFile = new("--mongodb-file") { Description = "A file with the connection string." };

    private static readonly Option<string> Database = new("--database") { Description = "Its database.", DefaultValueFactory = _ => "smartlockdb" };

    private static readonly Option<bool> AcceptWeak = new("--accept-weak-passwords")
    {
        Description = "Leave accounts enabled whose password is against the rules (never an admin's). Without it they are disabled until an admin enables them.",
    };

    private static readonly Option<bool> Unsigned = new("--unsigned")
    {
        Description = "Register the locks as unsigned, for boards that keep the first sketch; the server must allow those (Devices:AllowUnsigned).",
    };

    public static CommandExtension Extension { get; } =
        new(Build, IsOption, $"{SourceVariable}  where 'import original' reads");

    /// <summary>Options that may be given as <c>--name=value</c>, which elsewhere is a setting.</summary>
    private static bool IsOption(string argument) =>
        argument.Split('=')[0] is var name && (name == Uri.Name || name == UriFile.Name || name == Database.Name);

    /// <param name="settings">Of the server whose store is written to; it may be running.</param>
    private static Command Build(string[] settings)
    {
        var original = new Command(
            "original",
            "Bring users, locks and the log of commands over from the first SmartLock system's MongoDB database. Its connection string comes from --mongodb-file, the "
            + $"environment variable {SourceVariable}, --mongodb, or is asked for (one line of standard input). May be run again.")
        {
            Apply,
            Uri,
            UriFile,
            Database,
            AcceptWeak,
            Unsigned,
        };
        original.SetAction((parsed, ct) => Startup.ExplainAsync(() => RunAsync(
            new Source(parsed.GetValue(Uri), parsed.GetValue(UriFile), parsed.GetRequiredValue(Database)),
            new ImportOptions(parsed.GetValue(Apply), parsed.GetValue(AcceptWeak), parsed.GetValue(Unsigned)),
            settings,
            ct)));
        return new Command("import", "Bring over what another system holds.") { original };
    }

    private static async Task<int> FailAsync(int code, string sentence)
    {
        await Console.Error.WriteLineAsync(sentence);
        return code;
    }

    private sealed record Source(string? Uri, string? File, string Database)
    {
        public override string ToString() => Database;
    }

    /// <summary>Works beside a running server on the same store.</summary>
    private static async Task<int> RunAsync(Source source, ImportOptions options, string[] settings, CancellationToken ct)
    {
        if (HasPassword(source.Uri))
        {
            return await FailAsync(
                ExitCodes.WrongInput,
                $"A password has no place among the arguments, which everybody on the machine can read: use {UriFile.Name}, {SourceVariable} or standard input, and change it.");
        }

        if (await ReadUriAsync(source) is not { Length: > 0 } uri)
        {
            return await FailAsync(ExitCodes.WrongInput, "Where is the first system's MongoDB? No connection string was given.");
        }

        try
        {
            using var original = MongoLegacy.Open(uri, source.Database);
            await using var app = SmartLockServer.Create(["--Logging:LogLevel:Default=Warning", .. settings]);
            if (options.Unsigned && !app.Services.GetRequiredService<IOptions<DeviceOptions>>().Value.AllowUnsigned)
            {
                return await FailAsync(ExitCodes.WrongInput, "Unsigned locks are not allowed on this server (Devices:AllowUnsigned).");
            }

            if (IsOwnStore(app.Services, uri, source.Database))
            {
                return await FailAsync(ExitCodes.WrongInput, "That is this server's own store: give it a database of its own (Storage:MongoDb:Database).");
            }

            await StorageFeature.OpenAsync(app.Services, ct);
            var report = await app.Services.GetRequiredService<LegacyImport>().RunAsync(original, options, ct);
            await Console.Out.WriteLineAsync(report.ToString());
            await Console.Out.WriteLineAsync(options.Apply ? "" : $"{Environment.NewLine}Nothing was written. To write it, run this again with {Apply.Name}.");
            return ExitCodes.Ok;
        }
        catch (LegacyUnreadableException e)
        {
            return await FailAsync(ExitCodes.Failed, e.Message);
        }
    }

    private static bool IsOwnStore(IServiceProvider services, string uri, string database)
    {
        var own = services.GetService<IOptions<MongoOptions>>();
        return string.Equals(services.GetRequiredService<IConfiguration>()["Storage:Provider"], "MongoDb", StringComparison.OrdinalIgnoreCase)
            && own is not null
            && MongoLegacy.PlaceOf(uri, database) == MongoLegacy.PlaceOf(own.Value.ConnectionString, own.Value.Database);
    }

    private static async Task<string?> ReadUriAsync(Source source)
    {
        if (source.File is { } file)
        {
            return (await File.ReadAllTextAsync(file)).Trim();
        }

        if (Environment.GetEnvironmentVariable(SourceVariable) is { Length: > 0 } variable)
        {
            return variable.Trim();
        }

        return source.Uri ?? (Console.IsInputRedirected ? await Console.In.ReadLineAsync() : PasswordPrompt.Ask("Connection string: "))?.Trim();
    }

    private static bool HasPassword(string? uri)
    {
        var start = uri?.IndexOf("://", StringComparison.Ordinal) ?? -1;
        if (start < 0)
        {
            return false;
        }

        var login = uri![(start + 3)..];
        var end = login.LastIndexOf('@');
        return end > 0 && login[..end].Contains(':', StringComparison.Ordinal);
    }
}
