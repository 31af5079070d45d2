//! `gwanmun key create|list|rotate|revoke`: beside a running server, which follows within a second.

use clap::{Args, Subcommand};
use gateway::{
    clock::Clock,
    config::Continuity,
    data_dir::DataDir,
    database::Database,
    keys::{KeyStore, ListedKey, NewKey, WantedKey},
};
use policy::Class;
use serde::Serialize;

use crate::{
    failure::{Answer, Failure},
    operator,
    place::Place,
    runtime, table,
    terminal::Terminal,
};

const EXAMPLES: &str = "\
Examples:
  gwanmun key create --name billing-app --team payments
  gwanmun key create --name case-files --team audit --class sensitive
  gwanmun key create --name chat-window --continuity splice
  gwanmun key list
  gwanmun key rotate billing-app
  gwanmun key revoke billing-app";

/// Say who may call: make, list, replace and revoke keys
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Key {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make a key; it is shown once
    Create {
        /// What to call it; unique among the keys in force
        #[arg(long)]
        name: String,
        /// Whom it is given to
        #[arg(long, default_value = "default")]
        team: String,
        /// The least class of the data that it is used for: open, sensitive or classified
        #[arg(long)]
        class: Option<Class>,
        /// What becomes of its streamed answers that break off: error, or splice, where the next permitted destination goes on
        #[arg(long)]
        continuity: Option<Continuity>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// List all keys, also those that were revoked
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Replace a key by a new one with its name, team and class; it is shown once, the old one refused within a second
    Rotate {
        /// Its name or id
        #[arg(value_name = "NAME|ID")]
        key: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key; a running server refuses it within a second
    Revoke {
        /// Its name or id
        #[arg(value_name = "NAME|ID")]
        key: String,
    },
}

/// A key that was just made, for programs.
#[derive(Serialize)]
struct Made<'a> {
    key: &'a str,
    #[serde(flatten)]
    listed: &'a ListedKey,
}

impl Key {
    pub(crate) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let clock = Clock::system();
        let path = place.data_dir();
        if !path.exists() && !matches!(self.verb, Verb::Create { .. }) {
            return Err(Failure::trouble(format!("there is no data directory `{}`", path.display()))
                .hint("`gwanmun serve` or `gwanmun key create` makes it; another is named with `--data-dir`"));
        }
        let data_dir = DataDir::join(&path, &clock)?;
        let runtime = runtime::new()?;
        runtime.block_on(async {
            let database = Database::open(&data_dir.database()).await?;
            let keys = KeyStore::open(database, data_dir.key_hash_secret()?).await?;
            match self.verb {
                Verb::Create { name, team, class, continuity, json } => {
                    let wanted = WantedKey { class, continuity, ..WantedKey::new(&name, &team) };
                    let made = keys.create(&wanted, &operator::by(), clock.wall()).await?;
                    show(&made, json, terminal)?;
                }
                Verb::List { json } => list(&keys.list().await?, json, terminal)?,
                Verb::Rotate { key, json } => {
                    show(&keys.rotate(&key, &operator::by(), clock.wall()).await?, json, terminal)?;
                }
                Verb::Revoke { key } => {
                    let revoked = keys.revoke(&key, &operator::by(), clock.wall()).await?;
                    writeln!(terminal.out(), "revoked {} ({})", revoked.name, revoked.id)?;
                }
            }
            Ok(Answer::Yes)
        })
    }
}

/// The one time that a key is shown.
fn show(made: &NewKey, json: bool, terminal: &mut Terminal) -> Result<(), Failure> {
    let key = made.text.reveal();
    if json {
        return terminal.json(&Made { key, listed: &made.listed });
    }
    writeln!(terminal.out(), "{key}")?;
    terminal.note("keep it: it is not shown again");
    Ok(())
}

fn list(keys: &[ListedKey], json: bool, terminal: &mut Terminal) -> Result<(), Failure> {
    if json {
        return terminal.json(&keys);
    }
    if keys.is_empty() {
        writeln!(terminal.out(), "no keys have been made yet")?;
        return Ok(());
    }
    let row = |key: &ListedKey| {
        let revoked = key.revoked_at.clone().unwrap_or_else(|| "-".to_owned());
        let class = key.class.map_or_else(|| "-".to_owned(), |class| class.to_string());
        let continuity = key.continuity.map_or("-", Continuity::word).to_owned();
        [key.id.clone(), key.name.clone(), key.team.clone(), class, continuity, key.created_at.clone(), revoked]
    };
    let rows: Vec<[String; 7]> = keys.iter().map(row).collect();
    Ok(table::write(terminal.out(), ["id", "name", "team", "class", "continuity", "created", "revoked"], &rows)?)
}
