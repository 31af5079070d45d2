-- Who may use the console. A password is kept as its argon2id hash alone (PHC string).
CREATE TABLE accounts (
    name         TEXT NOT NULL PRIMARY KEY,
    role         TEXT NOT NULL CHECK (role IN ('owner', 'officer', 'operator', 'auditor', 'user')),
    -- Whose budget and policy their questions in the console are under.
    team         TEXT NOT NULL,
    password     TEXT NOT NULL,
    -- The language that they chose; none where the browser says it.
    language     TEXT CHECK (language IN ('ko', 'en', 'vi', 'fr', 'ja')),
    created_at   TEXT NOT NULL,
    -- An account that was closed stays, so that its name in the log means one person.
    closed_at    TEXT,
    -- Wrong passwords in a row, and until when none is looked at, in seconds since 1970.
    failures     INTEGER NOT NULL DEFAULT 0,
    locked_until INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Who is signed in. The token itself is with the browser alone; here is its SHA-256.
CREATE TABLE sessions (
    hash     BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    account  TEXT NOT NULL REFERENCES accounts (name),
    -- In seconds since 1970.
    began_at INTEGER NOT NULL,
    seen_at  INTEGER NOT NULL,
    -- What the browser calls itself, shortened: for the list that its owner reads.
    agent    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_account ON sessions (account);
