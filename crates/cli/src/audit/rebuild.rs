//! `gwanmun audit rebuild`: what follows from the segments written again: the files that others read over HTTP, and those that
//! make a start quick. Only where no server holds the log.

use std::path::{Path, PathBuf};

use audit_log::Settings;
use clap::Args;
use serde::Serialize;

use super::{lines::counted, opened, place, waiting};
use crate::{
    failure::{Answer, Failure},
    place::Place,
    terminal::Terminal,
};

/// Write again what follows from the log's segments: tiles, and what a start reads
///
/// Reads every entry, and refuses where one is damaged; the entries themselves are not touched.
#[derive(Args)]
pub(super) struct Rebuild {
    /// A log's directory, or a data directory [default: the data directory's own log]
    #[arg(long = "dir", value_name = "DIR")]
    directory: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What was done, for programs.
#[derive(Serialize)]
struct Rebuilt {
    entries: u64,
    /// Bytes of a tail that nobody had been promised.
    cut_bytes: u64,
}

impl Rebuild {
    pub(super) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let log = place::log(place, self.directory.as_deref())?;
        let rebuilt = waiting::during("reading", &log, || rebuild(&log))?;
        if self.json {
            terminal.json(&rebuilt)?;
            return Ok(Answer::Yes);
        }
        if rebuilt.cut_bytes > 0 {
            let cut = counted(rebuilt.cut_bytes, "byte", "bytes");
            terminal.note(&format!("a crash had left {cut} that nobody was promised: they are cut"));
        }
        let entries = counted(rebuilt.entries, "entry", "entries");
        writeln!(terminal.out(), "written again from {entries}: tiles, and what a start reads")?;
        Ok(Answer::Yes)
    }
}

fn rebuild(log: &Path) -> Result<Rebuilt, Failure> {
    let settings = Settings { scan_all: true, ..opened::settings() };
    let Some((opened, recovered)) = opened::open(log, settings)? else {
        return Err(Failure::trouble(format!("`{}` is held by a running server", log.display()))
            .hint("stop it first: `gwanmun check` says which process it is"));
    };
    opened::close(&opened)?;
    Ok(Rebuilt { entries: recovered.entries, cut_bytes: recovered.cut.map_or(0, |cut| cut.bytes) })
}
