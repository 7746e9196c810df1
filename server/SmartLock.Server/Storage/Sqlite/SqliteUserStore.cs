using SmartLock.Server.Accounts;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteUserStore(SqliteDatabase database) : IUserStore
{
    private const string Insert = """
        INSERT INTO users (name_key, username, email, password_hash, role, created_at, disabled, account_id)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, lower(hex(randomblob(16)))) ON CONFLICT (name_key) DO NOTHING
        """;

    private const string Select =
        "SELECT username, email, password_hash, role, created_at, disabled FROM users WHERE name_key = ?1";

    private const string ReplaceHash = "UPDATE users SET password_hash = ?3 WHERE name_key = ?1 AND password_hash = ?2";

    private const string SelectAdmin = "SELECT 1 FROM users WHERE role = 'Admin' LIMIT 1";

    public Task<CreateUserOutcome> CreateAsync(User user, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                using var insert = session.Use(Insert);
                var written = insert.Bind(1, NameKey(user.Username))
                    .Bind(2, user.Username)
                    .Bind(3, user.Email)
                    .Bind(4, user.PasswordHash)
                    .Bind(5, user.Role.ToString())
                    .Bind(6, user.CreatedAt)
                    .Bind(7, user.Disabled)
                    .Run();
                return written == 1 ? CreateUserOutcome.Created : CreateUserOutcome.NameTaken;
            },
            ct);

    public Task<User?> FindAsync(string username, CancellationToken ct) =>
        database.ReadAsync(
            session =>
            {
                using var query = session.Use(Select);
                return query.Bind(1, NameKey(username)).Step() ? Read(query) : null;
            },
            ct).AsTask();

    public Task<bool> ReplacePasswordHashAsync(string username, string oldHash, string newHash, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                using var update = session.Use(ReplaceHash);
                return update.Bind(1, NameKey(username)).Bind(2, oldHash).Bind(3, newHash).Run() == 1;
            },
            ct);

    public Task<bool> AnyAdminAsync(CancellationToken ct) =>
        database.ReadAsync(
            static session =>
            {
                using var query = session.Use(SelectAdmin);
                return query.Step();
            },
            ct).AsTask();

    private static string NameKey(string username) => username.ToUpperInvariant();

    private static User Read(SqliteStatement row) => new(
        row.Text(0),
        row.TextOrNull(1),
        row.Text(2),
        row.Enum<Role>(3),
        row.Time(4),
        row.Bool(5));
}
