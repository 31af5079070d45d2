//! What a person sees who waits for a large log: that it is under way, and for how long.

use std::{fs, path::Path, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{table, terminal::Terminal};

/// Below this it is done before anybody wonders.
const SHOWN_FROM_BYTES: u64 = 64 << 20;

/// Does `work` on all of a log, saying that it is `doing` so.
pub(super) fn during<T>(doing: &str, directory: &Path, work: impl FnOnce() -> T) -> T {
    let files = fs::read_dir(directory.join("segments")).into_iter().flatten().flatten();
    let bytes: u64 = files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum();
    let bar = (Terminal::is_watched() && bytes >= SHOWN_FROM_BYTES).then(|| {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(format!("{doing} {} of entries", table::bytes(bytes)));
        bar.enable_steady_tick(Duration::from_millis(250));
        bar
    });
    let done = work();
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    done
}
