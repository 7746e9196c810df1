-- Where an account was signed in from of late, as networks: strangers elsewhere do not hold those up who sign in from there again.
CREATE TABLE known_networks (
    name_key TEXT NOT NULL REFERENCES users (name_key) ON DELETE CASCADE,
    network TEXT NOT NULL,
    last_used_at INTEGER NOT NULL,
    PRIMARY KEY (name_key, network)
) WITHOUT ROWID;
