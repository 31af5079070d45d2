-- The least class of the data that a key is used for: open, sensitive or classified; none where nobody has said.
ALTER TABLE keys ADD COLUMN class TEXT CHECK (class IN ('open', 'sensitive', 'classified'));
