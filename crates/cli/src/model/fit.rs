//! `gwanmun model fit`: which models this machine's memory holds and about how fast it writes with them; how many
//! accelerators a load needs. The arithmetic is the crate `catalog`'s; here stands what is asked of whom.

mod candidate;
mod judged;
mod load;
mod machine;
mod shown;

use ::catalog::fit::Demand;
use clap::{Args, value_parser};
use model_store::Store;
use serde::Serialize;

use crate::{
    catalog::Laid,
    failure::{Answer, Failure},
    place::Place,
    terminal::Terminal,
};
use candidate::Candidate;
use judged::Judged;
use machine::Machine;

const EXAMPLES: &str = "\
Examples:
  gwanmun model fit                                      every model whose size is known, on this machine
  gwanmun model fit exaone-4.0-32b --context 32768       one, however it is stored
  gwanmun model fit ./model.gguf --sequences 8           a file, for eight sequences at once
  gwanmun model fit --memory 256 --bandwidth 300         on another machine
  gwanmun model fit k-exaone-236b --load 50 --quantisation fp8
                                                         how many accelerators carry 50 streams

Exit status 1 where the one model that was asked about does not fit or takes no context as long as that, or where no
accelerator carries the load.";

/// What each sequence holds where nothing else is said.
const CONTEXT_TOKENS: u64 = 8192;

/// See which models fit this machine and how fast, or how many accelerators a load needs
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Fit {
    /// One model: stored here, of the catalogue, or a GGUF file by its path [default: all]
    #[arg(value_name = "NAME|FILE.gguf")]
    model: Option<String>,
    /// Tokens that each sequence holds, prompt and answer together [default: 8192]
    #[arg(long, value_name = "TOKENS", value_parser = value_parser!(u64).range(1..=16_777_216))]
    context: Option<u64>,
    /// Sequences that this machine holds at once
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "load", value_parser = value_parser!(u64).range(1..=65_536))]
    sequences: u64,
    #[command(flatten)]
    machine: machine::Told,
    #[command(flatten)]
    asked: load::Asked,
    #[command(flatten)]
    laid: Laid,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// All, for programs.
#[derive(Serialize)]
struct Report<'a> {
    machine: &'a Machine,
    models: &'a [Judged],
    /// Models of the catalogue that nobody says the size of.
    unknown: usize,
    broken: Vec<&'a str>,
}

/// One, for programs.
#[derive(Serialize)]
struct ReportOfOne<'a> {
    machine: &'a Machine,
    model: &'a Judged,
}

impl Fit {
    pub(super) fn run(self, store: &Store, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let catalog = self.laid.open(place)?;
        let context_tokens = self.context.unwrap_or(CONTEXT_TOKENS);
        let demand = Demand { context_tokens, sequences: self.sequences };
        let Some(name) = &self.model else {
            let (candidates, unknown, broken) = candidate::all(store, &catalog)?;
            let machine = self.machine.look()?;
            let models: Vec<Judged> =
                candidates.into_iter().map(|candidate| Judged::of(candidate, demand, &machine)).collect();
            return self.tell_all(&machine, &models, unknown, &broken, terminal);
        };
        let candidate = candidate::one(name, store, &catalog)?;
        let too_long = self.context.zip(candidate.context_tokens_max).filter(|(asked, most)| asked > most);
        let answer = match self.asked.streams() {
            Some(streams) => self.asked.answer(&candidate, (streams, context_tokens), &catalog, self.json, terminal)?,
            None => self.judge(candidate, demand, terminal)?,
        };
        if let Some((asked, most)) = too_long {
            let told = format!("`{name}` takes {most} tokens of context, not {asked}: it was judged with {most}");
            terminal.error(&told, None);
            return Ok(Answer::No);
        }
        Ok(answer)
    }

    /// One model on the machine.
    fn judge(&self, candidate: Candidate, demand: Demand, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let machine = self.machine.look()?;
        let model = Judged::of(candidate, demand, &machine);
        if self.json {
            terminal.json(&ReportOfOne { machine: &machine, model: &model })?;
        } else {
            shown::one(&machine, &model, terminal)?;
        }
        Ok(if model.fits() { Answer::Yes } else { Answer::No })
    }

    fn tell_all(
        &self,
        machine: &Machine,
        models: &[Judged],
        unknown: usize,
        broken: &[Failure],
        terminal: &mut Terminal,
    ) -> Result<Answer, Failure> {
        if self.json {
            let broken = broken.iter().map(Failure::message).collect();
            terminal.json(&Report { machine, models, unknown, broken })?;
            return Ok(Answer::Yes);
        }
        shown::all(machine, models, unknown, terminal)?;
        for failure in broken {
            terminal.error(failure.message(), failure.mend());
        }
        Ok(Answer::Yes)
    }
}
