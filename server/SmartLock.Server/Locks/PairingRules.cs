namespace SmartLock.Server.Locks;

/// <summary>What a device that waits for its owner must look like, and until when it waits. Pure.</summary>
internal static class PairingRules
{
    /// <summary>
    /// With so many wrong codes nobody mistypes any more: the account cannot claim the device. Nobody else is hindered by that, since any
    /// account can do it to any device id it has read or guessed.
    /// </summary>
    public const int MaxWrongCodesOfOne = 10;

    public const int DefaultDays = 30;
    public const int MaxDays = 365;
    public const string DaysRule = "must be between 1 and 365";

    /// <summary>However many wrong codes were tried: of 80 random bits they find nothing, and whoever sent them would else keep the owner out.</summary>
    public static bool IsOpen(Pairing pairing, DateTimeOffset now) => now < pairing.ExpiresAt;

    /// <summary>The members at fault with their messages; empty when the device may be added.</summary>
    public static IReadOnlyDictionary<string, string[]> Check(DevicePreparation.Request request, bool allowUnsigned)
    {
        // Without an owner there is no lock yet, which a name would be for: the one who claims it gives it one.
        var errors = new Dictionary<string, string[]>(
            LockRules.Check(request.DeviceId, request.Owner is null ? "none" : request.Name, request.Unsigned, allowUnsigned));
        if (request is { Owner: null, Name: not null })
        {
            errors["name"] = ["must be left out without an owner: the account that claims the device names it"];
        }

        if (request.ExpiresDays is not (null or (>= 1 and <= MaxDays)))
        {
            errors["expires_days"] = [DaysRule];
        }
        else if (request is { Owner: not null, ExpiresDays: not null })
        {
            errors["expires_days"] = ["is for a device without an owner"];
        }

        return errors;
    }

    /// <summary>What a phone reads from the QR code; described in docs/pairing.md.</summary>
    public static string QrText(Uri server, string deviceId, string code) =>
        $"smartlock://pair?v=1&server={Uri.EscapeDataString(server.ToString().TrimEnd('/'))}&device_id={Uri.EscapeDataString(deviceId)}&code={code}";
}
