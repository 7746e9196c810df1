-- What belongs to a lock goes with its row: nothing of it is left for whoever registers the device id next. SQLite cannot change the foreign
-- key of a column, so a table is made anew and filled. The migration runs with foreign keys off, else DROP TABLE would delete what refers to the table.
CREATE TABLE device_keys_new (
    device_id TEXT NOT NULL PRIMARY KEY REFERENCES locks (device_id) ON DELETE CASCADE,
    protected_key BLOB NOT NULL
) WITHOUT ROWID;
INSERT INTO device_keys_new (device_id, protected_key) SELECT device_id, protected_key FROM device_keys;
DROP TABLE device_keys;
ALTER TABLE device_keys_new RENAME TO device_keys;

CREATE TABLE commands_new (
    id TEXT NOT NULL PRIMARY KEY,
    device_id TEXT NOT NULL REFERENCES locks (device_id) ON DELETE CASCADE,
    action TEXT NOT NULL CHECK (action IN ('Lock', 'Unlock')),
    requested_by TEXT NOT NULL,
    idempotency_key TEXT,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('Sent', 'Done', 'Failed', 'Expired')),
    result TEXT,
    decided_at INTEGER,
    log_id INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
INSERT INTO commands_new (id, device_id, action, requested_by, idempotency_key, issued_at, expires_at, state, result, decided_at, log_id)
    SELECT id, device_id, action, requested_by, idempotency_key, issued_at, expires_at, state, result, decided_at, log_id FROM commands;
DROP TABLE commands;
ALTER TABLE commands_new RENAME TO commands;
CREATE UNIQUE INDEX commands_once ON commands (requested_by, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX commands_open ON commands (expires_at) WHERE state = 'Sent';
CREATE INDEX commands_device ON commands (device_id);
CREATE INDEX commands_asker ON commands (requested_by);
CREATE INDEX commands_sent ON commands (device_id) WHERE state = 'Sent';

-- A webhook for one lock, and what any webhook was told of the lock or still would be. A column that may be null can be added with its key.
DELETE FROM webhooks WHERE device_id NOT IN (SELECT device_id FROM locks);
DELETE FROM webhook_deliveries WHERE device_id NOT IN (SELECT device_id FROM locks) OR webhook_id NOT IN (SELECT id FROM webhooks);
ALTER TABLE webhooks ADD COLUMN lock_id TEXT REFERENCES locks (device_id) ON DELETE CASCADE;
UPDATE webhooks SET lock_id = device_id;
ALTER TABLE webhooks DROP COLUMN device_id;
ALTER TABLE webhooks RENAME COLUMN lock_id TO device_id;
CREATE INDEX webhooks_lock ON webhooks (device_id) WHERE device_id IS NOT NULL;
ALTER TABLE webhook_deliveries ADD COLUMN lock_id TEXT REFERENCES locks (device_id) ON DELETE CASCADE;
UPDATE webhook_deliveries SET lock_id = device_id;
ALTER TABLE webhook_deliveries DROP COLUMN device_id;
ALTER TABLE webhook_deliveries RENAME COLUMN lock_id TO device_id;
CREATE INDEX webhook_deliveries_lock ON webhook_deliveries (device_id) WHERE device_id IS NOT NULL;
