//! `gwanmun check`: looks at everything that `serve` needs, changes nothing, and says how to mend what is wrong.

mod judged;
mod looks;
mod missing;
mod reach;
mod routes;

use clap::Args;
use serde::Serialize;

use crate::{
    assembly::Plan,
    failure::{Answer, Failure},
    paragraph,
    place::Place,
    terminal::{BAD, FAINT, GOOD, STRONG, Terminal},
};

/// See whether everything that `serve` needs is in order
///
/// Exit status 1 when something is not.
#[derive(Args)]
pub(crate) struct Check {
    /// The configuration [default: gwanmun.toml in the data directory, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<std::path::PathBuf>,
    /// Ask each destination for its list of models too, with its key: the only look that leaves this machine
    #[arg(long)]
    reach: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Columns before what was found.
const INDENT: usize = 18;

/// What was looked at, and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    what: &'static str,
    verdict: Verdict,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Good,
    /// Not as it could be, but nothing stops working.
    Note,
    Wrong,
}

#[derive(Serialize)]
struct Report<'a> {
    good: bool,
    findings: &'a [Finding],
    /// None where the configuration or its policy is wrong.
    judged: Option<&'a judged::Judged>,
}

impl Finding {
    fn good(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Good, found: found.into(), mend: None }
    }

    fn note(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Note, found: found.into(), mend: None }
    }

    fn wrong(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Wrong, found: found.into(), mend: None }
    }

    fn mend(mut self, how: impl Into<String>) -> Self {
        self.mend = Some(how.into());
        self
    }
}

impl Check {
    pub(crate) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let plan = Plan { config_file: self.config, ..Plan::in_place(place.data_dir()) };
        let (findings, judged) = looks::all(&plan, self.reach)?;
        let good = findings.iter().all(|finding| finding.verdict != Verdict::Wrong);
        if self.json {
            terminal.json(&Report { good, findings: &findings, judged: judged.as_ref() })?;
        } else {
            for finding in &findings {
                show(finding, terminal)?;
            }
            if let Some(judged) = &judged {
                judged.write(terminal)?;
            }
        }
        Ok(if good { Answer::Yes } else { Answer::No })
    }
}

fn show(finding: &Finding, terminal: &mut Terminal) -> Result<(), Failure> {
    let (style, mark) = match finding.verdict {
        Verdict::Good => (GOOD, "✓"),
        Verdict::Note => (FAINT, "–"),
        Verdict::Wrong => (BAD, "✗"),
    };
    let mut lines = finding.found.lines();
    let first = lines.next().unwrap_or_default();
    writeln!(
        terminal.out(),
        "{style}{mark}{style:#} {STRONG}{:<15}{STRONG:#} {}",
        finding.what,
        paragraph::hanging(first, INDENT)
    )?;
    let more = lines.map(str::to_owned).chain(finding.mend.iter().map(|how| format!("mend: {how}")));
    for line in more {
        writeln!(terminal.out(), "  {:<15} {}", "", paragraph::hanging(&line, INDENT))?;
    }
    Ok(())
}
