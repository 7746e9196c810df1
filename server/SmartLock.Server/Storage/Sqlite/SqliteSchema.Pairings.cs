namespace SmartLock.Server.Storage.Sqlite;

internal static partial class SqliteSchema
{
    /// <remarks>
    /// <c>log_from</c> is the first log entry that a lock's present owner may see: what was before is the business of owners before.
    /// A pairing is a device that the operator prepared and nobody has claimed. <c>commands_device</c> lets a lock be removed without a walk
    /// through everybody's commands, <c>logs_states</c> a lock's comings and goings be read without those between them.
    /// </remarks>
    private const string Pairings = """
        ALTER TABLE locks ADD COLUMN log_from INTEGER NOT NULL DEFAULT 0;
        CREATE INDEX commands_device ON commands (device_id);
        CREATE INDEX logs_states ON logs (device_id, id) WHERE action = 'lock.state';
        CREATE TABLE pairings (
            device_id TEXT NOT NULL PRIMARY KEY,
            protected_key BLOB NOT NULL,
            unsigned INTEGER NOT NULL CHECK (unsigned IN (0, 1)),
            code_hash BLOB NOT NULL,
            wrong_codes INTEGER NOT NULL DEFAULT 0,
            created_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL
        ) WITHOUT ROWID;
        """;
}
