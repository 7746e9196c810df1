-- lost_at is when the lock's connection was last found lost. leases is for several server processes on one file, each of which may
-- hold one until the time given, Unix milliseconds.
ALTER TABLE locks ADD COLUMN lost_at INTEGER;
CREATE TABLE leases (name TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
