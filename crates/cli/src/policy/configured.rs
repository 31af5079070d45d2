//! What stands in the configuration that a policy is judged in: catalogue, own words, destinations, the floor's model. Policies
//! named on the command line are read with its words. Knows nothing of what they decide.

use std::path::{Path, PathBuf};

use clap::Args;
use gateway::{
    config::{Config, UsedPolicy, vocabulary},
    judge::{FloorModel, Judgement},
};
use policy::{Destination, Policy};

use crate::{assembly::Plan, embedder::Chosen, failure::Failure, floor::Choice, models, place::Place};

/// `--config`
#[derive(Args)]
pub(super) struct Configured {
    /// The configuration whose catalogue, destinations and own words count [default: gwanmun.toml in the data directory,
    /// where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// A configuration, and the floor that it would start.
pub(super) struct InPlace {
    pub(super) config: Config,
    floor: Option<FloorModel>,
    embedder: Option<FloorModel>,
}

impl Configured {
    pub(super) fn read(&self, place: &Place) -> Result<InPlace, Failure> {
        let plan = Plan { config_file: self.config.clone(), ..Plan::in_place(place.data_dir()) };
        let config = plan.config()?;
        // Looking makes nothing: where there is no data directory yet, nothing is in its store.
        let store = models::store(&plan.data_dir.join("models"), &plan.fetching);
        let floor = Choice::of(None, false, config.local.model.as_ref()).judged(&store);
        let embedder = Chosen::judged(&config.local, &store);
        Ok(InPlace { config, floor, embedder })
    }
}

impl InPlace {
    /// A shipped policy by its name, or a file of rules.
    pub(super) fn policy(&self, named: &str) -> Result<Policy, Failure> {
        let judged = &self.config.policy;
        let used = UsedPolicy::new(named, Path::new(""));
        match &used {
            UsedPolicy::Shipped(name) if !Policy::SHIPPED.contains(&name.as_ref()) => {
                let shipped = Policy::SHIPPED.join(", ");
                return Err(Failure::usage(format!("there is no policy `{named}`"))
                    .hint(format!("shipped are {shipped}; a policy of your own is a file ending in `.cedar`")));
            }
            UsedPolicy::File(path) if !path.is_file() => return Err(not_a_file(path)),
            UsedPolicy::Shipped(_) | UsedPolicy::File(_) => {}
        }
        let words = vocabulary(&judged.catalog, &judged.own.0, &judged.own.1);
        used.read(Path::new(""), &words).map_err(|mistakes| {
            Failure::trouble(format!("the policy `{named}` is wrong\n{mistakes}"))
                .hint("mend these lines, and try again")
        })
    }

    /// Puts another policy in the place of the configured one.
    pub(super) fn with(mut self, policy: Policy) -> Self {
        self.config.policy.rules = policy;
        self
    }

    /// What would judge.
    pub(super) fn judgement(&self) -> Judgement {
        Judgement::with_embedder(&self.config, self.floor.as_ref(), self.embedder.as_ref())
    }

    /// The floor and the configured destinations; none where only the floor is.
    pub(super) fn destinations(&self) -> Option<Vec<Destination>> {
        (!self.config.destinations.is_empty()).then(|| self.judgement().judge().destinations().to_vec())
    }
}

fn not_a_file(path: &Path) -> Failure {
    let named = path.display();
    if path.exists() {
        return Failure::usage(format!("`{named}` is no file")).hint("name a file of rules, ending in `.cedar`");
    }
    let from =
        if path.is_absolute() { "mind its folder" } else { "it is looked for in the folder that the command runs in" };
    Failure::usage(format!("there is no file `{named}`"))
        .hint(format!("{from}; without `.cedar`, a shipped policy is meant"))
}
