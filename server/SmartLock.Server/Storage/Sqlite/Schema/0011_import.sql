-- Where imported log entries came from, so that none is taken twice.
CREATE TABLE imported_entries (
    device_id TEXT NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (device_id, key)
) WITHOUT ROWID;
