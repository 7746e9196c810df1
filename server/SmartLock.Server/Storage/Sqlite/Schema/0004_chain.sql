-- UNIQUE (device_id, seq) is what keeps a chain one chain, whoever writes. actor and target hold user: and the account's id in place
-- of a name.
DROP TRIGGER logs_no_update;
DROP TRIGGER logs_no_delete;
DROP TRIGGER logs_no_replace;
DROP INDEX logs_device;
ALTER TABLE logs RENAME TO logs_unchained;

CREATE TABLE logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    time INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    result TEXT NOT NULL,
    command_id TEXT,
    target TEXT,
    previous_hash BLOB NOT NULL,
    hash BLOB NOT NULL,
    UNIQUE (device_id, seq)
);
CREATE INDEX logs_device ON logs (device_id, id);
CREATE INDEX logs_actor ON logs (actor, id);
CREATE TRIGGER logs_no_update BEFORE UPDATE ON logs BEGIN SELECT RAISE(ABORT, 'logs are append-only'); END;
CREATE TRIGGER logs_no_delete BEFORE DELETE ON logs BEGIN SELECT RAISE(ABORT, 'logs are append-only'); END;
CREATE TRIGGER logs_no_replace BEFORE INSERT ON logs
WHEN EXISTS (SELECT 1 FROM logs WHERE id = NEW.id OR (device_id = NEW.device_id AND seq = NEW.seq))
BEGIN SELECT RAISE(ABORT, 'logs are append-only'); END;

CREATE TABLE log_heads (
    device_id TEXT NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    seal BLOB NOT NULL
) WITHOUT ROWID;
