//! `gwanmun account create|list|change|password|close`: who may use the console; beside a running server.

use std::io::{self, BufRead as _};

use clap::{Args, Subcommand};
use console::{Account as Made, Accounts, Role, Wanted, generate_password};
use gateway::{clock::Clock, data_dir::DataDir, database::Database};
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
  gwanmun account create --name kim --role owner                   the first one; its password is shown once
  gwanmun account create --name lee --role auditor --team audit
  gwanmun account password kim                                     a new password, shown once
  gwanmun account password kim --password-stdin < file             one of one's own
  gwanmun account close lee

Roles: owner (everything, and the accounts), officer (policy and drills), operator (keys, withdrawals),
auditor (reads all that is kept), user (asks questions).";

/// Say who may use the console: make, list, change and close accounts
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Account {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make an account; its first password is shown once
    Create {
        /// How its owner signs in, and how the log names them
        #[arg(long)]
        name: String,
        /// What it may do: owner, officer, operator, auditor or user
        #[arg(long)]
        role: Role,
        /// As whose its questions count
        #[arg(long, default_value = "operator")]
        team: String,
        /// Take the first line of standard input as the password
        #[arg(long)]
        password_stdin: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// List all accounts, also those that were closed
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Give an account another role or team
    Change {
        name: String,
        /// owner, officer, operator, auditor or user
        #[arg(long)]
        role: Option<Role>,
        #[arg(long)]
        team: Option<String>,
    },
    /// Give an account another password, and sign it out everywhere
    Password {
        name: String,
        /// Take the first line of standard input as the password
        #[arg(long)]
        password_stdin: bool,
    },
    /// Close an account, and sign it out everywhere
    Close { name: String },
}

/// An account that was just made, for programs.
#[derive(Serialize)]
struct Printed<'a> {
    /// Where it was made here.
    password: Option<&'a str>,
    #[serde(flatten)]
    account: &'a Made,
}

impl Account {
    pub(crate) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let clock = Clock::system();
        let path = place.data_dir();
        if !path.exists() && !matches!(self.verb, Verb::Create { .. }) {
            return Err(Failure::trouble(format!("there is no data directory `{}`", path.display()))
                .hint("`gwanmun serve` or `gwanmun account create` makes it; another is named with `--data-dir`"));
        }
        let data_dir = DataDir::join(&path, &clock)?;
        runtime::new()?.block_on(async {
            let accounts = Accounts::new(Database::open(&data_dir.database()).await?);
            match self.verb {
                Verb::Create { name, role, team, password_stdin, json } => {
                    let (password, ours) = password(password_stdin)?;
                    let wanted = Wanted { name: &name, role, team: &team, password: &password };
                    let made = accounts.create(&wanted, &operator::by(), clock.wall()).await?;
                    let shown = ours.then_some(password.as_str());
                    if json {
                        terminal.json(&Printed { password: shown, account: &made })?;
                    } else {
                        writeln!(terminal.out(), "made {} ({})", made.name, made.role)?;
                        show(shown, terminal)?;
                    }
                }
                Verb::List { json } => list(&accounts.list().await?, json, terminal)?,
                Verb::Change { name, role, team } => {
                    let all = accounts.list().await?;
                    let known = all.into_iter().find(|account| *account.name == *name);
                    let known = known.ok_or_else(|| console::AccountError::NotFound(name.clone()))?;
                    let (role, team) = (role.unwrap_or(known.role), team.unwrap_or_else(|| known.team.to_string()));
                    accounts.change(&name, role, &team, &operator::by(), clock.wall()).await?;
                    writeln!(terminal.out(), "{name} is {role} of team {team}")?;
                }
                Verb::Password { name, password_stdin } => {
                    let (password, ours) = password(password_stdin)?;
                    accounts.set_password(&name, &password, &operator::by()).await?;
                    writeln!(terminal.out(), "{name} has a new password, and is signed out everywhere")?;
                    show(ours.then_some(password.as_str()), terminal)?;
                }
                Verb::Close { name } => {
                    accounts.close(&name, &operator::by(), clock.wall()).await?;
                    writeln!(terminal.out(), "closed {name}")?;
                }
            }
            Ok(Answer::Yes)
        })
    }
}

/// The password, and whether it was made here.
fn password(stdin: bool) -> Result<(String, bool), Failure> {
    if !stdin {
        return Ok((generate_password().map_err(console::AccountError::from)?, true));
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok((line.trim_end_matches(['\r', '\n']).to_owned(), false))
}

fn show(password: Option<&str>, terminal: &mut Terminal) -> Result<(), Failure> {
    if let Some(password) = password {
        writeln!(terminal.out(), "password {password}")?;
        terminal.note("keep it: it is not shown again; its owner changes it in the console, under their name");
    }
    Ok(())
}

fn list(accounts: &[Made], json: bool, terminal: &mut Terminal) -> Result<(), Failure> {
    if json {
        return terminal.json(&accounts);
    }
    if accounts.is_empty() {
        writeln!(terminal.out(), "no accounts have been made yet; `gwanmun account create --name you --role owner`")?;
        return Ok(());
    }
    let row = |account: &Made| {
        let closed = account.closed_at.clone().unwrap_or_else(|| "-".to_owned());
        let role = account.role.word().to_owned();
        [account.name.to_string(), role, account.team.to_string(), account.created_at.clone(), closed]
    };
    let rows: Vec<[String; 5]> = accounts.iter().map(row).collect();
    Ok(table::write(terminal.out(), ["name", "role", "team", "created", "closed"], &rows)?)
}
