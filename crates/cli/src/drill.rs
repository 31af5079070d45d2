//! `gwanmun drill`: a withdrawal is rehearsed on the server that runs, which this only asks for, watches and can stop.

mod told;
mod verify;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use gateway::{
    clock::Clock,
    data_dir::DataDir,
    database::Database,
    drill::{
        self, Mode, Plan,
        report::{self, Report},
        store::{self, Drill},
    },
};
use jiff::SignedDuration;

use crate::{
    assembly,
    failure::{Answer, Failure},
    operator,
    place::Place,
    runtime, table,
    terminal::{STRONG, Terminal},
    what_if,
};

/// Between two looks at how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A server looks for drills twice a second; what is not taken up by then is not taken up.
const TAKEN_UP_WITHIN: Duration = Duration::from_secs(10);

const EXAMPLES: &str = "\
Examples:
  gwanmun drill --withdraw US --for 30d --mode replay         the last 30 days, decided again
  gwanmun drill --withdraw openai --for 15m --mode shadow --sample 5%
  gwanmun drill --withdraw US --for 15m --mode live --least-answered 99% --yes
  gwanmun drill stop ID                                       ends it now
  gwanmun drill verify ./drills/ID --key key.pub              does its report hold? offline

Ctrl-C stops a drill; a live one also stops by itself when too few requests are answered, and when its server ends.

Exit status 1 when fewer requests were answered than `--least-answered` asks for, or too few were measured to say.";

/// Rehearse a withdrawal, and keep a signed report
#[derive(Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct DrillArgs {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    wanted: Wanted,
}

#[derive(Args)]
struct Wanted {
    /// What is withdrawn; may be said again
    #[arg(long, value_name = "SUBJECT", required = true)]
    withdraw: Vec<String>,
    /// For how long; of a replay, how far back
    #[arg(long = "for", value_name = "TIME", required = true, value_parser = what_if::ago)]
    time: Option<SignedDuration>,
    /// replay, shadow or live
    #[arg(long, value_name = "MODE", required = true)]
    mode: Option<Mode>,
    /// The share of requests that a shadow drill asks again
    #[arg(long, value_name = "SHARE", default_value = "5%", value_parser = share)]
    sample: u64,
    /// The share of requests that must be answered; a live drill stops below it
    #[arg(long, value_name = "SHARE", default_value = "95%", value_parser = share)]
    least_answered: u64,
    /// Ask the reference questions of this model, before and during
    #[arg(long, value_name = "MODEL")]
    reference: Option<String>,
    /// Do not ask before a live drill
    #[arg(long)]
    yes: bool,
    /// The report as JSON
    #[arg(long)]
    json: bool,
    /// The configuration [default: gwanmun.toml in the data directory, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Verb {
    /// List all drills
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a drill's report
    Show {
        /// As `list` has it
        #[arg(value_name = "ID")]
        id: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// End a drill now
    Stop {
        /// As `list` has it
        #[arg(value_name = "ID")]
        id: String,
    },
    Verify(verify::Verify),
}

impl DrillArgs {
    pub(crate) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        match self.verb {
            Some(Verb::List { json }) => list(place, json, terminal),
            Some(Verb::Show { id, json }) => show(place, &id, json, terminal),
            Some(Verb::Stop { id }) => stop(place, &id, terminal),
            Some(Verb::Verify(verify)) => verify.run(place, terminal),
            None => self.wanted.run(place, terminal),
        }
    }
}

