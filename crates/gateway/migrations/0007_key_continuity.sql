-- What becomes of this key's streamed answers that break off: error or splice; none where the route says it.
ALTER TABLE keys ADD COLUMN continuity TEXT CHECK (continuity IN ('error', 'splice'));
