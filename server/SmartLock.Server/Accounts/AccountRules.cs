using System.Text;
using System.Text.RegularExpressions;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

/// <summary>What a new account must look like.</summary>
internal static partial class AccountRules
{
    public const int MaxUsernameLength = 32;
    public const int MinPasswordLength = 10;
    public const int MaxPasswordLength = 128;
    public const int MaxEmailLength = 254;

    /// <summary>What <see cref="CheckUsernameForm"/> accepts, for the OpenAPI document.</summary>
    public const string UsernamePattern = "^[A-Za-z0-9][A-Za-z0-9._-]{2,31}$";

    private const int MinUsernameLength = 3;
    private const int FewestDifferentCharacters = 4;

    /// <summary>Names that the log, the API or the broker use for something that is not an account.</summary>
    private static readonly HashSet<string> Reserved = new(StringComparer.OrdinalIgnoreCase)
    {
        "system", "device", "devices", "server", "smartlock", "broker", "mqtt", "observer", "provider", "guest", "anonymous",
        "nobody", "everyone", "unknown", "null", "undefined", "api", "auth",
    };

    /// <summary>Names that pass for somebody in charge: only the operator may give them away.</summary>
    private static readonly HashSet<string> ForAdmins = new(StringComparer.OrdinalIgnoreCase)
    {
        "admin", "administrator", "root", "owner", "operator", "support", "security", "postmaster", "webmaster",
    };

    /// <summary>The members at fault with their messages; empty when the account may be made.</summary>
    public static IReadOnlyDictionary<string, string[]> Check(string username, string password, string? email, Role role)
    {
        var errors = new Dictionary<string, string[]>();
        Add("username", CheckUsername(username, role));
        Add("password", CheckPassword(password, username));
        Add("email", CheckEmail(email));
        return errors;

        void Add(string field, string? message)
        {
            if (message is not null)
            {
                errors[field] = [message];
            }
        }
    }

    public static string? CheckUsername(string username, Role role)
    {
        if (CheckUsernameForm(username) is { } fault)
        {
            return fault;
        }

        return Reserved.Contains(username) || (role != Role.Admin && ForAdmins.Contains(username)) ? "is a reserved name" : null;
    }

    /// <summary>Why nobody can have the name, or null; reserved names are not looked at.</summary>
    public static string? CheckUsernameForm(string username)
    {
        if (!HasUsernameLength(username))
        {
            return $"must have {MinUsernameLength} to {MaxUsernameLength} characters";
        }

        return Username().IsMatch(username) ? null : "may hold letters A to Z, digits, dot, dash and underscore, and begins with a letter or digit";
    }

    /// <summary>Whether anybody can have the name at all, reserved ones included: for names that are looked up.</summary>
    public static bool IsUsername(string text) => HasUsernameLength(text) && Username().IsMatch(text);

    public static string? CheckPassword(string password, string username)
    {
        if (password.Length < MinPasswordLength)
        {
            return $"must have at least {MinPasswordLength} characters";
        }

        if (password.Length > MaxPasswordLength)
        {
            return $"must have at most {MaxPasswordLength} characters";
        }

        // Half a surrogate pair has no UTF-8, so that different passwords would have one hash.
        if (password.EnumerateRunes().Any(r => r == Rune.ReplacementChar))
        {
            return "holds a character that is none";
        }

        if (username.Length > 0 && password.Contains(username, StringComparison.OrdinalIgnoreCase))
        {
            return "must not contain the username";
        }

        return CommonPasswords.Contains(password) || password.Distinct().Count() < FewestDifferentCharacters
            ? "is too easy to guess"
            : null;
    }

    public static string? CheckEmail(string? email)
    {
        if (email is null)
        {
            return null;
        }

        return TextRules.Check(email, MaxEmailLength) ?? (Email().IsMatch(email) ? null : "is not an e-mail address");
    }

    private static bool HasUsernameLength(string text) => text.Length is >= MinUsernameLength and <= MaxUsernameLength;

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Username();

    /// <summary>Something, one @, and a name with a dot; whether it exists only a message can tell.</summary>
    [GeneratedRegex(@"^[^@\s""(),:;<>\[\\\]]{1,64}@[^@\s.""(),:;<>\[\\\]]+(\.[^@\s.""(),:;<>\[\\\]]+)+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Email();
}
