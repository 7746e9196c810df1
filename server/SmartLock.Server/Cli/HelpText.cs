using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace SmartLock.Server.Cli;

/// <summary>The parser's own help and, for the program as a whole, what a newcomer needs besides.</summary>
internal sealed class HelpText(HelpAction parsers, IReadOnlyList<CommandExtension> extensions) : SynchronousCommandLineAction
{
    private string Newcomers => $"""
        Examples:
          SmartLock.Server demo                                  try it: a server, two virtual locks and the lines to unlock one
          SmartLock.Server admin create alice                    make the first admin; asks for the password
          SmartLock.Server                                       run it: API at http://127.0.0.1:8000, devices at 127.0.0.1:1883
          SmartLock.Server --Urls=http://0.0.0.0:8000 --Data:Folder=/var/lib/smartlock
          SmartLock.Server audit verify --Data:Folder=/var/lib/smartlock

        Settings:
          --Key=value, with an equals sign, anywhere among the arguments; or in the environment with two underscores for each colon
          (Data__Folder=/var/lib/smartlock); or in appsettings.json beside the program. An argument goes before the environment, that
          before the file. All commands take them, and need the same ones to work on the same data. docs/settings.md lists all; the first few:
          --Urls=http://127.0.0.1:8000    where the API listens
          --Data:Folder=data              where keys and database are; back it up
          --Mqtt:Port=1883                where devices connect
          --Mqtt:Address=0.0.0.0          let devices of other machines connect without TLS; Mqtt:CertificateFile lets them connect with it

        Environment:
          {AdminCommand.PasswordVariable}     the password for 'admin create'
          {string.Join(Environment.NewLine + "  ", extensions.Select(extension => extension.Environment))}
          PORT                         the API's port on all addresses, when Urls is not set
          OTEL_EXPORTER_OTLP_ENDPOINT  a collector for traces, metrics and logs; OTEL_EXPORTER_OTLP_HEADERS its token

        Exit codes:
          0 done, or stopped as asked   1 could not be done   2 wrong command line or input   3 'audit verify' found the log changed
          78 a setting is wrong   130 broken off at a question
        """;

    public static void AddTo(RootCommand root, IReadOnlyList<CommandExtension> extensions)
    {
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpText((HelpAction)help.Action!, extensions);
    }

    public override int Invoke(ParseResult parseResult)
    {
        var code = parsers.Invoke(parseResult);
        if (parseResult.CommandResult.Command is RootCommand)
        {
            parseResult.InvocationConfiguration.Output.WriteLine(Newcomers);
        }

        return code;
    }
}
