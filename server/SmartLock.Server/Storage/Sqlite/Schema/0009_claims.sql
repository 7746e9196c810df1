-- How often each account has claimed a waiting device with a wrong code; goes with either.
CREATE TABLE wrong_codes (
    device_id TEXT NOT NULL REFERENCES pairings (device_id) ON DELETE CASCADE,
    name_key TEXT NOT NULL REFERENCES users (name_key) ON DELETE CASCADE,
    count INTEGER NOT NULL,
    PRIMARY KEY (device_id, name_key)
) WITHOUT ROWID;
CREATE INDEX wrong_codes_account ON wrong_codes (name_key);
