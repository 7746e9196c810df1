-- key_from is the log entry that tells of a lock's present key, log_id the one that tells of a command being sent. Entries are
-- numbered once and for all, so either tells a lock's present time from one before: what a device with an earlier key said, and what
-- an earlier owner had sent. commands_sent is for the statuses of devices that name no command.
ALTER TABLE locks ADD COLUMN key_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE commands ADD COLUMN log_id INTEGER NOT NULL DEFAULT 0;
CREATE INDEX commands_sent ON commands (device_id) WHERE state = 'Sent';
