//! A drill on the terminal: how far it is while it runs, and what its report says.

use std::{path::Path, time::Duration};

use gateway::{
    drill::{
        Mode, Plan,
        report::{self, Report},
        store::Drill,
    },
    what_if::{amount, percent},
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    failure::Failure,
    paragraph, table,
    terminal::{BAD, FAINT, GOOD, STRONG, Terminal},
};

const BAR: &str = "{bar:24} {wide_msg}";

/// How far it is, for people; nothing where nobody watches.
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    pub(super) fn new(plan: &Plan) -> Self {
        if !Terminal::is_watched() || plan.mode == Mode::Replay {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(Some(plan.seconds), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(BAR) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        Self(Some(bar))
    }

    pub(super) fn show(&mut self, drill: &Drill) {
        let (Some(bar), Some(progress)) = (&self.0, &drill.progress) else { return };
        bar.set_position(progress.seconds);
        bar.set_message(format!(
            "{} of {} s · {} requests · {} answered · {} by the local floor · {} without an answer",
            progress.seconds,
            drill.plan.seconds,
            progress.requests,
            progress.answered,
            progress.degraded,
            progress.unanswered
        ));
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// What matters of it; the files have all.
pub(super) fn report(report: &Report, folder: &Path, terminal: &mut Terminal) -> Result<(), Failure> {
    let style = if report.held == Some(true) { GOOD } else { BAD };
    writeln!(terminal.out(), "{style}{}{style:#}", paragraph::hanging(&report.sentence(), 0))?;
    let verdict = format!("{}; it ended because {}", report.verdict(), report.why);
    writeln!(terminal.out(), "{style}{}{style:#}\n", paragraph::hanging(&verdict, 0))?;
    requests(report, terminal)?;
    let rows: Vec<[String; 7]> = report
        .during
        .places
        .iter()
        .map(|place| {
            let cost = place.currency.as_ref().zip(place.cost_micros);
            [
                place.place.clone(),
                place.answers.to_string(),
                place.failed.to_string(),
                format!("{}+{}", place.prompt_tokens, place.completion_tokens),
                report::time(place.took_p50_us),
                report::time(place.took_p95_us),
                cost.map_or_else(
                    || "no price known".to_owned(),
                    |(currency, micros)| format!("{currency} {}", amount(micros)),
                ),
            ]
        })
        .collect();
    writeln!(terminal.out())?;
    table::write(
        terminal.out(),
        ["who answered", "answers", "errors", "tokens", "half within", "19 in 20", "cost"],
        &rows,
    )?;
    for reason in &report.during.reasons {
        writeln!(terminal.out(), "{BAD}no answer{BAD:#}: {} × {}", reason.count, reason.code)?;
    }
    if let Some(quality) = &report.quality {
        let score = |score: &gateway::drill::reference::Score| {
            let (low, high) = (percent(score.low_permille), percent(score.high_permille));
            format!("{} of {} right ({low} to {high})", score.right, score.asked)
        };
        writeln!(
            terminal.out(),
            "\n{STRONG}reference questions{STRONG:#}, of {}: {} before, {} during",
            quality.model,
            score(&quality.before),
            score(&quality.during)
        )?;
    }
    writeln!(terminal.out(), "\n{STRONG}what this does not measure{STRONG:#}")?;
    for line in &report.not_measured {
        writeln!(terminal.out(), "  {FAINT}{}{FAINT:#}", paragraph::hanging(line, 4))?;
    }
    writeln!(
        terminal.out(),
        "\nentries {} to {} of {}; the report is in {}",
        report.log.first,
        report.log.last,
        report.log.origin,
        folder.join(report::HTML).display()
    )?;
    Ok(())
}

fn requests(report: &Report, terminal: &mut Terminal) -> Result<(), Failure> {
    let before =
        |of: fn(&gateway::drill::Measured) -> String| report.before.as_ref().map_or_else(|| "-".to_owned(), of);
    let row =
        |what: &str, of: fn(&gateway::drill::Measured) -> String| [what.to_owned(), of(&report.during), before(of)];
    let rows = [
        row("requests", |it| it.requests.to_string()),
        row("answered whole", |it| it.answered.to_string()),
        row("of them by the local floor", |it| it.degraded.to_string()),
        row("told an honest error", |it| it.unanswered.to_string()),
        row("half of the answers within", |it| report::time(it.took_p50_us)),
        row("nineteen in twenty within", |it| report::time(it.took_p95_us)),
    ];
    Ok(table::write(terminal.out(), ["", "during", "before"], &rows)?)
}
