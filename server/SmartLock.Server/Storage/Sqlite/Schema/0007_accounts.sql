-- password_version counts the passwords an account has had; a hash that is only renewed leaves it alone. Of refresh tokens there are
-- hashes only; number counts those of a session, the greatest being the one that is good. commands_asker is for the one who is
-- deleted, whose name leaves the commands.
ALTER TABLE users ADD COLUMN password_version INTEGER NOT NULL DEFAULT 0;

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    name_key TEXT NOT NULL REFERENCES users (name_key) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    user_agent TEXT,
    address TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (name_key, id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    hash BLOB NOT NULL PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    used INTEGER NOT NULL CHECK (used IN (0, 1))
) WITHOUT ROWID;
CREATE UNIQUE INDEX refresh_tokens_session ON refresh_tokens (session_id, number);

CREATE TABLE second_factors (
    name_key TEXT NOT NULL PRIMARY KEY REFERENCES users (name_key) ON DELETE CASCADE,
    protected_secret BLOB NOT NULL,
    confirmed_at INTEGER,
    last_step INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE recovery_codes (
    name_key TEXT NOT NULL REFERENCES second_factors (name_key) ON DELETE CASCADE,
    hash BLOB NOT NULL,
    PRIMARY KEY (name_key, hash)
) WITHOUT ROWID;

CREATE INDEX commands_asker ON commands (requested_by);
