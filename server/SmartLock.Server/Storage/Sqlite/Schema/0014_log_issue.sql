-- Why a lock became Unavailable, in a column of its own. Earlier entries told it in their result only; their hashes stay as they are
-- (see AuditChain.IsGenuine).
DROP TRIGGER logs_no_update;
ALTER TABLE logs ADD COLUMN issue TEXT;
UPDATE logs SET issue = substr(result, length('unavailable: ') + 1) WHERE action = 'lock.state' AND result LIKE 'unavailable: %';
CREATE TRIGGER logs_no_update BEFORE UPDATE ON logs BEGIN SELECT RAISE(ABORT, 'logs are append-only'); END;
