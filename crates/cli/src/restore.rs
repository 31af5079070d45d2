//! `gwanmun restore`: lets back what was withdrawn, once whoever types it has approved. A running server asks it again when the audit
//! log names the approval.

use std::path::PathBuf;

use clap::Args;
use gateway::{
    availability::{Withdrawal, store},
    clock::Clock,
    withdrawal::{Subject, effect::Effect},
};

use crate::{
    failure::{Answer, Failure},
    operator, paragraph,
    place::Place,
    runtime,
    terminal::{STRONG, Terminal},
    withdraw::{effect, follows, ground::Ground, reason},
};

const EXAMPLES: &str = "\
Examples:
  gwanmun restore openai                                        since when, why, and what would come back
  gwanmun restore openai --approve --why \"contract renewed\"     it is asked again
  gwanmun withdraw --list                                       what is withdrawn

Exit status 1 where nothing was changed.";

/// What is said where nobody gives a reason.
const NO_REASON: &str = "no reason given";

/// Let something back that was withdrawn
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Restore {
    /// What is withdrawn, as `gwanmun withdraw --list` shows it
    subject: String,
    /// Approve the return; without this it is told what it would change
    #[arg(long)]
    approve: bool,
    /// Why, for the audit log
    #[arg(long)]
    why: Option<String>,
    /// The configuration [default: gwanmun.toml in the data directory, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Restore {
    pub(crate) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let ground = Ground::find(place, self.config)?;
        let why = self.why.as_deref().map_or_else(|| Ok(NO_REASON.to_owned()), reason)?;
        runtime::new()?.block_on(async {
            let (data_dir, database) = ground.open().await?;
            let in_force = store::in_force(&database).await?;
            let withdrawal = find(&self.subject, &in_force, &ground)?;
            let subject = &withdrawal.subject;
            let now: Vec<Subject> = in_force.iter().map(|it| it.subject.clone()).collect();
            let then: Vec<Subject> = now.iter().filter(|it| *it != subject).cloned().collect();
            let effect = Effect::of(&ground.judgement, subject, &now, &then);
            if !self.json {
                tell(withdrawal, terminal)?;
                effect::write(&effect, terminal)?;
            }
            if !self.approve {
                if self.json {
                    terminal.json(&effect::withdrawing(&effect, subject, false))?;
                }
                terminal.note("nothing was changed: add `--approve`");
                return Ok(Answer::No);
            }
            let (by, clock) = (operator::by(), Clock::system());
            let how = store::Return::Approved;
            if store::end(&database, subject, (&by, &why), how, clock.wall()).await?.is_none() {
                return Err(Failure::trouble(format!("`{subject}` was let back meanwhile")));
            }
            if self.json {
                terminal.json(&effect::withdrawing(&effect, subject, true))?;
            }
            terminal.note(&format!("restored: {subject}; {}", follows(&data_dir)));
            Ok(Answer::Yes)
        })
    }
}

fn tell(withdrawal: &Withdrawal, terminal: &mut Terminal) -> Result<(), Failure> {
    let Withdrawal { subject, cause, since, by, why, .. } = withdrawal;
    let told = format!("withdrawn since {since:.0} by {by} ({}): {why}", cause.word());
    writeln!(terminal.out(), "{STRONG}{}{STRONG:#}", subject.told())?;
    writeln!(terminal.out(), "  {}", paragraph::hanging(&told, 2))?;
    Ok(())
}

/// The withdrawal that was meant: as it is listed, or as it would be typed to withdraw it.
fn find<'a>(typed: &str, in_force: &'a [Withdrawal], ground: &Ground) -> Result<&'a Withdrawal, Failure> {
    if let Some(listed) = in_force.iter().find(|it| it.subject.to_string() == typed.trim()) {
        return Ok(listed);
    }
    let meant = Subject::parse(typed, &ground.config).map_err(|error| Failure::usage(error.to_string()))?;
    in_force.iter().find(|it| it.subject == meant).ok_or_else(|| {
        let failure = Failure::trouble(format!("`{meant}` is not withdrawn"));
        let taking = in_force.iter().find(|it| takes_all_of(&it.subject, &meant, ground));
        match (taking, in_force) {
            (Some(other), _) => failure.hint(format!("it is taken away with `{}`: restore that", other.subject)),
            (None, []) => failure.hint("nothing is"),
            (None, _) => failure.hint("`gwanmun withdraw --list` shows what is"),
        }
    })
}

/// Whether every place of `inner`, of which there is one, is withdrawn by `outer`.
fn takes_all_of(outer: &Subject, inner: &Subject, ground: &Ground) -> bool {
    let catalog = ground.judgement.catalog();
    let destinations = ground.judgement.judge().destinations();
    let mut places = destinations.iter().filter(|place| inner.withdraws(place, catalog)).peekable();
    places.peek().is_some() && places.all(|place| outer.withdraws(place, catalog))
}
