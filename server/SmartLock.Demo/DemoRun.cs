using System.Net;
using System.Security.Cryptography;

namespace SmartLock.Demo;

/// <summary>
/// The demo beside a running server. The server calls it through reflection and shares no type of ours with it: a change of this
/// signature is a change of SmartLock.Server.Demo.DemoAssembly too.
/// </summary>
public static class DemoRun
{
    private const string PasswordAlphabet = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    private static readonly TimeSpan StartWithin = TimeSpan.FromSeconds(30);

    /// <summary>Makes the account, prints how to use it, and keeps its virtual locks connected until it is cancelled.</summary>
    /// <param name="http">Where the server's API listens.</param>
    /// <param name="mqtt">Where its broker listens without TLS.</param>
    /// <param name="observerPassword">Of the read-only MQTT login <c>observer</c>.</param>
    /// <param name="folder">Where the server keeps its data; printed only.</param>
    /// <param name="ct">Ends the demo.</param>
    public static async Task RunAsync(Uri http, IPEndPoint mqtt, string observerPassword, string folder, CancellationToken ct)
    {
        var password = RandomNumberGenerator.GetString(PasswordAlphabet, 16);
        await using var account = await DemoAccount.CreateAsync(http, mqtt, password, StartWithin, ct);
        await Console.Out.WriteLineAsync(DemoText.Of(http, mqtt, account, observerPassword, folder));
        await WaitForCancellationAsync(ct);
        await Console.Out.WriteLineAsync("Stopping.");
    }

    private static async Task WaitForCancellationAsync(CancellationToken ct) =>
        await Task.Delay(Timeout.InfiniteTimeSpan, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
