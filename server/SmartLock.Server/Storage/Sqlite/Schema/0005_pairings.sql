-- log_from is the first log entry that a lock's present owner may see: what was before is the business of owners before. A pairing
-- is a device that the operator prepared and nobody has claimed. commands_device lets a lock be removed without a walk through
-- everybody's commands, logs_states a lock's comings and goings be read without those between them.
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
