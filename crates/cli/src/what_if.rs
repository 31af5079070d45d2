//! `gwanmun what-if`: what would go dark if something were withdrawn, and what would answer instead. It changes nothing.

mod shown;

use std::{path::PathBuf, sync::Arc};

use audit_log::Reader;
use clap::Args;
use gateway::{
    availability::store,
    clock::Clock,
    config::Config,
    data_dir::DataDir,
    database::Database,
    judge::Judgement,
    keys::KeyStore,
    traffic::Traffic,
    what_if::{Question, WhatIf, picture, what_if},
    withdrawal::Subject,
};
use jiff::SignedDuration;
use policy::Class;

use crate::{
    assembly::Plan,
    failure::{Answer, Failure},
    floor::Choice,
    models,
    place::Place,
    runtime,
    terminal::Terminal,
};

const EXAMPLES: &str = "\
Examples:
  gwanmun what-if --withdraw US
  gwanmun what-if --withdraw \"outside KR\" --picture what-if.svg
  gwanmun what-if --withdraw openai --withdraw model:gpt-4o --json
  gwanmun what-if --withdraw US --since 7d

A subject is a jurisdiction (`US`, `EU`), everything outside one (`outside KR`), a provider, an operator, a model, a
destination, or a model there (`NAME/MODEL`). `gwanmun drill` tries it.

Exit status 1 when something would go dark.";

/// See what would go dark if something were withdrawn
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WhatIfArgs {
    /// What would be withdrawn; may be said again
    #[arg(long, value_name = "SUBJECT", required = true)]
    withdraw: Vec<String>,
    /// How far back the log is read for figures
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = ago)]
    since: SignedDuration,
    /// Draw it into this file, as SVG
    #[arg(long, value_name = "FILE.svg")]
    picture: Option<PathBuf>,
    /// As JSON (spec/what_if.md)
    #[arg(long)]
    json: bool,
    /// The configuration [default: gwanmun.toml in the data directory, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl WhatIfArgs {
    pub(crate) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let plan = Plan { config_file: self.config.clone(), ..Plan::in_place(place.data_dir()) };
        let config = plan.config()?;
        let subjects = subjects(&self.withdraw, &config)?;
        let judgement = judgement(&plan, &config);
        let (keys, already) = in_force(&plan)?;
        let traffic = traffic(&plan, self.since)?;
        let teams: Vec<Arc<str>> = config.teams.keys().cloned().collect();
        let question = Question { subjects, already, keys };
        let found = what_if(&judgement, &teams, &question, traffic.as_ref());
        if let Some(path) = &self.picture {
            draw(path, &found)?;
        }
        if self.json {
            terminal.json(&found)?;
        } else {
            shown::write(&found, terminal)?;
            if let Some(path) = &self.picture {
                terminal.note(&format!("the picture is in {}", path.display()));
            }
        }
        let dark = found.pairs.dark + found.pairs.dark_in_part;
        Ok(if dark > 0 { Answer::No } else { Answer::Yes })
    }
}

/// What was meant; each once.
pub(crate) fn subjects(typed: &[String], config: &Config) -> Result<Vec<Subject>, Failure> {
    let mut subjects = Vec::new();
    for typed in typed {
        let subject = Subject::parse(typed, config).map_err(|error| {
            Failure::usage(error.to_string())
                .hint("`gwanmun check` lists the destinations, `gwanmun catalog list` what the catalogue has")
        })?;
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    Ok(subjects)
}

/// What would judge, with the floor that the configuration would start.
pub(crate) fn judgement(plan: &Plan, config: &Config) -> Judgement {
    let store = models::store(&plan.data_dir.join("models"), &plan.fetching);
    let floor = Choice::of(None, false, config.local.model.as_ref()).judged(&store);
    Judgement::new(config, floor.as_ref())
}

/// The teams of the keys in force, with the class of each; and what is withdrawn already.
type InForce = (Vec<(Arc<str>, Option<Class>)>, Vec<Subject>);

/// Nothing where there is no data directory yet: looking makes none.
fn in_force(plan: &Plan) -> Result<InForce, Failure> {
    if !plan.data_dir.exists() {
        return Ok(InForce::default());
    }
    let data_dir = DataDir::join(&plan.data_dir, &Clock::system())?;
    runtime::new()?.block_on(async {
        let database = Database::open(&data_dir.database()).await?;
        let already = store::in_force(&database).await?.into_iter().map(|withdrawal| withdrawal.subject).collect();
        let keys = KeyStore::open(database, data_dir.key_hash_secret()?).await?.list().await?;
        let keys = keys.into_iter().filter(|key| key.revoked_at.is_none());
        Ok((keys.map(|key| (key.team.into(), key.class)).collect(), already))
    })
}

/// What the log shows; nothing where there is none.
fn traffic(plan: &Plan, since: SignedDuration) -> Result<Option<Traffic>, Failure> {
    let log = plan.data_dir.join("log");
    if !log.join("origin").is_file() {
        return Ok(None);
    }
    let from = Clock::system().wall().checked_sub(since).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    Ok(Some(Traffic::since(&Reader::open(&log)?, from)?))
}

fn draw(path: &std::path::Path, found: &WhatIf) -> Result<(), Failure> {
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, picture::svg(found).as_bytes()))
        .map_err(|error| Failure::trouble(format!("the picture cannot be written to `{}`: {error}", path.display())))
}

/// `30d`, `12h`, `15m`, `90s`.
pub(crate) fn ago(typed: &str) -> Result<SignedDuration, String> {
    let form =
        || format!("`{typed}` is no time: write a whole number and `d`, `h`, `m` or `s`, such as `30d` or `15m`");
    let unit = typed.chars().last().ok_or_else(form)?;
    let seconds = match unit {
        'd' => 86_400,
        'h' => 3600,
        'm' => 60,
        's' => 1,
        _ => return Err(form()),
    };
    let number = typed.strip_suffix(unit).and_then(|number| number.parse::<u32>().ok()).ok_or_else(form)?;
    if number == 0 {
        return Err(form());
    }
    Ok(SignedDuration::from_secs(i64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_numbers_with_a_unit() {
        let seconds = |typed| ago(typed).map(|time| time.as_secs());
        assert_eq!((seconds("30d"), seconds("15m"), seconds("90s")), (Ok(2_592_000), Ok(900), Ok(90)));
        for wrong in ["", "30", "d", "0m", "-1h", "1.5h", "1w", "１d"] {
            assert!(seconds(wrong).unwrap_err().contains("is no time"), "{wrong}");
        }
    }
}
