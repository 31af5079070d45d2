//! `gwanmun catalog list|show|check`: what is known of jurisdictions, providers and models, where each fact was read and
//! when. The facts and what they mean are the crate `catalog`'s; this lays them out.

mod check;
mod show;

use std::path::PathBuf;

use ::catalog::{Catalog as Facts, Kind, Mistakes, rows};
use clap::{Args, Subcommand, builder::PossibleValuesParser};

use crate::{
    assembly::Plan,
    failure::{Answer, Failure},
    place::Place,
    table,
    terminal::{FAINT, Terminal},
};

const EXAMPLES: &str = "\
Examples:
  gwanmun catalog list --kind provider
  gwanmun catalog show clova-studio
  gwanmun catalog show solar-pro2 --home KR            the same model on one's own machine in Korea
  gwanmun catalog check --folder ./our-contracts --older-than 180

An unknown fact never counts as harmless: what is not known is foreign. A contract is added in a folder of one's own.";

/// See what is known of providers, models and jurisdictions, with sources
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Catalog {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    List(List),
    Show(show::Show),
    Check(check::Check),
}

/// List the entries
#[derive(Args)]
struct List {
    /// Only of this kind [default: all; jurisdictions are only counted]
    #[arg(long, value_parser = PossibleValuesParser::new(Kind::ALL.iter().map(|kind| kind.word())))]
    kind: Option<String>,
    #[command(flatten)]
    laid: Laid,
    /// As JSON, jurisdictions too
    #[arg(long)]
    json: bool,
}

/// `--folder`, `--config`
#[derive(Args)]
pub(crate) struct Laid {
    /// A folder of one's own, whose `*.toml` files are laid over what is shipped [default: the configured one]
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    folder: Option<PathBuf>,
    /// The configuration that names one [default: gwanmun.toml in the data directory, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Laid {
    fn read(&self, place: &Place) -> Result<Result<Facts, Mistakes>, Failure> {
        let configured = || {
            let plan = Plan { config_file: self.config.clone(), ..Plan::in_place(place.data_dir()) };
            Ok::<_, Failure>(plan.config()?.policy.catalog_folder)
        };
        let folder = self.folder.clone().map_or_else(configured, |folder| Ok(Some(folder)))?;
        Ok(folder.map_or_else(|| Ok(Facts::shipped()), |folder| Facts::load(&folder)))
    }

    /// The same, where a mistake is in the way.
    pub(crate) fn open(&self, place: &Place) -> Result<Facts, Failure> {
        self.read(place)?.map_err(|mistakes| {
            Failure::trouble(format!("the catalogue is wrong\n{mistakes}"))
                .hint("mend these lines; `gwanmun catalog check` looks again")
        })
    }
}

impl Catalog {
    pub(crate) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        match self.verb {
            Verb::List(list) => list.run(place, terminal),
            Verb::Show(show) => show.run(place, terminal),
            Verb::Check(check) => check.run(place, terminal),
        }
    }
}

impl List {
    fn run(&self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let facts = self.laid.open(place)?;
        let kind = self.kind.as_ref().and_then(|word| Kind::ALL.iter().find(|kind| kind.word() == word)).copied();
        let entries = rows::list(&facts, kind);
        if self.json {
            terminal.json(&entries)?;
            return Ok(Answer::Yes);
        }
        let is_counted = |entry: &rows::EntryRow| kind.is_none() && entry.kind == Kind::Jurisdiction.word();
        let rows: Vec<[String; 7]> = entries.iter().filter(|entry| !is_counted(entry)).map(row).collect();
        table::write(terminal.out(), ["kind", "id", "known", "unknown", "oldest", "from", "name"], &rows)?;
        let counted = entries.len() - rows.len();
        if counted > 0 {
            writeln!(
                terminal.out(),
                "\n{FAINT}and {counted} jurisdictions: `--kind jurisdiction` lists them{FAINT:#}"
            )?;
        }
        Ok(Answer::Yes)
    }
}

fn row(entry: &rows::EntryRow) -> [String; 7] {
    [
        entry.kind.clone(),
        entry.id.clone(),
        entry.known.to_string(),
        entry.unknown.to_string(),
        entry.oldest.map_or_else(|| "-".to_owned(), |date| date.to_string()),
        if entry.shipped { "shipped" } else { "own" }.to_owned(),
        entry.name.clone(),
    ]
}
