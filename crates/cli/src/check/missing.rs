//! Facts that nobody has written down, and without which a destination stays closed that could be open. Found by asking the
//! policy again, as if they were known and the best that they can be. Knows nothing of why a rule wants them.

use std::{collections::BTreeSet, sync::Arc};

use catalog::{Axes, Catalog};
use gateway::{
    config::Home,
    judge::{Judgement, TENANT},
};
use policy::{Action, Axis, Class, Destination, Facts, Judge};
use serde::Serialize;

use crate::{
    failure::Failure,
    paragraph,
    terminal::{BAD, FAINT, STRONG, Terminal},
};

/// The provider that is the organisation itself, as policies say it.
const OWN_PROVIDER: &str = "own";

/// A destination, and what is not known of it.
#[derive(Serialize)]
pub(super) struct Missing {
    destination: String,
    /// Those that it could have.
    classes: Vec<&'static str>,
    facts: Vec<String>,
    mend: &'static str,
}

/// What a contract says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fact {
    ProcessedIn,
    ControlledBy,
    TrainingOnInput,
    RetentionDays,
    TransferBasis,
}

impl Fact {
    const ALL: [Self; 5] =
        [Self::ProcessedIn, Self::ControlledBy, Self::TrainingOnInput, Self::RetentionDays, Self::TransferBasis];
}

/// What asks, and by which catalogue.
struct Asking<'a> {
    judgement: &'a Judgement,
    home: Option<Home>,
}

/// Of every destination that is closed for want of facts.
pub(super) fn all(judgement: &Judgement, home: Option<Home>) -> Vec<Missing> {
    let asking = Asking { judgement, home };
    let known = asking.with(None);
    let now = judgement.judge();
    let closed: Vec<Vec<Class>> = (0..now.destinations().len())
        .map(|place| Class::ALL.into_iter().filter(|class| !is_open(now, place, *class)).collect())
        .collect();
    let could: Vec<Vec<Class>> = closed
        .into_iter()
        .enumerate()
        .map(|(place, classes)| classes.into_iter().filter(|class| is_open(&known, place, *class)).collect())
        .collect();
    if could.iter().all(Vec::is_empty) {
        return Vec::new();
    }
    let without = Fact::ALL.map(|fact| (fact, asking.with(Some(fact))));
    let missing = now.destinations().iter().zip(could).enumerate().filter(|(_, (_, could))| !could.is_empty());
    let missing = missing.map(|(place, (destination, could))| {
        let unknown = asking.unknown(destination);
        let needs = |judge: &Judge| could.iter().any(|class| !is_open(judge, place, *class));
        let needed: Vec<Fact> = without.iter().filter(|(_, judge)| needs(judge)).map(|(fact, _)| *fact).collect();
        // Where any of several would do, each is worth knowing.
        let needed = if needed.is_empty() { unknown } else { needed };
        asking.told(destination, &could, &needed)
    });
    missing.collect()
}

/// Whether a plain request of the class may go there.
fn is_open(judge: &Judge, place: usize, class: Class) -> bool {
    let verdict = judge.decide(&Facts {
        tenant: TENANT,
        team: "",
        key: "",
        action: Action::Infer,
        class,
        findings: &[],
        signals: &[],
        needs: &[],
        surface: "chat",
        language: "unknown",
        purpose: "",
        use_area: "",
        high_impact: false,
        unread: false,
        stream: false,
        prompt_kib: 1,
    });
    verdict.of(place).is_some_and(|outcome| outcome.terms().is_some())
}

