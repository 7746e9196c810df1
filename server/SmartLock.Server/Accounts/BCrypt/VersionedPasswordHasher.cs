using System.Text;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using BC = BCrypt.Net.BCrypt;

namespace SmartLock.Server.Accounts.BCrypt;

/// <summary>
/// Makes hashes of the kind that the settings name and checks those of either, so that accounts can be brought along and the choice changed.
/// BCrypt sees a password's first 72 bytes only: a longer one is hashed by PBKDF2 whatever the settings say, rather than refused or cut.
/// </summary>
internal sealed class VersionedPasswordHasher(PasswordHasher<User> pbkdf2, IOptions<AccountOptions> options) : IPasswordHasher<User>
{
    private const int MostBytes = 72;
    private readonly AccountOptions _options = options.Value;

    public string HashPassword(User user, string password) => KindFor(password) is PasswordHashKind.BCrypt
        ? BC.HashPassword(password, BC.GenerateSalt(_options.BCryptCost, 'b'))
        : pbkdf2.HashPassword(user, password);

    /// <param name="hashedPassword">One that <see cref="PasswordHashes.WhyUnreadable"/> found no fault with.</param>
    public PasswordVerificationResult VerifyHashedPassword(User user, string hashedPassword, string providedPassword)
    {
        if (!PasswordHashes.IsBCrypt(hashedPassword))
        {
            var result = pbkdf2.VerifyHashedPassword(user, hashedPassword, providedPassword);
            return result is PasswordVerificationResult.Success && KindFor(providedPassword) is not PasswordHashKind.Pbkdf2
                ? PasswordVerificationResult.SuccessRehashNeeded
                : result;
        }

        // Half a surrogate pair has no UTF-8, which the library would say by an exception.
        if (!BC.Verify(WellFormed(providedPassword), hashedPassword))
        {
            return PasswordVerificationResult.Failed;
        }

        return KindFor(providedPassword) is PasswordHashKind.BCrypt && PasswordHashes.CostOf(hashedPassword) >= _options.BCryptCost
            ? PasswordVerificationResult.Success
            : PasswordVerificationResult.SuccessRehashNeeded;
    }

    private static string WellFormed(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    private PasswordHashKind KindFor(string password) =>
        Encoding.UTF8.GetByteCount(password) > MostBytes ? PasswordHashKind.Pbkdf2 : _options.PasswordHasher;
}
