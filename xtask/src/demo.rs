//! `cargo xtask demo cutoff`: the demonstration of a cut-off, in one command, with the real command and the real local model. `--picture`
//! keeps what was shown as a picture for the README.

mod recording;

use std::path::PathBuf;

use anyhow::Result;

use crate::{children, prepare, repository::Repository};

/// What to show.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {
    #[command(subcommand)]
    play: Play,
}

#[derive(clap::Subcommand, Debug)]
enum Play {
    /// Two foreign providers refuse under traffic: who answers, how soon it is known, and that nothing returns unapproved.
    Cutoff {
        /// A few seconds, with the debug build: as the tests play it.
        #[arg(long)]
        short: bool,
        /// Keep what was shown, as SVG.
        #[arg(long, value_name = "FILE")]
        picture: Option<PathBuf>,
    },
}

/// Plays it; whether all that it claims is so.
#[expect(clippy::disallowed_methods, reason = "a picture that is made again when it is torn")]
pub(crate) fn run(repository: &Repository, options: &Options) -> Result<bool> {
    let Play::Cutoff { short, picture } = &options.play;
    let (shown, good) = cutoff(repository, *short)?;
    if let Some(path) = picture {
        let command = if *short { "cargo xtask demo cutoff --short" } else { "cargo xtask demo cutoff" };
        std::fs::write(repository.root().join(path), recording::svg(command, &shown))?;
        println!("\nthe picture is in {}", path.display());
    }
    Ok(good)
}

/// Builds what it needs and plays it; what was shown, and whether all that it claims is so.
fn cutoff(repository: &Repository, short: bool) -> Result<(Vec<String>, bool)> {
    let profile = if short { "debug" } else { "release" };
    println!("building ({profile}) …");
    // One after the other, as tests build them: together they would share features, and be built anew.
    for package in [["-p", "gwanmun", "--bin", "gwanmun"], ["-p", "e2e", "--bin", "cutoff"]] {
        let mut build = repository.command("cargo");
        build.args(["build", "--quiet"]).args(package);
        if !short {
            build.arg("--release");
        }
        if !children::run(&mut build)? {
            anyhow::bail!("the {profile} build failed");
        }
    }
    let model = prepare::model(repository)?;
    let mut play = repository.command(repository.built(profile, "cutoff"));
    play.arg(repository.built(profile, "gwanmun")).arg(model);
    if short {
        play.arg("--short");
    }
    let mut shown = Vec::new();
    let good = children::reading_along(&mut play, |line| shown.push(line.to_owned()))?;
    Ok((shown, good))
}
