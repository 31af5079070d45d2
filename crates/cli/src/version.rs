//! `gwanmun version`

use clap::Args;
use serde::Serialize;

use crate::{
    failure::{Answer, Failure},
    terminal::Terminal,
};

/// Say which version this is
#[derive(Args)]
pub(crate) struct Version {
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Told {
    name: &'static str,
    version: &'static str,
    target: String,
}

impl Version {
    pub(crate) fn run(self, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let target = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
        let told = Told { name: "gwanmun", version: env!("CARGO_PKG_VERSION"), target };
        if self.json {
            terminal.json(&told)?;
        } else {
            writeln!(terminal.out(), "{} {} ({})", told.name, told.version, told.target)?;
        }
        Ok(Answer::Yes)
    }
}
