//! What can be withdrawn here, to choose from: what the configuration has, and what the catalogue knows of that. The same wherever a
//! subject is chosen. It must not know what is done with it.

use std::collections::BTreeSet;
use std::sync::Arc;

use gateway::config::Config;
use gateway::judge::Judgement;
use gateway::withdrawal::Subject;

use crate::answer::Refused;
use crate::call::{Call, Fields};
use crate::language::Language;

/// The provider that is the organisation itself: nobody chooses to withdraw all of one's own machines at once by mistake.
pub(crate) const OWN_PROVIDER: &str = "own";
/// Subjects of one plan: more are chosen one after another, or by what holds them.
const SUBJECTS_MAX: usize = 8;

/// One that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// In canonical form: what the form sends.
    pub(crate) subject: String,
    /// Its name, as people know it.
    pub(crate) name: String,
}

/// Those of one kind; `kind` names the message over them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) kind: &'static str,
    pub(crate) choices: Vec<Choice>,
}

/// The places that can answer: the floor is one only where there is a model on it.
pub(crate) fn places(judgement: &Judgement) -> impl Iterator<Item = &policy::Destination> {
    let floor = judgement.chains().iter().flat_map(|chain| &chain.links).any(|link| link.local);
    judgement.judge().destinations().iter().filter(move |place| floor || !place.local)
}

/// All that can be chosen, by kind; a kind of which there is none is left out.
pub(crate) fn groups(judgement: &Judgement) -> Vec<Group> {
    let places: Vec<_> = judgement.judge().destinations().iter().filter(|place| !place.local).collect();
    let each = |of: fn(&policy::Destination) -> Option<Arc<str>>| -> BTreeSet<Arc<str>> {
        places.iter().filter_map(|place| of(place)).collect()
    };
    let named = |name: &Arc<str>, subject: Subject| Choice { subject: subject.to_string(), name: name.to_string() };
    let destinations = each(|place| Some(Arc::clone(&place.name)));
    let single = places.iter().map(|place| Choice {
        subject: Subject::Place(Arc::clone(&place.name), Arc::clone(&place.model)).to_string(),
        name: place.id.to_string(),
    });
    let providers = each(|place| place.provider.clone());
    let models = each(|place| Some(Arc::clone(&place.model)));
    let codes: BTreeSet<Arc<str>> = places
        .iter()
        .flat_map(|place| place.processed_in.known.iter().chain(&place.controlled_by.known).cloned())
        .collect();
    let country = |code: &Arc<str>| named_place(judgement, code);
    let blocs = judgement.catalog().blocs().map(|(id, _)| Arc::<str>::from(id));
    let outside: BTreeSet<Arc<str>> = codes.iter().cloned().chain(blocs).collect();
    let of = |kind, choices: Vec<Choice>| Group { kind, choices };
    let all = [
        of("provider", {
            let known = providers.iter().filter(|id| &***id != OWN_PROVIDER);
            known.map(|id| named(id, Subject::Provider(Arc::clone(id)))).collect()
        }),
        of("destination", destinations.iter().map(|it| named(it, Subject::Destination(Arc::clone(it)))).collect()),
        of("place", single.collect()),
        of("model", models.iter().map(|it| named(it, Subject::Model(Arc::clone(it)))).collect()),
        of("jurisdiction", {
            let each = |code: &Arc<str>| Choice {
                subject: Subject::Jurisdiction(Arc::clone(code)).to_string(),
                name: country(code),
            };
            codes.iter().map(each).collect()
        }),
        of("outside", {
            let each = |code: &Arc<str>| Choice {
                subject: Subject::Outside(Arc::clone(code)).to_string(),
                name: country(code),
            };
            outside.iter().map(each).collect()
        }),
    ];
    all.into_iter().filter(|group| !group.choices.is_empty()).collect()
}

/// `KR · Korea, Republic of`: the code, and the catalogue's name where it has one.
pub(crate) fn named_place(judgement: &Judgement, code: &str) -> String {
    let listed = code.parse().ok().and_then(|code| judgement.catalog().jurisdiction(code));
    match listed.and_then(|fact| fact.known()) {
        Some(name) => format!("{code} · {name}"),
        None => code.to_owned(),
    }
}

/// The subject that was chosen; what is none any more is told in the reader's words.
pub(crate) fn one(call: &Call, config: &Config, fields: &Fields) -> Result<Subject, Refused> {
    let mut chosen = several(call, config, fields)?;
    if chosen.is_empty() {
        return Err(Refused::Wrong(call.language.text("cut-off-subject-wanted")));
    }
    Ok(chosen.swap_remove(0))
}

/// All that were chosen, each once.
pub(crate) fn several(call: &Call, config: &Config, fields: &Fields) -> Result<Vec<Subject>, Refused> {
    let mut subjects = Vec::new();
    for typed in fields.all("subject").take(SUBJECTS_MAX) {
        let unknown = |_| Refused::Wrong(call.language.text_with("cut-off-subject-unknown", &[("subject", typed)]));
        let subject = Subject::parse(typed, config).map_err(unknown)?;
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    Ok(subjects)
}

/// A subject as a reader is told of it: the message of its kind, and what is put in.
pub(crate) fn told(language: Language, judgement: &Judgement, subject: &Subject) -> String {
    let name = match subject {
        Subject::Place(name, model) => format!("{name}/{model}"),
        Subject::Jurisdiction(id) | Subject::Outside(id) => named_place(judgement, id),
        Subject::Destination(id) | Subject::Provider(id) | Subject::Operator(id) | Subject::Model(id) => id.to_string(),
    };
    language.text_with(&format!("cut-off-subject-{}", subject.kind()), &[("name", &name)])
}
