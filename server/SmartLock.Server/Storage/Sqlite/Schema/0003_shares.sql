-- The times are when the share begins and ends; open where null.
CREATE TABLE shares (
    device_id TEXT NOT NULL REFERENCES locks (device_id) ON DELETE CASCADE,
    name_key TEXT NOT NULL REFERENCES users (name_key) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('Viewer', 'Operator')),
    from_at INTEGER,
    until_at INTEGER,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (device_id, name_key)
) WITHOUT ROWID;
CREATE INDEX shares_user ON shares (name_key, device_id);
