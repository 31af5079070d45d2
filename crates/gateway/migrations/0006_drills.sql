-- Drills: rehearsed withdrawals. A command leaves a row; the server that runs takes it up, says how far it is, and how it ended.
CREATE TABLE drills (
    id            TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    state         TEXT NOT NULL CHECK (state IN ('wanted', 'running', 'ended')),
    -- What was asked for, and by whom: JSON.
    plan          TEXT NOT NULL,
    wanted_at     TEXT NOT NULL,
    -- Whether somebody wants it to end before its time.
    stop_wanted   INTEGER NOT NULL DEFAULT 0 CHECK (stop_wanted IN (0, 1)),
    -- How far it is: JSON, while it runs.
    progress      TEXT,
    ended_at      TEXT,
    -- Why it ended: one of the words of spec/drill.md.
    why           TEXT,
    -- Its entries in the log, and the SHA-256 of its report.
    begin_entry   INTEGER,
    end_entry     INTEGER,
    report_sha256 TEXT
) STRICT, WITHOUT ROWID;
