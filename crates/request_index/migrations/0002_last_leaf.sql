-- The leaf hash of the entry that was taken in last (RFC 6962): a log that was put back to an earlier state and then grew again has
-- other entries under the same numbers. Unknown in an index that an earlier version made.
ALTER TABLE progress ADD COLUMN last_leaf BLOB CHECK (length(last_leaf) = 32);
