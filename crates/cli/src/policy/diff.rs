//! `gwanmun policy diff`: every combination of facts that two policies judge differently, with what each says.

use clap::Args;
use policy::{Difference, Differences, Judge, Outcome};
use serde::Serialize;

use super::{configured::Configured, proved, told};
use crate::{
    failure::{Answer, Failure},
    paragraph,
    place::Place,
    terminal::{BAD, FAINT, GOOD, STRONG, Terminal},
};

/// See which requests two policies judge differently
///
/// For the destinations of the configuration, or where it has none, those of the policies' cases. Exit status 1 where any
/// request is judged differently, or one of the two could not come into force.
#[derive(Args)]
pub(super) struct Diff {
    /// The policy as it is
    #[arg(value_name = "OLD")]
    old: String,
    /// The policy as it would be
    #[arg(value_name = "NEW")]
    new: String,
    #[command(flatten)]
    configured: Configured,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// How a destination changes; what needs the closest look comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Change {
    Opens,
    Terms,
    Closes,
    Reason,
}

/// All differences, for programs.
#[derive(Serialize)]
struct Report {
    complete: bool,
    destinations: Vec<String>,
    differences: Vec<Told>,
}

#[derive(Serialize)]
struct Told {
    change: Change,
    when: Vec<String>,
    destinations: Vec<String>,
    old: String,
    new: String,
}

impl Diff {
    pub(super) fn run(&self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let config = self.configured.read(place)?;
        let [old, new] = [config.policy(&self.old)?, config.policy(&self.new)?];
        let destinations = config.destinations().unwrap_or_else(|| proved::destinations([&old, &new], Vec::new()));
        let ids: Vec<String> = destinations.iter().map(|it| it.id.to_string()).collect();
        let [old, new] = [old.compile(destinations.clone()), new.compile(destinations)];
        if let Some(unproved) = proved::Unproved::of([&old, &new]) {
            unproved.tell(self.json, terminal)?;
            return Ok(Answer::No);
        }
        let Differences { found, complete } = policy::diff(old.policy(), new.policy(), old.destinations());
        let mut found: Vec<Told> = found.iter().map(told).collect();
        found.sort_by_key(|difference| difference.change);
        let none = found.is_empty() && complete;
        if self.json {
            terminal.json(&Report { complete, destinations: ids, differences: found })?;
        } else {
            write([&old, &new], &found, complete, terminal)?;
        }
        Ok(if none { Answer::Yes } else { Answer::No })
    }
}

fn told(difference: &Difference) -> Told {
    let change = match (&difference.old, &difference.new) {
        (Outcome::Refused(_), Outcome::Permitted(_)) => Change::Opens,
        (Outcome::Permitted(_), Outcome::Refused(_)) => Change::Closes,
        (Outcome::Permitted(_), Outcome::Permitted(_)) => Change::Terms,
        (Outcome::Refused(_), Outcome::Refused(_)) => Change::Reason,
    };
    Told {
        change,
        when: difference.when.clone(),
        destinations: difference.destinations.iter().map(ToString::to_string).collect(),
        old: told::noticed(&difference.old),
        new: told::noticed(&difference.new),
    }
}

fn write(judges: [&Judge; 2], found: &[Told], complete: bool, terminal: &mut Terminal) -> Result<(), Failure> {
    let [old, new] = judges.map(|judge| judge.policy().name());
    let over = judges.first().map_or(0, |judge| judge.destinations().len());
    if found.is_empty() && complete {
        let all = format!("{old} and {new} judge every request alike, for {over} destinations");
        writeln!(terminal.out(), "{GOOD}✓{GOOD:#} {all}")?;
        return Ok(());
    }
    if found.is_empty() {
        let many = format!("{old} and {new} tell too many combinations of facts apart to be compared");
        writeln!(terminal.out(), "{BAD}!{BAD:#} {many}")?;
        return Ok(());
    }
    let count = |change: Change| found.iter().filter(|it| it.change == change).count();
    let counts = [
        (Change::Opens, "open"),
        (Change::Closes, "close"),
        (Change::Terms, "change terms"),
        (Change::Reason, "change the reason"),
    ];
    let counts: Vec<String> = counts
        .into_iter()
        .map(|(change, word)| (count(change), word))
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{number} {word}"))
        .collect();
    writeln!(terminal.out(), "{STRONG}{old} → {new}{STRONG:#}, for {over} destinations: {}", counts.join(", "))?;
    for difference in found {
        one(difference, terminal)?;
    }
    if !complete {
        let why = "these are not all: the two tell too many combinations of facts apart";
        writeln!(terminal.out(), "\n{BAD}!{BAD:#} {why}")?;
    }
    Ok(())
}

fn one(difference: &Told, terminal: &mut Terminal) -> Result<(), Failure> {
    let (style, word) = match difference.change {
        Change::Opens => (BAD, "opens"),
        Change::Closes => (GOOD, "closes"),
        Change::Terms => (STRONG, "other terms"),
        Change::Reason => (FAINT, "other reason"),
    };
    let destinations = paragraph::hanging(&difference.destinations.join(", "), 4);
    writeln!(terminal.out(), "\n{style}{word}{style:#}  {destinations}")?;
    let when = if difference.when.is_empty() {
        "always".to_owned()
    } else {
        difference.when.iter().map(|fact| told::fact(fact)).collect::<Vec<_>>().join("; ")
    };
    for (name, text) in [("when", &when), ("was", &difference.old), ("now", &difference.new)] {
        writeln!(terminal.out(), "  {FAINT}{name:<4}{FAINT:#}  {}", paragraph::hanging(text, 8))?;
    }
    Ok(())
}
