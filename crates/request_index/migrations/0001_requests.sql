-- The request index: what the audit log's entries say of each request, for searching and counting. Everything here can be made again
-- from the log. No text of a request or of an answer is in it, as none is in an entry.
-- Times are microseconds since 1970, UTC. Lists of names stand one a line: no name has a line's end in it.

-- How far the log has been read: one row.
CREATE TABLE progress (
    only       INTEGER PRIMARY KEY CHECK (only = 1),
    next_entry INTEGER NOT NULL,
    -- The log's name, once it is known.
    origin     TEXT
) STRICT;
INSERT INTO progress (only, next_entry) VALUES (1, 0);

-- Where requests were answered, with its jurisdictions as they were when it was written down: another row where they have changed.
CREATE TABLE destinations (
    id            INTEGER PRIMARY KEY,
    label         TEXT NOT NULL,
    -- Codes, one a line; empty where nothing is known.
    processed_in  TEXT NOT NULL,
    controlled_by TEXT NOT NULL,
    UNIQUE (label, processed_in, controlled_by)
) STRICT;

-- One row a request: its decision or its refusal, and how it ended.
CREATE TABLE requests (
    -- The index of the decision's or the refusal's entry: later requests have higher ones.
    entry             INTEGER PRIMARY KEY,
    at                INTEGER NOT NULL,
    request           TEXT NOT NULL,
    key               TEXT NOT NULL,
    team              TEXT NOT NULL,
    surface           TEXT NOT NULL,
    model             TEXT,
    stream            INTEGER NOT NULL CHECK (stream IN (0, 1)),
    class             TEXT,
    -- open, refused, answered, failed, cancelled, abandoned or lost.
    state             TEXT NOT NULL,
    -- The label of the destination that served, and its jurisdictions.
    served            TEXT,
    destination       INTEGER REFERENCES destinations (id),
    degraded          INTEGER NOT NULL CHECK (degraded IN (0, 1)),
    by_floor          INTEGER NOT NULL CHECK (by_floor IN (0, 1)),
    attempts          INTEGER NOT NULL,
    duration          INTEGER,
    prompt_tokens     INTEGER,
    completion_tokens INTEGER,
    outcome_entry     INTEGER,
    status            INTEGER,
    -- Why it was refused, or was not answered.
    reason            TEXT,
    finish            TEXT,
    tls_group         TEXT,
    hidden            INTEGER,
    label             TEXT,
    review            TEXT,
    seam_at           INTEGER,
    answer_bytes      INTEGER,
    cost              TEXT,
    rules             TEXT NOT NULL,
    permitted         TEXT NOT NULL,
    skipped           TEXT NOT NULL
) STRICT;

-- Each ends in the entry's number by itself: pages go by it.
CREATE INDEX requests_at ON requests (at);
CREATE INDEX requests_request ON requests (request);
CREATE INDEX requests_key ON requests (key);
CREATE INDEX requests_team ON requests (team);
CREATE INDEX requests_model ON requests (model);
CREATE INDEX requests_class ON requests (class);
CREATE INDEX requests_state ON requests (state);
CREATE INDEX requests_served ON requests (served) WHERE served IS NOT NULL;
CREATE INDEX requests_degraded ON requests (degraded) WHERE degraded = 1;
CREATE INDEX requests_outcome ON requests (outcome_entry) WHERE outcome_entry IS NOT NULL;

-- What the reader found, by kind; counts only.
CREATE TABLE findings (
    kind       TEXT NOT NULL,
    entry      INTEGER NOT NULL REFERENCES requests (entry),
    in_request INTEGER NOT NULL,
    in_answer  INTEGER NOT NULL,
    PRIMARY KEY (kind, entry)
) STRICT, WITHOUT ROWID;
CREATE INDEX findings_entry ON findings (entry);

-- A request that was sent on: its second destination and those after it.
CREATE TABLE attempts (
    entry             INTEGER NOT NULL REFERENCES requests (entry),
    number            INTEGER NOT NULL,
    at                INTEGER NOT NULL,
    destination       TEXT NOT NULL,
    reason            TEXT NOT NULL,
    answer_bytes      INTEGER,
    completion_tokens INTEGER,
    attempt_entry     INTEGER NOT NULL,
    PRIMARY KEY (entry, attempt_entry)
) STRICT, WITHOUT ROWID;

-- What operators changed, when the program began and stopped, and what was erased.
CREATE TABLE administration (
    entry    INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    action   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    by_whom  TEXT NOT NULL,
    -- A name and its value in turns, one a line.
    detail   TEXT NOT NULL
) STRICT;
CREATE INDEX administration_action ON administration (action);
CREATE INDEX administration_subject ON administration (subject);

-- Requests that have ended, counted by the minute, the hour and the day in which each was decided on.
CREATE TABLE counters (
    -- 60, 3600 or 86400 seconds.
    span              INTEGER NOT NULL,
    -- In seconds since 1970.
    start             INTEGER NOT NULL,
    -- 0 where none served.
    destination       INTEGER NOT NULL,
    state             TEXT NOT NULL,
    degraded          INTEGER NOT NULL,
    requests          INTEGER NOT NULL,
    prompt_tokens     INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    -- Requests whose answer's tokens nobody counted.
    uncounted         INTEGER NOT NULL,
    -- How long they took: a histogram (`spread.rs`).
    took              BLOB NOT NULL,
    PRIMARY KEY (span, start, destination, state, degraded)
) STRICT, WITHOUT ROWID;

-- Names that requests had, for choosing among them, and when each was last seen.
CREATE TABLE names (
    -- key, team, model, destination or finding.
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    requests   INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    last_entry INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
