# The overview.
overview-title = Overview
overview-in-flight = In flight now
overview-ready = Destinations that answer
overview-of = { $part } of { $whole }
overview-entries = Entries in the audit log
