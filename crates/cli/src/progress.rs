//! How a pull's progress is shown: a bar for people, a line now and then for logs.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use model_store::Progress;

use crate::{
    table,
    terminal::{FAINT, Terminal},
};

const BAR: &str = "{bar:32} {percent:>3} %  {bytes} of {total_bytes}  {binary_bytes_per_sec}  {wide_msg}";
const BAR_WITHOUT_TOTAL: &str = "{spinner} {bytes}  {binary_bytes_per_sec}  {wide_msg}";
/// A line for a log is due each time another such share has come.
const LINE_PERCENT: u64 = 10;

/// Shows one pull's progress on standard error.
pub(crate) struct Shown<'a> {
    terminal: &'a mut Terminal,
    bar: Option<ProgressBar>,
    told_percent: Option<u64>,
}

impl<'a> Shown<'a> {
    pub(crate) fn new(terminal: &'a mut Terminal) -> Self {
        let bar = Terminal::is_watched().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Self { terminal, bar, told_percent: None }
    }

    /// Hears how far it has come.
    pub(crate) fn show(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Fetching { what, done, total } => match &self.bar {
                Some(bar) => draw(bar, what, done, total),
                None => self.line(what, done, total),
            },
            Progress::Checking => self.say("checking it"),
            Progress::Retrying { what, why } => self.say(&format!("{what} was cut ({why}); going on")),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&mut self, what: &str, done: u64, total: Option<u64>) {
        let Some(total) = total.filter(|total| *total > 0) else { return };
        let percent = done.min(total) * 100 / total / LINE_PERCENT * LINE_PERCENT;
        if self.told_percent != Some(percent) {
            self.told_percent = Some(percent);
            self.terminal.note(&format!("{percent:>3} % of {}  {what}", table::bytes(total)));
        }
    }

    fn say(&mut self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None => self.terminal.note(&format!("{FAINT}{text}{FAINT:#}")),
        }
    }
}

fn draw(bar: &ProgressBar, what: &str, done: u64, total: Option<u64>) {
    if bar.length() != total || bar.position() == 0 {
        let template = if total.is_some() { BAR } else { BAR_WITHOUT_TOTAL };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        if let Some(total) = total {
            bar.set_length(total);
        }
    }
    bar.set_position(done);
    bar.set_message(what.to_owned());
}
