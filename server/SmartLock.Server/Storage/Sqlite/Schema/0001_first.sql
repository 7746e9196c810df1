-- The locks' keys stand apart: the row that every heartbeat rewrites stays small, and no query on locks meets a key. locks_heard is
-- what makes the offline sweep a seek: silent locks are at its beginning. A user's name is unique under name_key, its upper-case
-- form, since SQLite's NOCASE knows ASCII only. REPLACE deletes without firing delete triggers, hence the insert trigger on logs.
CREATE TABLE users (
    name_key TEXT NOT NULL PRIMARY KEY,
    username TEXT NOT NULL,
    email TEXT,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('User', 'Admin')),
    created_at INTEGER NOT NULL,
    disabled INTEGER NOT NULL CHECK (disabled IN (0, 1))
) WITHOUT ROWID;
CREATE INDEX users_admins ON users (name_key) WHERE role = 'Admin';

CREATE TABLE locks (
    id INTEGER PRIMARY KEY,
    device_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('Unknown', 'Locked', 'Unlocked')),
    state TEXT NOT NULL CHECK (state IN ('Unavailable', 'Available')),
    last_seen INTEGER,
    issue TEXT,
    sent_at INTEGER NOT NULL DEFAULT 0,
    connected_at INTEGER NOT NULL DEFAULT 0,
    own_topics INTEGER NOT NULL DEFAULT 0,
    firmware TEXT,
    rssi INTEGER,
    battery_mv INTEGER,
    uptime_s INTEGER,
    last_issued_at INTEGER NOT NULL DEFAULT 0,
    unsigned INTEGER NOT NULL CHECK (unsigned IN (0, 1)),
    created_at INTEGER NOT NULL
);
CREATE INDEX locks_owner ON locks (owner, device_id);
CREATE INDEX locks_heard ON locks (last_seen) WHERE state = 'Available';

CREATE TABLE device_keys (
    device_id TEXT NOT NULL PRIMARY KEY REFERENCES locks (device_id),
    protected_key BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE commands (
    id TEXT NOT NULL PRIMARY KEY,
    device_id TEXT NOT NULL REFERENCES locks (device_id),
    action TEXT NOT NULL CHECK (action IN ('Lock', 'Unlock')),
    requested_by TEXT NOT NULL,
    idempotency_key TEXT,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('Sent', 'Done', 'Failed', 'Expired')),
    result TEXT,
    decided_at INTEGER
) WITHOUT ROWID;
CREATE UNIQUE INDEX commands_once ON commands (requested_by, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX commands_open ON commands (expires_at) WHERE state = 'Sent';

CREATE TABLE logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time INTEGER NOT NULL,
    device_id TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    result TEXT NOT NULL,
    command_id TEXT
);
CREATE INDEX logs_device ON logs (device_id, id);
CREATE TRIGGER logs_no_update BEFORE UPDATE ON logs BEGIN SELECT RAISE(ABORT, 'logs are append-only'); END;
CREATE TRIGGER logs_no_delete BEFORE DELETE ON logs BEGIN SELECT RAISE(ABORT, 'logs are append-only'); END;
CREATE TRIGGER logs_no_replace BEFORE INSERT ON logs WHEN EXISTS (SELECT 1 FROM logs WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'logs are append-only'); END;

CREATE TABLE probes (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL);
