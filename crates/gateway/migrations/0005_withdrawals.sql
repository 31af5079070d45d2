-- What has been taken away: a destination, a model, a provider, a jurisdiction. A row is in force while it has no end; the requests of
-- a process that starts see it from the first. Rows are never deleted: they are what an operator reads.
CREATE TABLE withdrawals (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    subject   TEXT NOT NULL,
    cause     TEXT NOT NULL,
    why       TEXT NOT NULL,
    begun_by  TEXT NOT NULL,
    since     TEXT NOT NULL,
    -- The day of the notice that announced it, where one did: a notice takes effect once.
    notice    TEXT,
    -- Whether the operator has been told: the webhook has taken the message, or there was none.
    told      INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1)),
    ended_at  TEXT,
    ended_by  TEXT,
    ended_why TEXT,
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
) STRICT;

-- A subject is withdrawn once.
CREATE UNIQUE INDEX withdrawals_in_force ON withdrawals (subject) WHERE ended_at IS NULL;
