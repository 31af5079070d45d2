-- What somebody has changed is looked up by whom too.
CREATE INDEX administration_by ON administration (by_whom);
