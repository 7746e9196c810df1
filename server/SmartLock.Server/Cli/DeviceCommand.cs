using System.CommandLine;
using System.Text.Json;
using Microsoft.Extensions.Options;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;
using SmartLock.Server.Storage;

namespace SmartLock.Server.Cli;

/// <summary>Prepares devices for owners who hold a phone, not a console.</summary>
internal static class DeviceCommand
{
    private static readonly Argument<string> DeviceId = new("device_id") { Description = "1 to 64 letters, digits, dots, dashes, underscores or colons." };

    private static readonly Option<bool> Unsigned = new("--unsigned")
    {
        Description = "For a device that cannot sign; the server must allow those (Devices:AllowUnsigned).",
    };

    private static readonly Option<string?> Owner = new("--owner") { Description = "The account that owns the lock at once; without it the device waits to be claimed." };

    private static readonly Option<string?> Name = new("--name") { Description = "The lock's name; only with --owner." };

    private static readonly Option<int?> ExpiresDays = new("--expires-days")
    {
        Description = $"How long the device waits to be claimed, 1 to {PairingRules.MaxDays} days; {PairingRules.DefaultDays} without it.",
    };

    private static readonly Option<bool> Json = new("--json") { Description = "Print one line of JSON, with the members of POST /api/admin/devices." };

    /// <summary>Options that may be given as <c>--name=value</c>, which elsewhere is a setting.</summary>
    public static bool IsOption(string argument) =>
        argument.Split('=')[0] is var name && (name == Owner.Name || name == Name.Name || name == ExpiresDays.Name || name == DeviceLoginCommand.BrokerOption);

    /// <param name="settings">Of the server whose store the device is written to; it may be running.</param>
    public static Command Build(string[] settings)
    {
        var add = new Command(
            "add",
            "Make a key for a device, to be written into it. Prints the key, the device's MQTT login and, unless it has an owner, the claim code and "
            + "the text of its QR code, on standard output, this once. Exit code 0: added; 1: not added; 2: against the rules.")
        {
            DeviceId,
            Unsigned,
            Owner,
            Name,
            ExpiresDays,
            Json,
        };
        add.SetAction((parsed, ct) => Startup.ExplainAsync(() => AddAsync(
            new DevicePreparation.Request(
                parsed.GetRequiredValue(DeviceId),
                parsed.GetValue(Unsigned),
                parsed.GetValue(Owner),
                parsed.GetValue(Name),
                parsed.GetValue(ExpiresDays)),
            parsed.GetValue(Json),
            settings,
            ct)));
        return new Command("device", "Prepare devices for their owners, and their logins for an outside broker.")
        {
            add,
            DeviceLoginCommand.BuildOne(),
            DeviceLoginCommand.BuildAll(settings),
        };
    }

    /// <summary>Works beside a running server on the same store.</summary>
    private static async Task<int> AddAsync(DevicePreparation.Request request, bool json, string[] settings, CancellationToken ct)
    {
        await using var app = SmartLockServer.Create(["--Logging:LogLevel:Default=Warning", .. settings]);
        var allowUnsigned = app.Services.GetRequiredService<IOptions<DeviceOptions>>().Value.AllowUnsigned;
        var errors = PairingRules.Check(request, allowUnsigned);
        if (errors.Count > 0)
        {
            return await FailAsync(ExitCodes.WrongInput, string.Join(' ', errors.Select(error => $"{error.Key} {error.Value[0]}.")));
        }

        await StorageFeature.OpenAsync(app.Services, ct);
        var added = await app.Services.GetRequiredService<DevicePreparation>().AddAsync(request, AuditActors.System, ct);
        if (added.Outcome is not AddDeviceOutcome.Added)
        {
            return await FailAsync(ExitCodes.Failed, SentenceOf(added.Outcome, request));
        }

        var server = app.Services.GetRequiredService<IOptions<ServerOptions>>().Value.Address;
        var answer = AddedDeviceResponse.Of(request, added, server);
        await Console.Out.WriteLineAsync(json ? ToJson(answer) : ToText(answer));
        if (!json && !Console.IsOutputRedirected && answer.Pairing?.Qr is { } text)
        {
            await Console.Out.WriteLineAsync($"{Environment.NewLine}{QrCode.TerminalTextOf(text)}");
        }

        return ExitCodes.Ok;
    }

    private static string ToJson(AddedDeviceResponse answer)
    {
        var options = new JsonSerializerOptions();
        JsonDefaults.Apply(options);
        return JsonSerializer.Serialize(answer, options);
    }

    private static string ToText(AddedDeviceResponse answer)
    {
        List<string> lines =
        [
            $"Device id:      {answer.DeviceId}",
            $"Key:            {answer.Key}",
            $"MQTT user name: {answer.Mqtt.Username}",
            $"MQTT password:  {answer.Mqtt.Password}",
        ];
        if (answer.Pairing is { } pairing)
        {
            lines.Add($"Claim code:     {pairing.Code}");
            lines.Add($"QR text:        {pairing.Qr ?? "none, since Server:PublicUrl is not set"}");
            lines.Add($"Valid until:    {TimestampConverter.Format(pairing.ExpiresAt)}");
        }
        else
        {
            lines.Add($"Owner:          {answer.Owner}");
        }

        lines.Add("The key and the code are shown this once. Write the key into the device.");
        return string.Join(Environment.NewLine, lines);
    }

    private static string SentenceOf(AddDeviceOutcome outcome, DevicePreparation.Request request) => outcome switch
    {
        AddDeviceOutcome.DeviceIdTaken => $"A lock with the device id {request.DeviceId} is registered already, or a device waits to be claimed.",
        AddDeviceOutcome.UserNotFound => $"There is no account named {request.Owner}, or it is disabled.",
        AddDeviceOutcome.TooManyLocks => $"{request.Owner} has as many locks as one account may have.",
        AddDeviceOutcome.Added => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, null),
    };

    private static async Task<int> FailAsync(int code, string sentence)
    {
        await Console.Error.WriteLineAsync(sentence);
        return code;
    }
}
