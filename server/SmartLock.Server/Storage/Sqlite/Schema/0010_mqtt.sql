-- What the embedded broker keeps for its clients, in this file or in one of its own. Texts that clients chose are kept as the bytes
-- that they sent. A message that its client has received (PUBREC) has lost its content; only its number is waited for. The
-- subscriptions' own number keeps them in the order in which they were made.
CREATE TABLE mqtt_sessions (
    id INTEGER PRIMARY KEY,
    identity TEXT NOT NULL,
    client_id TEXT NOT NULL,
    expiry_ms INTEGER NOT NULL,
    saved_at INTEGER NOT NULL,
    left_at INTEGER,
    sent_through INTEGER NOT NULL,
    send_window INTEGER NOT NULL,
    will_topic TEXT,
    will_payload BLOB,
    will_properties BLOB,
    will_qos INTEGER,
    will_retain INTEGER,
    will_delay_s INTEGER,
    will_expiry_s INTEGER
);
CREATE TABLE mqtt_subscriptions (
    number INTEGER PRIMARY KEY,
    session_id INTEGER NOT NULL REFERENCES mqtt_sessions (id) ON DELETE CASCADE,
    filter TEXT NOT NULL,
    qos INTEGER NOT NULL,
    no_local INTEGER NOT NULL,
    retain_as_published INTEGER NOT NULL,
    identifier INTEGER NOT NULL,
    UNIQUE (session_id, filter)
);
CREATE TABLE mqtt_messages (
    session_id INTEGER NOT NULL REFERENCES mqtt_sessions (id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    qos INTEGER NOT NULL,
    retain INTEGER NOT NULL,
    received INTEGER NOT NULL DEFAULT 0,
    expires_at INTEGER,
    identifiers BLOB NOT NULL,
    topic BLOB NOT NULL,
    properties BLOB NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (session_id, sequence)
) WITHOUT ROWID;
CREATE TABLE mqtt_incoming (
    session_id INTEGER NOT NULL REFERENCES mqtt_sessions (id) ON DELETE CASCADE,
    packet_id INTEGER NOT NULL,
    PRIMARY KEY (session_id, packet_id)
) WITHOUT ROWID;
CREATE TABLE mqtt_retained (
    topic BLOB NOT NULL PRIMARY KEY,
    qos INTEGER NOT NULL,
    expires_at INTEGER,
    properties BLOB NOT NULL,
    payload BLOB NOT NULL,
    publisher_identity TEXT,
    publisher_client_id TEXT
) WITHOUT ROWID;
CREATE TABLE mqtt_alive (id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER NOT NULL);
