//! Asks each destination whether it is there, where that is wanted: the only look that leaves the machine.

use gateway::{
    clock::Clock,
    config::Config,
    reach::{self, Outcome, Reached},
};

use super::Finding;
use crate::{failure::Failure, runtime};

const WHAT: &str = "destination";

/// One finding for each destination.
pub(super) fn all(config: &Config) -> Result<Vec<Finding>, Failure> {
    if config.destinations.is_empty() {
        return Ok(vec![Finding::note(WHAT, "there are none to reach")]);
    }
    let clock = Clock::system();
    Ok(runtime::new()?.block_on(reach::ask(config, &clock)).into_iter().map(finding).collect())
}

fn finding(reached: Reached) -> Finding {
    let Reached { destination, outcome } = reached;
    match outcome {
        Outcome::Lists { absent } if absent.is_empty() => {
            Finding::good(WHAT, format!("`{destination}` answers, and lists its models"))
        }
        Outcome::Lists { absent } => {
            let names: Vec<String> = absent.iter().map(|name| format!("`{name}`")).collect();
            let found = format!("`{destination}` answers, and does not list {}", names.join(", "));
            Finding::note(WHAT, found).mend("where it does not answer for them either: mend `models` or `upstream`")
        }
        Outcome::NoList => Finding::good(WHAT, format!("`{destination}` answers; it lists no models")),
        Outcome::Failed { what, detail } => {
            let found = if detail.is_empty() { what } else { format!("{what}\n{detail}") };
            Finding::wrong(WHAT, found)
                .mend("see `base_url`, `key`, `ca`, `proxy` and `private` in docs/destinations.md")
        }
    }
}
