-- When an answer began, counted from the request's first byte, and when its outcome was written, both in microseconds: what of a
-- request's time went where. Unknown of requests that an earlier version took in, until the index is rebuilt.
ALTER TABLE requests ADD COLUMN first_byte INTEGER;
ALTER TABLE requests ADD COLUMN ended_at INTEGER;
