//! The report for a person: what was read, what signs it, what is wrong, and the answer last.

use std::fmt::{self, Display, Formatter};

use super::{CheckpointSeen, Finding, KeysFrom, Report, Severity, Signer};

impl Display for Report {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        writeln!(to, "log         {}", self.origin)?;
        let from = match self.keys_from {
            KeysFrom::Given => "as given",
            KeysFrom::Policy => "from the policy",
            KeysFrom::BesideTheLog => {
                "from beside the log: whoever can rewrite the log can rewrite them, so compare them with others' copies"
            }
        };
        writeln!(to, "keys        {} ({from})", self.keys.join(", "))?;
        write!(to, "entries     {} in {} segments, {} bytes", self.entries, self.segments, self.entry_bytes)?;
        if let (Some(first), Some(last)) = (&self.first_at, &self.last_at) {
            write!(to, ", {first} to {last}")?;
        }
        writeln!(to)?;
        for (kind, count) in &self.kinds {
            writeln!(to, "            {count:>10} {kind}")?;
        }
        self.write_signed(to)?;
        self.write_unfinished(to)?;
        if self.derived_files > 0 {
            writeln!(to, "tiles       {} files compared with the segments", self.derived_files)?;
        }
        for finding in &self.findings {
            writeln!(to, "{finding}")?;
        }
        let shown = self.findings.len() as u64;
        if self.faults + self.notices > shown {
            writeln!(to, "… and {} more", self.faults + self.notices - shown)?;
        }
        if self.holds() {
            writeln!(to, "result      the log holds")
        } else {
            writeln!(to, "result      the log does not hold: {} faults", self.faults)
        }
    }
}

impl Report {
    fn write_signed(&self, to: &mut Formatter<'_>) -> fmt::Result {
        match &self.checkpoint {
            Some(checkpoint) => checkpoint.write("checkpoint", to)?,
            None => writeln!(to, "checkpoint  none that can be read")?,
        }
        if let Some(cosigned) = &self.cosigned {
            cosigned.write("cosigned", to)?;
        }
        for kept in &self.kept {
            let verdict = if kept.consistent { "the log extends it" } else { "not what this log extends" };
            match kept.size {
                Some(size) => writeln!(to, "kept        `{}` of {size} entries: {verdict}", kept.name)?,
                None => writeln!(to, "kept        `{}`: cannot be read", kept.name)?,
            }
        }
        Ok(())
    }

    fn write_unfinished(&self, to: &mut Formatter<'_>) -> fmt::Result {
        if self.open.count > 0 {
            write!(to, "open        {} decisions without outcome, entries", self.open.count)?;
            for entry in &self.open.entries {
                write!(to, " {entry}")?;
            }
            let more = self.open.count > self.open.entries.len() as u64;
            writeln!(to, "{}", if more { " …" } else { "" })?;
        }
        if let Some(tail) = &self.unsigned {
            writeln!(to, "unsigned    {} entries from {} on, which no signature covers yet", tail.entries, tail.from)?;
        }
        if let Some(torn) = &self.torn {
            writeln!(to, "torn        {} bytes at the end of {}, from byte {}", torn.bytes, torn.file, torn.offset)?;
        }
        Ok(())
    }
}

impl Display for CheckpointSeen {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        self.write("checkpoint", to)
    }
}

impl CheckpointSeen {
    fn write(&self, name: &str, to: &mut Formatter<'_>) -> fmt::Result {
        writeln!(to, "{name:<12}{} entries, root {}", self.size, self.root)?;
        for signature in &self.signatures {
            let by = match signature.by {
                Signer::Log => "log",
                Signer::Witness => "witness",
            };
            write!(to, "            signed by {by} `{}`, {}", signature.name, signature.algorithm)?;
            match signature.time.and_then(|time| i64::try_from(time).ok()).map(jiff::Timestamp::from_second) {
                Some(Ok(time)) => writeln!(to, ", {time}")?,
                Some(Err(_)) | None => writeln!(to)?,
            }
        }
        if let Some(quorum) = &self.quorum {
            let met = if quorum.met { "met" } else { "not met" };
            writeln!(to, "            quorum `{}` {met}", quorum.name)?;
        }
        Ok(())
    }
}

impl Display for Finding {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Fault => "fault",
            Severity::Notice => "notice",
        };
        write!(to, "{severity:<12}{}: {}", self.kind.word(), self.file)?;
        if let Some(offset) = self.offset {
            write!(to, ", byte {offset}")?;
        }
        if let Some(entry) = self.entry {
            write!(to, ", entry {entry}")?;
        }
        write!(to, ": {} ({})", self.wrong, self.means)
    }
}
