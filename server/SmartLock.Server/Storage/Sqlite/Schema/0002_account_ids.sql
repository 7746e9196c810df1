-- account_id is what the log holds in place of a name, so that a deleted account's name goes and the log stays as it was written. A
-- deleted account leaves its id and a hash of its name, which is never given away again.
ALTER TABLE users ADD COLUMN account_id TEXT;
UPDATE users SET account_id = lower(hex(randomblob(16)));
CREATE UNIQUE INDEX users_account_id ON users (account_id);
CREATE TABLE retired_accounts (
    name_hash TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL UNIQUE,
    retired_at INTEGER NOT NULL
) WITHOUT ROWID;
ALTER TABLE logs ADD COLUMN target TEXT;
