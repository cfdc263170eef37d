-- Callers who want to be called back: open until somebody did, or until the business system took
-- them over. Erased with their caller, and by age.
CREATE TABLE call_backs (
    id          INTEGER PRIMARY KEY,
    wall_ms     INTEGER NOT NULL,
    -- As the caller wrote it.
    number      TEXT NOT NULL,
    caller_key  TEXT NOT NULL,
    name        TEXT,
    closed_ms   INTEGER,
    -- A user's name, or the business system.
    closed_by   TEXT
) STRICT;
CREATE INDEX call_backs_by_caller ON call_backs (caller_key);
