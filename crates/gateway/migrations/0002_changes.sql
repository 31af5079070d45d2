-- What operators changed and the audit log does not say yet. Written in the transaction that changes it; the process that
-- holds the log takes the rows in their order, and deletes each once its entry is durable.
CREATE TABLE changes (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
