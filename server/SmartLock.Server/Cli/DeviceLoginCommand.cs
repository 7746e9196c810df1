using System.CommandLine;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.Options;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;
using SmartLock.Server.Storage;

namespace SmartLock.Server.Cli;

/// <summary>What the operator of an outside broker gives it, so that devices may log in there: docs/deploy.md.</summary>
internal static class DeviceLoginCommand
{
    public const string BrokerOption = "--broker";

    private static readonly Argument<string> DeviceId = new("device_id") { Description = "As registered with the server." };

    private static readonly Option<BrokerKind> Broker = new(BrokerOption)
    {
        Description = "mosquitto: lines of its password file; emqx: the CSV that its built-in database imports (SHA-256, the salt as prefix).",
        DefaultValueFactory = _ => BrokerKind.Mosquitto,
    };

    public static Command BuildOne()
    {
        var login = new Command(
            "login",
            "Print one device's login for an outside broker: its id and a salted hash of its MQTT password. The device's key is asked for on a terminal, "
            + "else read from standard input (one line, 64 hex digits); it is never an argument. Needs no store.")
        {
            DeviceId,
            Broker,
        };
        login.SetAction((parsed, _) => PrintOneAsync(parsed.GetRequiredValue(DeviceId), parsed.GetValue(Broker)));
        return login;
    }

    /// <param name="settings">Of the server whose store is read; it may be running.</param>
    public static Command BuildAll(string[] settings)
    {
        var logins = new Command(
            "logins",
            "Print the logins of all devices that have a lock, for an outside broker: ids and salted hashes of MQTT passwords.")
        {
            Broker,
        };
        logins.SetAction((parsed, ct) => Startup.ExplainAsync(() => PrintAllAsync(parsed.GetValue(Broker), settings, ct)));
        return logins;
    }

    private static async Task<int> PrintOneAsync(string deviceId, BrokerKind broker)
    {
        if (!LockRules.IsDeviceId(deviceId))
        {
            return await RefuseAsync($"device_id {LockRules.DeviceIdRule}.");
        }

        var typed = Console.IsInputRedirected ? await Console.In.ReadLineAsync() : PasswordPrompt.Ask("Key: ");
        if (KeyOf(typed?.Trim()) is not { } key)
        {
            return await RefuseAsync($"The key must be {DeviceKeys.KeyBytes * 2} hexadecimal digits, on standard input.");
        }

        await WriteHeaderAsync(broker);
        await Console.Out.WriteLineAsync(BrokerLoginLine.Of(broker, deviceId, key));
        return ExitCodes.Ok;
    }

    private static async Task<int> PrintAllAsync(BrokerKind broker, string[] settings, CancellationToken ct)
    {
        // Standard output is the broker's file.
        await using var app = SmartLockServer.Create(
            ["--Logging:LogLevel:Default=Warning", "--Logging:Console:LogToStandardErrorThreshold=Trace", .. settings],
            // It decrypts, and makes no key for it.
            builder => builder.Services.Configure<KeyManagementOptions>(keys => keys.AutoGenerateKeys = false));
        if (!await StorageFeature.OpenToReadAsync(app.Services, ct))
        {
            await Console.Error.WriteLineAsync($"There is no lock in {StorageFeature.PlaceOf(app.Configuration, app.Services.GetRequiredService<DataFolder>())}");
            return ExitCodes.Failed;
        }

        var locks = app.Services.GetRequiredService<ILockAdminStore>();
        var devices = app.Services.GetRequiredService<DeviceCache>();
        var allowUnsigned = app.Services.GetRequiredService<IOptions<DeviceOptions>>().Value.AllowUnsigned;
        await WriteHeaderAsync(broker);
        var (printed, left) = (0, 0);
        string? after = null;
        do
        {
            var page = await locks.ListAsync(owner: null, state: null, after, PageRequest.MaxLimit, ct);
            foreach (var item in page.Items)
            {
                if (await devices.FindAsync(item.DeviceId, ct) is { } device && (allowUnsigned || !device.IsUnsigned))
                {
                    await Console.Out.WriteLineAsync(BrokerLoginLine.Of(broker, device.DeviceId, device.Key));
                    printed++;
                }
                else
                {
                    left++;
                }
            }

            after = page.Next is null ? null : page.Items[^1].DeviceId;
        }
        while (after is not null);

        await Console.Error.WriteLineAsync(
            left == 0 ? $"{printed} logins." : $"{printed} logins. {left} left out: removed meanwhile, key not readable, or unsigned and not allowed (Devices:AllowUnsigned).");
        return ExitCodes.Ok;
    }

    private static Task WriteHeaderAsync(BrokerKind broker) =>
        broker is BrokerKind.Emqx ? Console.Out.WriteLineAsync(BrokerLoginLine.EmqxHeader) : Task.CompletedTask;

    private static byte[]? KeyOf(string? hex)
    {
        var key = new byte[DeviceKeys.KeyBytes];
        return hex?.Length == key.Length * 2 && Convert.FromHexString(hex, key, out _, out _) == System.Buffers.OperationStatus.Done ? key : null;
    }

    private static async Task<int> RefuseAsync(string sentence)
    {
        await Console.Error.WriteLineAsync(sentence);
        return ExitCodes.WrongInput;
    }
}
