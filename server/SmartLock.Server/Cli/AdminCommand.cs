using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Storage;

namespace SmartLock.Server.Cli;

internal static class AdminCommand
{
    public const string PasswordVariable = "SMARTLOCK_ADMIN_PASSWORD";

    /// <summary>Works beside a running server on the same store.</summary>
    /// <returns>0 made; 1 not made; 2 name or password against the rules; 130 broken off at the prompt.</returns>
    public static async Task<int> CreateAsync(string username, string[] settings, CancellationToken ct)
    {
        if (AccountRules.CheckUsername(username, Role.Admin) is { } wrongName)
        {
            return await FailAsync(ExitCodes.WrongInput, $"The username {wrongName}.");
        }

        if (Environment.GetEnvironmentVariable(PasswordVariable) is not { Length: > 0 } password)
        {
            if (PasswordPrompt.Read() is not { } typed)
            {
                return await FailAsync(ExitCodes.Cancelled, "No password was given.");
            }

            password = typed;
        }

        if (AccountRules.CheckPassword(password, username) is { } wrongPassword)
        {
            return await FailAsync(ExitCodes.WrongInput, $"The password {wrongPassword}.");
        }

        await using var app = SmartLockServer.Create(["--Logging:LogLevel:Default=Warning", .. settings]);
        await StorageFeature.OpenAsync(app.Services, ct);
        var registration = app.Services.GetRequiredService<Registration>();
        var outcome = await registration.RegisterAsync(username, password, null, Role.Admin, AuditActors.System, ct);
        switch (outcome)
        {
            case RegisterOutcome.NameTaken:
                return await FailAsync(ExitCodes.Failed, $"The name {username} is another account's, or was.");
            case RegisterOutcome.Busy:
                return await FailAsync(ExitCodes.Failed, "Too many passwords are being hashed just now: try again.");
            default:
                await Console.Out.WriteLineAsync($"The admin account {username} is made.");
                return ExitCodes.Ok;
        }
    }

    private static async Task<int> FailAsync(int code, string sentence)
    {
        await Console.Error.WriteLineAsync(sentence);
        return code;
    }
}
