-- The keys under which requests and answers are kept, wrapped under `payload.secret` (spec/payloads.md, section 2). A key is
-- destroyed by setting `wrapped` to NULL; its row stays, so that a reader can say when.
CREATE TABLE payload_keys (
    id           TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    team         TEXT NOT NULL,
    month        TEXT NOT NULL CHECK (length(month) = 7),
    wrapped      BLOB CHECK (length(wrapped) = 60),
    created_at   TEXT NOT NULL,
    destroyed_at TEXT,
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
) STRICT;

-- One key of a team and month is in force.
CREATE UNIQUE INDEX payload_keys_in_force ON payload_keys (team, month) WHERE wrapped IS NOT NULL;