impl Wanted {
    fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let plan = assembly::Plan { config_file: self.config.clone(), ..assembly::Plan::in_place(place.data_dir()) };
        let config = plan.config()?;
        let subjects = what_if::subjects(&self.withdraw, &config)?;
        let (Some(mode), Some(time)) = (self.mode, self.time) else {
            return Err(Failure::usage("a drill needs `--for` and `--mode`"));
        };
        let Some(running) = DataDir::running(&place.data_dir()) else {
            return Err(Failure::trouble(format!("no server runs from `{}`", place.data_dir().display())).hint(
                "a drill is held on the server that runs: `gwanmun serve` starts one; `gwanmun what-if` needs none",
            ));
        };
        let seconds = u64::try_from(time.as_secs()).unwrap_or(0);
        let plan = Plan {
            mode,
            withdraw: subjects.iter().map(ToString::to_string).collect(),
            seconds,
            sample_permille: self.sample,
            least_answered_permille: self.least_answered,
            reference_model: self.reference.clone(),
            by: operator::by(),
        };
        let plan = plan.checked().map_err(|error| Failure::usage(error.to_string()).hint("say `--for 24h` or less"))?;
        if mode == Mode::Live && !self.yes {
            let withdrawn = plan.told();
            return Err(Failure::usage(format!(
                "a live drill withdraws {withdrawn} for every caller of the server at {}",
                running.url
            ))
            .hint("look at `gwanmun what-if` first; then say it again with `--yes`"));
        }
        let ended = run(place, &plan, self.json, terminal)?;
        tell(place, &ended, self.json, terminal)
    }
}

/// Leaves it to the server, shows how far it is, and stops it on Ctrl-C.
fn run(place: &Place, plan: &Plan, json: bool, terminal: &mut Terminal) -> Result<Drill, Failure> {
    let clock = Clock::system();
    let data_dir = DataDir::join(&place.data_dir(), &clock)?;
    runtime::new()?.block_on(async {
        let database = Database::open(&data_dir.database()).await?;
        let id =
            store::new_id().map_err(|error| Failure::trouble(format!("the system gives no random bytes: {error}")))?;
        store::want(&database, &id, plan, clock.wall()).await?;
        if !json {
            terminal.note(&format!("drill {id}: {} withdrawn, {}; Ctrl-C stops it", plan.told(), plan.mode.word()));
        }
        let since = clock.now();
        let mut shown = told::Progress::new(plan);
        loop {
            tokio::select! {
                interrupted = tokio::signal::ctrl_c() => {
                    if interrupted.is_ok() && store::stop(&database, &id).await? {
                        terminal.note("stopping: the report is written first");
                    }
                }
                () = clock.sleep(LOOK_EVERY) => {}
            }
            let drill = store::get(&database, &id).await?;
            let drill = drill.ok_or_else(|| Failure::trouble(format!("the drill {id} is gone from the database")))?;
            if drill.state == "ended" {
                shown.finish();
                return Ok(drill);
            }
            // Disowned only where no server has taken it up in this very moment.
            let late = drill.state == "wanted" && clock.now().since(since) >= TAKEN_UP_WITHIN;
            if late && store::disown(&database, &id).await? {
                return Err(Failure::trouble("the server has not taken the drill up, and is asked not to any more")
                    .hint("another drill may be under way: `gwanmun drill list` tells"));
            }
            shown.show(&drill);
        }
    })
}

/// How it ended, and its report.
fn tell(place: &Place, drill: &Drill, json: bool, terminal: &mut Terminal) -> Result<Answer, Failure> {
    if drill.report_sha256.is_none() {
        let why = drill.progress.as_ref().and_then(|progress| progress.error.clone());
        let why = why.or_else(|| drill.why.clone()).unwrap_or_default();
        return Err(Failure::trouble(format!("the drill {} ended without a report: {why}", drill.id))
            .hint("the server's own messages say more"));
    }
    let folder = place.data_dir().join("drills").join(&drill.id);
    let report = verify::read(&folder)?.0;
    if json {
        terminal.json(&report)?;
    } else {
        told::report(&report, &folder, terminal)?;
    }
    Ok(if report.held == Some(true) { Answer::Yes } else { Answer::No })
}

