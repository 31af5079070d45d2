//! `gwanmun withdraw`: takes a destination, a model, a provider or a jurisdiction out of use, beside a running server or without one;
//! lists what is withdrawn. A running server follows within a second.

pub(crate) mod effect;
pub(crate) mod ground;
mod listed;

use std::path::PathBuf;

use clap::Args;
use gateway::{
    availability::{Cause, Withdrawal, store},
    clock::Clock,
    data_dir::DataDir,
    withdrawal::{self, Subject, effect::Effect},
};

use self::ground::Ground;
use crate::{
    failure::{Answer, Failure},
    operator,
    place::Place,
    runtime,
    terminal::{STRONG, Terminal},
};

const EXAMPLES: &str = "\
Examples:
  gwanmun withdraw --list                                       what is withdrawn, and how every place is doing
  gwanmun withdraw openai --why \"contract ends\"                 what would that change?
  gwanmun withdraw openai --why \"contract ends\" --yes           nothing more is sent there
  gwanmun withdraw US --why \"export order of 12 June\" --yes     all that is processed there, or under its law
  gwanmun withdraw \"outside KR\" --why \"drill 3\" --yes           all that is not known to lie within Korea
  gwanmun withdraw national/large --why \"answers are wrong\" --yes

What is withdrawn comes back only by `gwanmun restore`. Exit status 1 where nothing was changed.";

/// Take something out of use until it is approved again
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Withdraw {
    /// A jurisdiction, `outside` one, a provider, an operator, a model, a destination, or a model there (NAME/MODEL)
    #[arg(required_unless_present = "list", conflicts_with = "list")]
    subject: Option<String>,
    /// Why, for the audit log and for whoever asks later
    #[arg(long, required_unless_present = "list", conflicts_with = "list")]
    why: Option<String>,
    /// Do it; without this it is told what would change
    #[arg(long, conflicts_with = "list")]
    yes: bool,
    /// List what is withdrawn, and how every place is doing
    #[arg(long)]
    list: bool,
    /// The configuration [default: gwanmun.toml in the data directory, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Withdraw {
    pub(crate) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let runtime = runtime::new()?;
        let ground = Ground::find(place, self.config)?;
        let (Some(typed), Some(why)) = (self.subject, self.why) else {
            return runtime.block_on(listed::list(&ground, self.json, terminal));
        };
        let subject = Subject::parse(&typed, &ground.config).map_err(|error| Failure::usage(error.to_string()))?;
        let why = reason(&why)?;
        runtime.block_on(async {
            let (data_dir, database) = ground.open().await?;
            let in_force = store::in_force(&database).await?;
            let known = in_force.iter().find(|it| it.subject == subject);
            if let Some(known) = known {
                terminal.note(&already(known));
                if !Cause::Operator.outranks(known.cause) {
                    return Ok(Answer::Yes);
                }
            }
            let now: Vec<Subject> = in_force.iter().map(|it| it.subject.clone()).collect();
            let new = known.is_none().then(|| subject.clone());
            let then: Vec<Subject> = now.iter().cloned().chain(new).collect();
            let effect = Effect::of(&ground.judgement, &subject, &now, &then);
            if !self.json {
                writeln!(terminal.out(), "{STRONG}{}{STRONG:#}", subject.told())?;
                effect::write(&effect, terminal)?;
            }
            if !self.yes {
                if self.json {
                    terminal.json(&effect::withdrawing(&effect, &subject, false))?;
                }
                terminal.note("nothing was changed: add `--yes`");
                return Ok(Answer::No);
            }
            let withdrawal = Withdrawal {
                subject: subject.clone(),
                cause: Cause::Operator,
                since: Clock::system().wall(),
                by: operator::by().into(),
                why: why.into(),
                notice: None,
            };
            store::begin(&database, &withdrawal).await?;
            if self.json {
                terminal.json(&effect::withdrawing(&effect, &subject, true))?;
            }
            terminal.note(&format!("withdrawn: {subject}; {}", follows(&data_dir)));
            Ok(Answer::Yes)
        })
    }
}

/// That a subject is withdrawn, and where that is not an operator's doing, what it means that one does it now.
fn already(known: &Withdrawal) -> String {
    let Withdrawal { subject, cause, why, .. } = known;
    if Cause::Operator.outranks(*cause) {
        let cause = cause.word();
        return format!(
            "{subject} is withdrawn already ({cause}): {why}; withdrawn by you it returns by `gwanmun restore` alone"
        );
    }
    format!("{subject} is withdrawn already: {why}")
}

/// When it is in force.
pub(crate) fn follows(data_dir: &DataDir) -> &'static str {
    match DataDir::running(data_dir.path()) {
        Some(_) => "the server follows within a second",
        None => "no server runs from this data directory; the next one keeps to it from its first request on",
    }
}

/// A reason that can stand in an entry.
pub(crate) fn reason(typed: &str) -> Result<String, Failure> {
    withdrawal::reason(typed).map(str::to_owned).ok_or_else(|| {
        Failure::usage(format!("a reason is one line of 1 to {} bytes", withdrawal::WHY_BYTES_MAX))
            .hint("such as `--why \"contract ends on 31 December\"`")
    })
}
