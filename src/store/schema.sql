-- Times ending in _ms: `wall_ms`, `began_ms` of calls and the like are milliseconds since 1970;
-- `at_ms` are milliseconds on the call's own clock, zero at its arrival.
CREATE TABLE calls (
    id                  TEXT PRIMARY KEY,
    began_ms            INTEGER NOT NULL,
    ended_ms            INTEGER,
    length_ms           INTEGER,
    disposition         TEXT,
    caller_number       TEXT,
    -- The number as it is compared: digits only, a leading 00 as +.
    caller_key          TEXT,
    caller_name         TEXT,
    dialled             TEXT NOT NULL,
    trunk               TEXT NOT NULL,
    user_agent          TEXT,
    language            TEXT NOT NULL,
    vip                 INTEGER NOT NULL DEFAULT 0,
    handling            TEXT NOT NULL,
    intent              TEXT,
    stress_max          REAL NOT NULL DEFAULT 0,
    priority            TEXT,
    -- The agent who has or had the call.
    agent               TEXT,
    wanted_person_ms    INTEGER,
    to_person_ms        INTEGER,
    consent             TEXT,
    satisfied           INTEGER,
    recording           TEXT,
    recording_began_ms  INTEGER
) STRICT;
CREATE INDEX calls_by_time ON calls (began_ms DESC);
CREATE INDEX calls_by_caller ON calls (caller_key);
CREATE INDEX calls_by_end ON calls (ended_ms);

CREATE TABLE legs (
    id        INTEGER PRIMARY KEY,
    call      TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    leg       INTEGER NOT NULL,
    role      TEXT NOT NULL,
    agent     TEXT,
    peer      TEXT,
    codec     TEXT,
    began_ms  INTEGER NOT NULL,
    ended_ms  INTEGER,
    how       TEXT,
    UNIQUE (call, leg)
) STRICT;

CREATE TABLE lines (
    id                 INTEGER PRIMARY KEY,
    call               TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    at_ms              INTEGER NOT NULL,
    wall_ms            INTEGER NOT NULL,
    speaker            TEXT NOT NULL,
    text               TEXT NOT NULL,
    ended_ms           INTEGER,
    words              TEXT,
    confidence         REAL,
    decode_ms          INTEGER,
    intent             TEXT,
    intent_confidence  REAL,
    stress             REAL,
    reasons            TEXT,
    slots              TEXT
) STRICT;
CREATE INDEX lines_by_call ON lines (call);

CREATE TABLE decisions (
    id        INTEGER PRIMARY KEY,
    call      TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    at_ms     INTEGER NOT NULL,
    rule      TEXT NOT NULL,
    decision  TEXT NOT NULL,
    priority  TEXT NOT NULL,
    reasons   TEXT NOT NULL
) STRICT;
CREATE INDEX decisions_by_call ON decisions (call);

CREATE TABLE transfer_steps (
    id      INTEGER PRIMARY KEY,
    call    TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    at_ms   INTEGER NOT NULL,
    offer   INTEGER,
    agent   TEXT,
    step    TEXT NOT NULL,
    detail  TEXT NOT NULL
) STRICT;
CREATE INDEX transfer_steps_by_call ON transfer_steps (call);

-- Who may see a call besides supervisors: agents who accepted it.
CREATE TABLE call_agents (
    call   TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    agent  TEXT NOT NULL,
    PRIMARY KEY (call, agent)
) STRICT;

CREATE TABLE consents (
    id     INTEGER PRIMARY KEY,
    call   TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    at_ms  INTEGER NOT NULL,
    state  TEXT NOT NULL
) STRICT;
CREATE INDEX consents_by_call ON consents (call);

-- Keys, look-ups, satisfaction: what else happened, in words.
CREATE TABLE events (
    id      INTEGER PRIMARY KEY,
    call    TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    at_ms   INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    detail  TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_call ON events (call);

CREATE TABLE wrap_ups (
    call       TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    agent      TEXT NOT NULL,
    opened_ms  INTEGER NOT NULL,
    closed_ms  INTEGER,
    result     TEXT,
    PRIMARY KEY (call, agent)
) STRICT;

CREATE TABLE ladder (
    id        INTEGER PRIMARY KEY,
    call      TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    at_ms     INTEGER NOT NULL,
    leg       INTEGER NOT NULL,
    outbound  INTEGER NOT NULL,
    peer      TEXT NOT NULL,
    summary   TEXT NOT NULL,
    message   TEXT NOT NULL
) STRICT;
CREATE INDEX ladder_by_call ON ladder (call);

CREATE TABLE offers (
    token_hash  BLOB PRIMARY KEY,
    call        TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    offer       INTEGER NOT NULL,
    agent       TEXT NOT NULL,
    card        TEXT NOT NULL,
    opened_ms   INTEGER NOT NULL,
    closes_ms   INTEGER NOT NULL
) STRICT;
CREATE INDEX offers_by_call ON offers (call);

CREATE TABLE users (
    name           TEXT PRIMARY KEY,
    role           TEXT NOT NULL,
    agent          TEXT,
    password_hash  TEXT NOT NULL,
    created_ms     INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    token_hash  BLOB PRIMARY KEY,
    user        TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    csrf        TEXT NOT NULL,
    created_ms  INTEGER NOT NULL,
    seen_ms     INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user);

CREATE TABLE api_tokens (
    token_hash  BLOB PRIMARY KEY,
    user        TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    label       TEXT NOT NULL,
    created_ms  INTEGER NOT NULL
) STRICT;

-- Each row's hash covers the row and the hash before it.
CREATE TABLE audit (
    id       INTEGER PRIMARY KEY,
    wall_ms  INTEGER NOT NULL,
    who      TEXT NOT NULL,
    what     TEXT NOT NULL,
    target   TEXT NOT NULL,
    address  TEXT NOT NULL,
    hash     BLOB NOT NULL
) STRICT;

CREATE VIRTUAL TABLE search USING fts5 (
    text, content = 'lines', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);
-- Deleted words leave the index at once instead of at the next merge.
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER lines_into_search AFTER INSERT ON lines BEGIN
    INSERT INTO search (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER lines_out_of_search AFTER DELETE ON lines BEGIN
    INSERT INTO search (search, rowid, text) VALUES ('delete', old.id, old.text);
END;
