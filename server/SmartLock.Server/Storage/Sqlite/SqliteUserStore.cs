using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteUserStore(SqliteDatabase database) : IUserStore
{
    private const string Columns = """
        username, email, password_hash, role, created_at, disabled, password_version,
        EXISTS (SELECT 1 FROM second_factors AS f WHERE f.name_key = users.name_key AND f.confirmed_at IS NOT NULL)
        """;

    private const string Insert = """
        INSERT INTO users (name_key, username, email, password_hash, role, created_at, disabled, account_id)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, lower(hex(randomblob(16))) WHERE NOT EXISTS (SELECT 1 FROM retired_accounts WHERE name_hash = ?8)
        ON CONFLICT (name_key) DO NOTHING
        """;

    private const string Select = $"SELECT {Columns} FROM users WHERE name_key = ?1";

    /// <summary>The last character of Unicode ends the names that begin alike.</summary>
    private const string SelectPage = $"""
        SELECT {Columns} FROM users WHERE name_key > ?1 AND name_key >= ?2 AND name_key < ?2 || char(0x10FFFF)
        AND (?3 IS NULL OR role = ?3) AND (?4 IS NULL OR disabled = ?4) ORDER BY name_key LIMIT ?5
        """;

    private const string ReplaceHash = "UPDATE users SET password_hash = ?3 WHERE name_key = ?1 AND password_hash = ?2";

    private const string ChangeEmail = "UPDATE users SET email = ?2 WHERE name_key = ?1";

    private const string SelectAdmin = "SELECT 1 FROM users WHERE role = 'Admin' LIMIT 1";

    public Task<CreateUserOutcome> CreateAsync(User user, string actor, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => Create(session, user, actor), ct);

    public Task<FirstAdminOutcome> CreateFirstAdminAsync(User user, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                if (AnyAdmin(session))
                {
                    return FirstAdminOutcome.AdminExists;
                }

                return Create(session, user, user.Username) switch
                {
                    CreateUserOutcome.Created => FirstAdminOutcome.Created,
                    CreateUserOutcome.NameTaken => FirstAdminOutcome.NameTaken,
                };
            },
            ct);

    public Task<User?> FindAsync(string username, CancellationToken ct) =>
        database.ReadAsync(session => Find(session, username), ct).AsTask();

    public Task<Page<User>> ListAsync(UserFilter filter, string? after, int limit, CancellationToken ct) =>
        database.ReadAsync(
            session =>
            {
                using var query = session.Use(SelectPage);
                query.Bind(1, SqliteNames.KeyOf(after ?? ""))
                    .Bind(2, SqliteNames.KeyOf(filter.Search ?? ""))
                    .Bind(3, filter.Role?.ToString())
                    .Bind(4, filter.Disabled is { } disabled ? (disabled ? 1L : 0L) : null)
                    .Bind(5, limit + 1L);
                var found = new List<User>();
                while (query.Step())
                {
                    found.Add(Read(query));
                }

                return UserCursor.Instance.Page(found, limit, static user => user.Username);
            },
            ct).AsTask();

    public Task<bool> ReplacePasswordHashAsync(string username, string oldHash, string newHash, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                using var update = session.Use(ReplaceHash);
                return update.Bind(1, SqliteNames.KeyOf(username)).Bind(2, oldHash).Bind(3, newHash).Run() == 1;
            },
            ct);

    public Task<ChangePasswordOutcome> ChangePasswordAsync(User user, string newHash, DateTimeOffset now, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => session.ChangePassword(user, newHash, now), ct);

    public Task<User?> ChangeEmailAsync(string username, string? email, DateTimeOffset now, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                using var update = session.Use(ChangeEmail);
                if (update.Bind(1, SqliteNames.KeyOf(username)).Bind(2, email).Run() == 0)
                {
                    return null;
                }

                var user = Find(session, username)!;
                session.AppendAccount(user.Username, AuditActions.AccountEmail, AuditResults.AccountDone, now);
                return user;
            },
            ct);

    public Task<UpdateUserResult> UpdateAsync(
        string username, UserChange change, string actor, DateTimeOffset now, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => session.UpdateAccount(username, change, actor, now), ct);

    public Task<DeleteUserOutcome> DeleteAsync(string username, string actor, DateTimeOffset now, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => session.DeleteAccount(username, actor, now), ct);

    public Task<bool> AnyAdminAsync(CancellationToken ct) => database.ReadAsync(AnyAdmin, ct).AsTask();

    internal static User? Find(SqliteSession session, string username)
    {
        using var query = session.Use(Select);
        return query.Bind(1, SqliteNames.KeyOf(username)).Step() ? Read(query) : null;
    }

    private static CreateUserOutcome Create(SqliteSession session, User user, string actor)
    {
        using var insert = session.Use(Insert);
        var written = insert.Bind(1, SqliteNames.KeyOf(user.Username))
            .Bind(2, user.Username)
            .Bind(3, user.Email)
            .Bind(4, user.PasswordHash)
            .Bind(5, user.Role.ToString())
            .Bind(6, user.CreatedAt)
            .Bind(7, user.Disabled)
            .Bind(8, SqliteLogNames.HashOf(SqliteNames.KeyOf(user.Username)))
            .Run();
        if (written == 0)
        {
            return CreateUserOutcome.NameTaken;
        }

        var target = actor == user.Username ? null : user.Username;
        session.AppendAccount(actor, AuditActions.AccountRegister, SqliteAccounts.WordFor(user.Role), user.CreatedAt, target);
        return CreateUserOutcome.Created;
    }

    private static bool AnyAdmin(SqliteSession session)
    {
        using var query = session.Use(SelectAdmin);
        return query.Step();
    }

    private static User Read(SqliteStatement row) =>
        new(row.Text(0), row.TextOrNull(1), row.Text(2), row.Enum<Role>(3), row.Time(4), row.Bool(5))
        {
            PasswordVersion = row.Int64(6),
            HasSecondFactor = row.Bool(7),
        };
}
