//! `gwanmun completions`

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::{
    args::Cli,
    failure::{Answer, Failure},
    terminal::Terminal,
};

const EXAMPLES: &str = "\
Examples:
  bash   gwanmun completions bash > ~/.local/share/bash-completion/completions/gwanmun
  zsh    gwanmun completions zsh > ~/.zfunc/_gwanmun      (with ~/.zfunc in $fpath)
  fish   gwanmun completions fish > ~/.config/fish/completions/gwanmun.fish";

/// Print what completes this command in a shell
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Completions {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "gwanmun", &mut script);
        terminal.out().write_all(&script)?;
        Ok(Answer::Yes)
    }
}
