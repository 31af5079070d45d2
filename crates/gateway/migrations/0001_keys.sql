-- Keys: who may call. The text of a key is not here, only its keyed hash.
CREATE TABLE keys (
    hash       BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    id         TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    team       TEXT NOT NULL,
    created_at TEXT NOT NULL,
    revoked_at TEXT
) STRICT, WITHOUT ROWID;

-- A name means one key in force; a revoked key gives its name free.
CREATE UNIQUE INDEX keys_in_force_by_name ON keys (name) WHERE revoked_at IS NULL;
