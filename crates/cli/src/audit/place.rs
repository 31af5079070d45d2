//! Which directory a verb speaks of: the one that was named, or the data directory's own log. Knows names only.

use std::path::{Path, PathBuf};

use crate::{failure::Failure, place::Place};

/// The log within a data directory.
pub(super) const LOG: &str = "log";
/// What a data directory of the earlier form holds in its place.
pub(super) const EARLIER: &str = "record/entries.jsonl";
/// Without it a directory is no log.
const ORIGIN: &str = "origin";

/// The log in `named`, which may be a log or a data directory; without it the data directory's own.
pub(super) fn log(place: &Place, named: Option<&Path>) -> Result<PathBuf, Failure> {
    let data_dir = named.map_or_else(|| place.data_dir(), Path::to_owned);
    if named.is_some() && data_dir.join(ORIGIN).is_file() {
        return Ok(data_dir);
    }
    let log = data_dir.join(LOG);
    if log.join(ORIGIN).is_file() {
        return Ok(log);
    }
    Err(absent(&data_dir, named.is_some()))
}

/// Why there is no log at a place, and what helps.
fn absent(folder: &Path, named: bool) -> Failure {
    let shown = folder.display();
    if folder.join(EARLIER).is_file() {
        return Failure::trouble(format!("`{shown}` is a data directory of an earlier form, with no log in it"))
            .hint("`gwanmun audit adopt` makes the log, beginning with what the earlier record was");
    }
    if !folder.exists() {
        let failure = Failure::trouble(format!("there is no directory `{shown}`"));
        return if named {
            failure.hint("name a log's directory: it holds `origin` and `segments`")
        } else {
            failure.hint("the first `gwanmun serve` makes it; another is named with `--data-dir`")
        };
    }
    let what = if named { "a log, nor a data directory with a log in it" } else { "a data directory with a log in it" };
    Failure::trouble(format!("`{shown}` is not {what}: there is no file `{ORIGIN}`"))
        .hint("name a log's directory: it holds `origin` and `segments`")
}