fn list(place: &Place, json: bool, terminal: &mut Terminal) -> Result<Answer, Failure> {
    let drills = with_database(place, async |database| Ok(store::list(&database).await?))?;
    if json {
        terminal.json(&drills)?;
        return Ok(Answer::Yes);
    }
    if drills.is_empty() {
        writeln!(terminal.out(), "no drill has been held yet")?;
        return Ok(Answer::Yes);
    }
    let row = |drill: &Drill| {
        let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let answered = drill
            .progress
            .as_ref()
            .map_or_else(|| "-".to_owned(), |progress| format!("{} of {}", progress.answered, progress.requests));
        [
            drill.id.clone(),
            drill.wanted_at.clone(),
            drill.plan.mode.word().to_owned(),
            drill.plan.withdraw.join(" "),
            drill.state.clone(),
            answered,
            or(&drill.why),
        ]
    };
    let rows: Vec<[String; 7]> = drills.iter().map(row).collect();
    table::write(terminal.out(), ["id", "wanted", "mode", "withdrawn", "state", "answered", "ended because"], &rows)?;
    Ok(Answer::Yes)
}

fn show(place: &Place, id: &str, json: bool, terminal: &mut Terminal) -> Result<Answer, Failure> {
    let drill = find(place, id)?;
    if drill.state != "ended" {
        let progress = drill.progress.clone().unwrap_or_default();
        writeln!(
            terminal.out(),
            "{STRONG}drill {}{STRONG:#} is {}: {} of {} requests answered after {} s",
            drill.id,
            drill.state,
            progress.answered,
            progress.requests,
            progress.seconds
        )?;
        return Ok(Answer::Yes);
    }
    tell(place, &drill, json, terminal)
}

fn stop(place: &Place, id: &str, terminal: &mut Terminal) -> Result<Answer, Failure> {
    let drill = find(place, id)?;
    if with_database(place, async |database| Ok(store::stop(&database, &drill.id).await?))? {
        writeln!(terminal.out(), "the drill {} is told to stop; it ends within a second or two", drill.id)?;
    } else {
        writeln!(terminal.out(), "the drill {} is over", drill.id)?;
    }
    Ok(Answer::Yes)
}

fn find(place: &Place, id: &str) -> Result<Drill, Failure> {
    let found = with_database(place, async |database| Ok(store::get(&database, id).await?))?;
    found.ok_or_else(|| Failure::trouble(format!("there is no drill `{id}`")).hint("`gwanmun drill list` names them"))
}

fn with_database<T>(place: &Place, ask: impl AsyncFnOnce(Database) -> Result<T, Failure>) -> Result<T, Failure> {
    let path = place.data_dir();
    if !path.exists() {
        return Err(Failure::trouble(format!("there is no data directory `{}`", path.display()))
            .hint("another is named with `--data-dir`"));
    }
    let data_dir = DataDir::join(&path, &Clock::system())?;
    runtime::new()?.block_on(async { ask(Database::open(&data_dir.database()).await?).await })
}

/// `5%`, `0.5%`, `100%`, in thousandths.
fn share(typed: &str) -> Result<u64, String> {
    typed.strip_suffix('%').and_then(drill::permille).ok_or_else(|| {
        format!("`{typed}` is no share: write a number of percent with at most one decimal, such as `5%` or `99.5%`")
    })
}

/// A report of the folder, with its bytes.
fn read_report(folder: &std::path::Path, json: &[u8]) -> Result<Report, Failure> {
    Report::read(json).map_err(|error| {
        Failure::trouble(format!("`{}`: {error}", folder.join(report::JSON).display()))
            .hint("a drill's folder holds report.json, report.md, report.html and report.proof")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percent_with_one_decimal_at_most() {
        assert_eq!((share("5%"), share("99.5%"), share("100%"), share("0%")), (Ok(50), Ok(995), Ok(1000), Ok(0)));
        for wrong in ["5", "%", "5 %", "100.1%", "1000%", "-1%", "1.25%", ".5%", "5.%"] {
            assert!(share(wrong).unwrap_err().contains("is no share"), "{wrong}");
        }
    }
}
