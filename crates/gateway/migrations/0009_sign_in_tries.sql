-- Wrong passwords, by whom they came from: counted for names that nobody has as for those that somebody has, so that counting tells
-- nobody which there are. The subject is a SHA-256; all times are in seconds since 1970.
CREATE TABLE tries (
    subject      BLOB NOT NULL PRIMARY KEY CHECK (length(subject) = 32),
    -- When the last of them is forgiven; one is every so many seconds.
    forgiven_at  INTEGER NOT NULL,
    -- Until when no password is looked at.
    rests_until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX tries_by_time ON tries (forgiven_at);

-- Browsers that somebody has signed in with: strangers' wrong passwords do not shut them out. The subject is the SHA-256 of the token
-- that the browser alone has, and of the account's name.
CREATE TABLE browsers (
    subject BLOB NOT NULL PRIMARY KEY CHECK (length(subject) = 32),
    account TEXT NOT NULL REFERENCES accounts (name),
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX browsers_by_account ON browsers (account);

-- `accounts.failures` and `accounts.locked_until` counted for the account, whoever tried, so that anybody could keep its owner out: they
-- are used no more.
