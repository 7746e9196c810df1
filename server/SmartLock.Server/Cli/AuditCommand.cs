using System.Globalization;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Storage;

namespace SmartLock.Server.Cli;

internal static class AuditCommand
{
    /// <summary>Works beside a running server on the same store and the same audit key.</summary>
    /// <returns>0 intact; 1 there is nothing to verify; 3 broken.</returns>
    public static async Task<int> VerifyAsync(string? deviceId, string[] settings, CancellationToken ct)
    {
        await using var app = SmartLockServer.Create(["--Logging:LogLevel:Default=Warning", .. settings]);
        var report = await StorageFeature.OpenToReadAsync(app.Services, ct)
            ? await app.Services.GetRequiredService<AuditVerification>().RunAsync(deviceId, ct)
            : null;
        if (report is not { } || report.Entries + report.Chains == 0)
        {
            await Console.Error.WriteLineAsync($"There is no entry to verify in {StorageFeature.PlaceOf(app.Configuration, app.Services.GetRequiredService<DataFolder>())}");
            return ExitCodes.Failed;
        }

        var size = string.Create(CultureInfo.InvariantCulture, $"{report.Entries:N0} entries in {report.Chains:N0} chains");
        if (report.IsIntact)
        {
            await Console.Out.WriteLineAsync($"{size}: as the server wrote them.");
            return ExitCodes.Ok;
        }

        if (report.BrokenChains > 0)
        {
            await ListAsync(
                string.Create(CultureInfo.InvariantCulture, $"{size}: {report.BrokenChains:N0} BROKEN. The first faulty entry of each:"),
                report.Broken.Select(Describe),
                report.BrokenChains);
        }

        if (report.BrokenAccounts > 0)
        {
            await ListAsync(
                string.Create(CultureInfo.InvariantCulture, $"{report.BrokenAccounts:N0} accounts that the log names are ALTERED:"),
                report.Accounts.Select(Describe),
                report.BrokenAccounts);
        }

        if (report.BrokenChains == report.Chains && report.Chains > 0)
        {
            await Console.Out.WriteLineAsync("Every chain is broken: is this the audit key (Audit:Key, or audit.key in the data folder) that the log was written with?");
        }

        return ExitCodes.LogBroken;
    }

    private static async Task ListAsync(string title, IEnumerable<string> named, long all)
    {
        await Console.Out.WriteLineAsync(title);
        foreach (var line in named)
        {
            await Console.Out.WriteLineAsync($"  {line}");
        }

        if (all > ChainCheck.MostNamed)
        {
            await Console.Out.WriteLineAsync("  and more.");
        }
    }

    private static string Describe(BrokenAccount broken) => broken.Fault switch
    {
        AccountFault.Altered => $"account {broken.Account}{(broken.Username is { } name ? $", which has the name {name} now" : "")}: its id or its name was changed",
        AccountFault.Missing => $"account {broken.Account}: it was removed without having been deleted",
        AccountFault.WrittenWhileAltered => $"account with the name hash {broken.Account}: entries were written while its id or its name was changed",
        _ => throw new ArgumentOutOfRangeException(nameof(broken)),
    };

    private static string Describe(BrokenChain broken)
    {
        var entry = broken.Id is { } id
            ? string.Create(CultureInfo.InvariantCulture, $"entry {broken.Sequence} (id {id}) of {broken.DeviceId}")
            : string.Create(CultureInfo.InvariantCulture, $"entry {broken.Sequence} of {broken.DeviceId}");
        return broken.Fault switch
        {
            ChainFault.Altered => $"{entry}: its content was changed, or it was not written by this server",
            ChainFault.Missing => $"{entry}: it was removed",
            ChainFault.Unlinked => $"{entry}: it does not follow the entry before it",
            ChainFault.Misplaced => $"{entry}: it was moved in the log",
            ChainFault.Added => $"{entry}: it was added behind the chain's end",
            ChainFault.CutOff => $"{entry}: it and what followed were removed",
            ChainFault.EndAltered => $"{entry}: the record of the chain's end after it was changed",
            _ => throw new ArgumentOutOfRangeException(nameof(broken)),
        };
    }
}
