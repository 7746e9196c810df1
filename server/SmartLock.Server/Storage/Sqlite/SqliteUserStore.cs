using System.Security.Cryptography;
using SmartLock.Server.Accounts;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteUserStore(SqliteDatabase database) : IUserStore
{
    private const int AccountIdBytes = 16;

    /// <summary>The last character of Unicode ends the names that begin alike.</summary>
    private const string SelectPage = $"""
        {SqliteAccounts.SelectAll} WHERE name_key > @After AND name_key >= @Search AND name_key < @Search || char(0x10FFFF)
        AND (@Role IS NULL OR role = @Role) AND (@Disabled IS NULL OR disabled = @Disabled) ORDER BY name_key LIMIT @Limit
        """;

    private const string Insert = """
        INSERT INTO users (name_key, username, email, password_hash, role, created_at, disabled, account_id, binding)
        SELECT @NameKey, @Username, @Email, @PasswordHash, @Role, @CreatedAt, @Disabled, @AccountId, @Binding
        WHERE NOT EXISTS (SELECT 1 FROM retired_accounts WHERE name_hash = @NameHash)
        ON CONFLICT (name_key) DO NOTHING
        """;

    private const string ReplaceHash = "UPDATE users SET password_hash = @newHash WHERE name_key = @nameKey AND password_hash = @oldHash";

    private const string ChangeHash =
        "UPDATE users SET password_hash = @newHash, password_version = password_version + 1 WHERE name_key = @nameKey";

    private const string ChangeEmail = "UPDATE users SET email = @email WHERE name_key = @nameKey";

    private const string SelectAdmin = "SELECT EXISTS (SELECT 1 FROM users WHERE role = 'Admin')";

    public Task<CreateUserOutcome> CreateAsync(User user, string actor, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => Create(session, user, actor), ct);

    public Task<FirstAdminOutcome> CreateFirstAdminAsync(User user, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                var hasAdmin = session.Scalar<bool>(SelectAdmin);
                return UserChangeRules.FirstAdmin(hasAdmin, !hasAdmin && Create(session, user, user.Username) is CreateUserOutcome.NameTaken);
            },
            ct);

    public Task<User?> FindAsync(string username, CancellationToken ct) =>
        database.ReadAsync(session => session.FindUser(username), ct).AsTask();

    public Task<Page<User>> ListAsync(UserFilter filter, string? after, int limit, CancellationToken ct)
    {
        var page = new
        {
            After = SqliteNames.KeyOf(after ?? ""),
            Search = SqliteNames.KeyOf(filter.Search ?? ""),
            Role = filter.Role?.ToString(),
            filter.Disabled,
            Limit = limit + 1L,
        };
        return database.ReadAsync(
            session => UserCursor.Instance.Page(session.Query<User>(SelectPage, page), limit, static user => user.Username), ct).AsTask();
    }

    public Task<bool> ReplacePasswordHashAsync(string username, string oldHash, string newHash, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session => session.Execute(ReplaceHash, new { nameKey = SqliteNames.KeyOf(username), oldHash, newHash }) == 1,
            ct);

    public Task<ChangePasswordOutcome> ChangePasswordAsync(User user, string newHash, DateTimeOffset now, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                var outcome = UserChangeRules.ChangePassword(session.FindUser(user.Username), user);
                if (outcome is ChangePasswordOutcome.Changed)
                {
                    session.Execute(ChangeHash, new { nameKey = SqliteNames.KeyOf(user.Username), newHash });
                    session.EndSessions(user.Username);
                    session.Append(UserChangeRules.PasswordChanged(user.Username, now));
                }

                return outcome;
            },
            ct);

    public Task<User?> ChangeEmailAsync(string username, string? email, DateTimeOffset now, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                if (session.Execute(ChangeEmail, new { nameKey = SqliteNames.KeyOf(username), email }) == 0)
                {
                    return null;
                }

                var user = session.FindUser(username)!;
                session.Append(UserChangeRules.EmailChanged(user.Username, now));
                return user;
            },
            ct);

    public Task<UpdateUserResult> UpdateAsync(
        string username, UserChange change, string actor, DateTimeOffset now, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => session.UpdateAccount(username, change, actor, now), ct);

    public Task<DeleteUserOutcome> DeleteAsync(string username, string actor, DateTimeOffset now, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => session.DeleteAccount(username, actor, now), ct);

    public Task<bool> AnyAdminAsync(CancellationToken ct) => database.ReadAsync(session => session.Scalar<bool>(SelectAdmin), ct).AsTask();

    private static CreateUserOutcome Create(SqliteSession session, User user, string actor)
    {
        var nameKey = SqliteNames.KeyOf(user.Username);
        var accountId = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(AccountIdBytes));
        var written = session.Execute(Insert, new
        {
            NameKey = nameKey,
            NameHash = session.Chain.NameHashOf(nameKey),
            AccountId = accountId,
            Binding = session.Chain.BindingOf(accountId, nameKey, user.Username),
            user.Username,
            user.Email,
            user.PasswordHash,
            Role = user.Role.ToString(),
            user.CreatedAt,
            user.Disabled,
        });
        if (written == 0)
        {
            return CreateUserOutcome.NameTaken;
        }

        session.Append(UserChangeRules.Registered(user, actor));
        return CreateUserOutcome.Created;
    }
}
