-- due_at is when the webhook's next attempt may be made, null when nothing is pending; while an attempt is made it is when the lease
-- (lease names whose) ends. Deliveries are made in the order of number. device_id is no reference: the lock may go.
CREATE TABLE webhooks (
    id TEXT NOT NULL PRIMARY KEY,
    name_key TEXT NOT NULL REFERENCES users (name_key) ON DELETE CASCADE,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    device_id TEXT,
    protected_secret BLOB NOT NULL,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    inactive_reason TEXT,
    due_at INTEGER,
    lease TEXT,
    failures INTEGER NOT NULL DEFAULT 0,
    dead_in_a_row INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX webhooks_account ON webhooks (name_key, id);
CREATE INDEX webhooks_due ON webhooks (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE webhook_deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event TEXT NOT NULL,
    device_id TEXT,
    body BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('Pending', 'Delivered', 'Dead', 'Dropped')),
    attempts INTEGER NOT NULL DEFAULT 0,
    status_code INTEGER,
    reason TEXT,
    created_at INTEGER NOT NULL,
    give_up_at INTEGER NOT NULL,
    ended_at INTEGER
);
CREATE INDEX webhook_deliveries_list ON webhook_deliveries (webhook_id, number);
CREATE INDEX webhook_deliveries_state ON webhook_deliveries (webhook_id, state, number);
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (state, ended_at) WHERE ended_at IS NOT NULL;
