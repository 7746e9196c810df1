-- What belongs to a lock goes with its row: nothing of it is left for whoever registers the device id next. SQLite cannot add a foreign key to
-- a table, so each is made anew and filled. The migration runs with foreign keys off, else DROP TABLE would delete what refers to the table.
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

-- A webhook for one lock, and what any webhook was told of the lock or still would be.
CREATE TABLE webhooks_new (
    id TEXT NOT NULL PRIMARY KEY,
    name_key TEXT NOT NULL REFERENCES users (name_key) ON DELETE CASCADE,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    device_id TEXT REFERENCES locks (device_id) ON DELETE CASCADE,
    protected_secret BLOB NOT NULL,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    inactive_reason TEXT,
    due_at INTEGER,
    lease TEXT,
    failures INTEGER NOT NULL DEFAULT 0,
    dead_in_a_row INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO webhooks_new (id, name_key, url, events, device_id, protected_secret, active, inactive_reason, due_at, lease, failures, dead_in_a_row, created_at)
    SELECT id, name_key, url, events, device_id, protected_secret, active, inactive_reason, due_at, lease, failures, dead_in_a_row, created_at
    FROM webhooks WHERE device_id IS NULL OR device_id IN (SELECT device_id FROM locks);

CREATE TABLE webhook_deliveries_new (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event TEXT NOT NULL,
    device_id TEXT REFERENCES locks (device_id) ON DELETE CASCADE,
    body BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('Pending', 'Delivered', 'Dead', 'Dropped')),
    attempts INTEGER NOT NULL DEFAULT 0,
    status_code INTEGER,
    reason TEXT,
    created_at INTEGER NOT NULL,
    give_up_at INTEGER NOT NULL,
    ended_at INTEGER
);
INSERT INTO webhook_deliveries_new
    (number, id, webhook_id, event, device_id, body, state, attempts, status_code, reason, created_at, give_up_at, ended_at)
    SELECT number, id, webhook_id, event, device_id, body, state, attempts, status_code, reason, created_at, give_up_at, ended_at
    FROM webhook_deliveries
    WHERE webhook_id IN (SELECT id FROM webhooks_new) AND (device_id IS NULL OR device_id IN (SELECT device_id FROM locks));
-- Numbers are not given twice, even those of deliveries that are gone.
DELETE FROM sqlite_sequence WHERE name = 'webhook_deliveries_new';
INSERT INTO sqlite_sequence (name, seq) SELECT 'webhook_deliveries_new', seq FROM sqlite_sequence WHERE name = 'webhook_deliveries';

DROP TABLE webhook_deliveries;
DROP TABLE webhooks;
ALTER TABLE webhooks_new RENAME TO webhooks;
ALTER TABLE webhook_deliveries_new RENAME TO webhook_deliveries;
CREATE INDEX webhooks_account ON webhooks (name_key, id);
CREATE INDEX webhooks_due ON webhooks (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhooks_lock ON webhooks (device_id) WHERE device_id IS NOT NULL;
CREATE INDEX webhook_deliveries_list ON webhook_deliveries (webhook_id, number);
CREATE INDEX webhook_deliveries_state ON webhook_deliveries (webhook_id, state, number);
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (state, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX webhook_deliveries_lock ON webhook_deliveries (device_id) WHERE device_id IS NOT NULL;