impl Asking<'_> {
    fn catalog(&self) -> &Catalog {
        self.judgement.catalog()
    }

    /// The policy over the same destinations, with all that is not known of them known, but one fact.
    fn with(&self, but: Option<Fact>) -> Judge {
        let destinations = self.judgement.judge().destinations().iter().map(|destination| {
            let mut known = destination.clone();
            for fact in self.unknown(destination).into_iter().filter(|fact| Some(*fact) != but) {
                self.know(&mut known, fact);
            }
            known
        });
        self.judgement.policy().compile(destinations.collect())
    }

    /// What is not known of it, and could be: the floor has no contract, and own machines only a place.
    fn unknown(&self, destination: &Destination) -> Vec<Fact> {
        let provider = destination.provider.as_deref();
        let has_contract = !destination.local && provider != Some(OWN_PROVIDER);
        let listed = provider.and_then(|provider| self.catalog().provider(provider));
        let is_unknown = |fact: &Fact| match fact {
            Fact::ProcessedIn => !destination.local && destination.processed_in.within.is_empty(),
            Fact::ControlledBy => !destination.local && destination.controlled_by.within.is_empty(),
            Fact::TrainingOnInput => has_contract && destination.training_on_input.is_none(),
            Fact::RetentionDays => has_contract && destination.retention_days.is_none(),
            Fact::TransferBasis => has_contract && listed.is_none_or(|facts| facts.transfer_basis.known().is_none()),
        };
        Fact::ALL.into_iter().filter(is_unknown).collect()
    }

    /// Sets it to the best that it can be.
    fn know(&self, destination: &mut Destination, fact: Fact) {
        match fact {
            Fact::ProcessedIn => self.place(&mut destination.processed_in),
            Fact::ControlledBy => self.place(&mut destination.controlled_by),
            Fact::TrainingOnInput => destination.training_on_input = Some("never".into()),
            Fact::RetentionDays => destination.retention_days = Some(0),
            Fact::TransferBasis => {
                let every = catalog::TransferBasis::ALL.iter().map(|basis| Arc::from(basis.word()));
                destination.transfer_basis = every.collect();
            }
        }
    }

    /// Nothing on it but what is known already; at home where nothing is.
    fn place(&self, axis: &mut Axis) {
        if axis.known.is_empty() {
            axis.known.extend(self.home.map(|home| Arc::from(home.code())));
        }
        let codes = self.catalog().jurisdictions().map(|code| code.to_string());
        let names = codes.chain(self.catalog().blocs().map(|(id, _)| id.to_owned()));
        let holds = |name: &String| {
            let place = self.catalog().place(name).unwrap_or_default();
            axis.known.iter().all(|code| place.iter().any(|inner| inner.code() == &**code))
        };
        axis.within = names.filter(holds).map(Arc::from).collect();
    }

    fn told(&self, destination: &Destination, could: &[Class], needed: &[Fact]) -> Missing {
        let mut facts: Vec<String> = Vec::new();
        let axes = self.axes(destination);
        let gaps = |of: fn(&Axes) -> &catalog::Axis| -> Vec<String> {
            axes.iter().flat_map(|axes| of(axes).gaps()).map(ToString::to_string).collect()
        };
        for fact in needed {
            let names = match fact {
                Fact::ProcessedIn => gaps(|axes| &axes.processed_in),
                Fact::ControlledBy => gaps(|axes| &axes.controlled_by),
                Fact::TrainingOnInput => vec!["`training_on_input`".to_owned()],
                Fact::RetentionDays => vec!["`retention_days`".to_owned()],
                Fact::TransferBasis => vec!["`transfer_basis`".to_owned()],
            };
            facts.extend(names);
        }
        let mend = match destination.provider.as_deref() {
            None => {
                facts = vec!["who operates it".to_owned()];
                "name its `provider` in the configuration, and write down the contract: docs/catalog.md"
            }
            Some(OWN_PROVIDER) if destination.card.is_none() => {
                "name its `card` where `models` names it, one that `gwanmun catalog list --kind model` shows"
            }
            Some(OWN_PROVIDER) => "write down what is known of its model: docs/catalog.md",
            Some(_) => "write down the contract: docs/catalog.md",
        };
        let mut told = BTreeSet::new();
        facts.retain(|fact| told.insert(fact.clone()));
        let classes = could.iter().map(|class| class.word()).collect();
        Missing { destination: destination.id.to_string(), classes, facts, mend }
    }

    /// As the catalogue works them out.
    fn axes(&self, destination: &Destination) -> Option<Axes> {
        let (region, card) = (destination.region.as_deref(), destination.card.as_deref());
        match destination.provider.as_deref()? {
            OWN_PROVIDER => self.catalog().axes_at_home(self.home?, card).ok(),
            provider => self.catalog().axes(provider, region, card).ok(),
        }
    }
}

pub(super) fn write(missing: &[Missing], terminal: &mut Terminal) -> Result<(), Failure> {
    if !missing.is_empty() {
        writeln!(terminal.out(), "\n{STRONG}what stays closed because facts are not known{STRONG:#}")?;
    }
    for Missing { destination, classes, facts, mend } in missing {
        let what =
            paragraph::hanging(&format!("closed to {} data; not known: {}", classes.join(", "), facts.join("; ")), 4);
        writeln!(terminal.out(), "  {destination}\n    {BAD}{what}{BAD:#}\n    {FAINT}{mend}{FAINT:#}")?;
    }
    Ok(())
}
