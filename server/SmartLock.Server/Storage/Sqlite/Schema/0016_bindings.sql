-- binding proves, under the audit key, that an account's id belongs to its name (AuditChain.BindingOf); of a deleted account, to the hash of its name,
-- which is keyed from now on. accounts_unbound is there until both were done, in the same transaction (SqliteBinding). key_checks holds what tells
-- whether the keys beside the store are those that it was written under.
ALTER TABLE users ADD COLUMN binding BLOB;
ALTER TABLE retired_accounts ADD COLUMN binding BLOB;
CREATE TABLE accounts_unbound (one INTEGER NOT NULL PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE key_checks (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
