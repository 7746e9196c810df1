using System.CommandLine;
using System.Globalization;
using SmartLock.Device;

namespace SmartLock.VirtualDevice.Terminal;

/// <summary>The command line. The key is not on it: arguments can be read by every user of the machine.</summary>
internal sealed class DeviceArguments
{
    private const int PlainPort = 1883;
    private const int TlsPort = 8883;

    private readonly Option<string> _host = new("--host") { Description = "The broker.", DefaultValueFactory = _ => "localhost" };
    private readonly Option<int?> _port = Number("--port", $"The broker's port ({PlainPort}, with --tls {TlsPort}).", 1, 65535);
    private readonly Option<string> _deviceId =
        new("--device-id", "-d") { Description = "As registered with the server.", Required = true };

    private readonly Option<bool> _tls = new("--tls") { Description = "Encrypt, and verify the broker's certificate." };
    private readonly Option<string> _authority = new("--ca-file") { Description = "PEM file of the only roots to trust; needs --tls." };
    private readonly Option<string?> _state = new("--state-folder") { Description = "Keep the flash as files there, through restarts." };

    private readonly Option<string> _bolt =
        new("--bolt") { Description = "Where the bolt stands at first.", DefaultValueFactory = _ => "locked" };

    private readonly Option<string> _topics =
        new("--topics") { Description = "The device's own topics, or only the shared ones.", DefaultValueFactory = _ => "own" };

    private readonly Option<bool> _noWill = new("--no-will") { Description = "Leave no last will." };
    private readonly Option<int?> _battery = Number("--battery-mv", "Battery voltage to report; 0 for mains.", 0, 100_000);

    public DeviceArguments()
    {
        _bolt.HelpName = "locked|unlocked|unknown";
        _topics.HelpName = "own|shared";
        Check(_bolt, bolt => bolt is "locked" or "unlocked" or "unknown" ? null : "is not locked, unlocked or unknown");
        Check(_topics, topics => topics is "own" or "shared" ? null : "is neither own nor shared");
        Check(_host, host => Uri.CheckHostName(host) == UriHostNameType.Unknown ? "is neither a host name nor an address" : null);
        Check(_deviceId, id => Topics.IsDeviceId(id) ? null : "is not 1 to 64 visible ASCII characters without / + # | \" \\");
        Check(_authority, file => File.Exists(file) ? null : "is no file that can be read");
        Root = new RootCommand(
            "A virtual SmartLock device. Its key, 64 hexadecimal digits in lower case, comes from " +
            $"{DeviceKeySource.Variable} or standard input.")
        {
            _host, _port, _deviceId, _tls, _authority, _state, _bolt, _topics, _noWill, _battery,
        };
        Root.Validators.Add(result =>
        {
            if (result.GetValue(_authority) is not null && !result.GetValue(_tls))
            {
                result.AddError("--ca-file needs --tls.");
            }
        });
    }

    public RootCommand Root { get; }

    public VirtualLockOptions Read(ParseResult parsed, DeviceKey key)
    {
        var tls = parsed.GetValue(_tls);
        return new VirtualLockOptions
        {
            DeviceId = parsed.GetRequiredValue(_deviceId),
            Key = key,
            Host = parsed.GetRequiredValue(_host),
            Port = parsed.GetValue(_port) ?? (tls ? TlsPort : PlainPort),
            Tls = tls,
            CertificateAuthorityFile = parsed.GetValue(_authority),
            StateFolder = parsed.GetValue(_state),
            InitialStatus = Enum.Parse<BoltStatus>(parsed.GetRequiredValue(_bolt), ignoreCase: true),
            OwnTopics = parsed.GetRequiredValue(_topics) == "own",
            LeaveWill = !parsed.GetValue(_noWill),
            BatteryMillivolts = parsed.GetValue(_battery) ?? 0,
        };
    }

    private static void Check(Option<string> option, Func<string, string?> complaint)
    {
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is { } given && complaint(given) is { } what)
            {
                result.AddError($"{option.Name}: '{given}' {what}.");
            }
        });
    }

    /// <summary>Parsed here: the library's own complaint about a text that is no number names a type of .NET.</summary>
    private static Option<int?> Number(string name, string description, int least, int most) => new(name)
    {
        Description = description,
        CustomParser = result =>
        {
            var given = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
            if (int.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
            {
                return number;
            }

            result.AddError($"{name}: '{given}' is not from {least} to {most}.");
            return null;
        },
    };
}
