//! What would be lost if somebody were cut off: of each jurisdiction and provider that served in a time, its part of the answers and of
//! the tokens, and how many pairs of a team and a model would get nothing any more. The latter is worked out once a minute at most.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use gateway::app::LOCAL_DESTINATION;
use gateway::clock::Moment;
use gateway::judge::Judgement;
use gateway::what_if::{Question, what_if};
use gateway::withdrawal::Subject;
use request_index::OfDestination;
use tokio::sync::Mutex;

use super::figures::UNKNOWN;
use crate::answer::Refused;
use crate::screens::subjects;
use crate::site::Site;

/// How long a figure is shown before it is worked out anew.
const KEPT_FOR: Duration = Duration::from_mins(1);
/// The most that are shown.
const CUTS_MAX: usize = 12;

/// One who could be cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// A jurisdiction's code or a provider's id.
    pub(super) name: String,
    /// `jurisdiction` or `provider`.
    pub(super) kind: &'static str,
    /// Answers that came from there, of all.
    pub(super) answered: u64,
    pub(super) answered_of: u64,
    /// The same in tokens.
    pub(super) tokens: u64,
    pub(super) tokens_of: u64,
    /// Pairs of a team and a model for which nothing would answer, for all or some classes of data; of all pairs.
    pub(super) dark: u64,
    pub(super) pairs: u64,
}

/// Pairs that go dark and all pairs, by subject.
type Pairs = BTreeMap<Subject, (u64, u64)>;

/// What was worked out last. Shared by all pages.
#[derive(Debug, Default)]
pub(crate) struct Cuts(Mutex<Option<Kept>>);

#[derive(Debug)]
struct Kept {
    at: Moment,
    /// What judged, and what was withdrawn then.
    of: String,
    pairs: Pairs,
}

/// What one's own machines served: the floor, and destinations that one runs oneself. Nobody else can take these away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) answered: u64,
    pub(super) answered_of: u64,
    pub(super) tokens: u64,
    pub(super) tokens_of: u64,
}

/// Whose machines answer.
pub(super) enum Run {
    /// One's own.
    Own,
    /// These providers'.
    By(BTreeSet<String>),
}

pub(super) async fn of(site: &Site, destinations: &[OfDestination]) -> Result<(Vec<Cut>, Option<Own>), Refused> {
    let judgement = &site.app.in_force().judgement;
    let (mut cuts, own) = lost(destinations, &|label| run(judgement, label));
    cuts.truncate(CUTS_MAX);
    let subjects: Vec<Subject> = cuts.iter().map(|(subject, _)| subject.clone()).collect();
    let pairs = dark(site, subjects).await?;
    let with_pairs = cuts.into_iter().map(|(subject, cut)| {
        let (dark, all) = pairs.get(&subject).copied().unwrap_or_default();
        Cut { dark, pairs: all, ..cut }
    });
    Ok((with_pairs.collect(), own))
}

/// Who runs what entries call `label`, today.
fn run(judgement: &Judgement, label: &str) -> Run {
    let links = judgement.chains().iter().flat_map(|chain| &chain.links).filter(|link| &*link.label == label);
    let places: Vec<_> = links.filter_map(|link| judgement.judge().destinations().get(link.judged)).collect();
    let is_own =
        |place: &&policy::Destination| place.local || place.provider.as_deref() == Some(subjects::OWN_PROVIDER);
    // The floor is one's own, though there may be none any more.
    if label == LOCAL_DESTINATION || (!places.is_empty() && places.iter().all(is_own)) {
        return Run::Own;
    }
    let providers = places.iter().filter(|place| !is_own(place)).filter_map(|place| place.provider.as_deref());
    Run::By(providers.map(str::to_owned).collect())
}

/// Of each that served, its part, the most answers first; and what one's own machines served, if they did.
pub(super) fn lost(destinations: &[OfDestination], run: &dyn Fn(&str) -> Run) -> (Vec<(Subject, Cut)>, Option<Own>) {
    let mut sums: BTreeMap<(&'static str, String), (u64, u64)> = BTreeMap::new();
    let (mut answered_of, mut tokens_of) = (0_u64, 0_u64);
    let mut own = Own::default();
    for OfDestination { label, axes, totals } in destinations {
        let tokens = totals.prompt_tokens.saturating_add(totals.completion_tokens);
        answered_of += totals.answered;
        tokens_of = tokens_of.saturating_add(tokens);
        let providers = match run(label) {
            Run::Own => {
                own.answered += totals.answered;
                own.tokens = own.tokens.saturating_add(tokens);
                continue;
            }
            Run::By(providers) => providers,
        };
        let codes: BTreeSet<_> = axes.processed_in.iter().chain(&axes.controlled_by).collect();
        let jurisdictions =
            codes.into_iter().filter(|code| *code != UNKNOWN).map(|code| ("jurisdiction", code.clone()));
        let providers = providers.into_iter().map(|provider| ("provider", provider));
        for named in jurisdictions.chain(providers) {
            let (answers, sum) = sums.entry(named).or_default();
            *answers += totals.answered;
            *sum = sum.saturating_add(tokens);
        }
    }
    let mut cuts: Vec<_> = sums
        .into_iter()
        .filter(|(_, (answered, _))| *answered > 0)
        .map(|((kind, name), (answered, tokens))| {
            let id: Arc<str> = name.as_str().into();
            let subject = if kind == "provider" { Subject::Provider(id) } else { Subject::Jurisdiction(id) };
            (subject, Cut { name, kind, answered, answered_of, tokens, tokens_of, dark: 0, pairs: 0 })
        })
        .collect();
    cuts.sort_by_key(|(_, cut)| std::cmp::Reverse((cut.answered, cut.tokens)));
    (cuts, (own.answered > 0).then_some(Own { answered_of, tokens_of, ..own }))
}

/// How many pairs each of these would leave without an answer.
async fn dark(site: &Site, subjects: Vec<Subject>) -> Result<Pairs, Refused> {
    let in_force = site.app.in_force();
    let already: Vec<Subject> = site.availability.withdrawals().into_iter().map(|it| it.subject).collect();
    let of = format!("{:?} {already:?}", in_force.judgement.hashes());
    let now = site.clock.now();
    let mut kept = site.cuts.0.lock().await;
    let fresh = kept.as_ref().filter(|kept| kept.of == of && now.since(kept.at) < KEPT_FOR);
    let known = fresh.map(|kept| kept.pairs.clone()).unwrap_or_default();
    let missing: Vec<Subject> = subjects.into_iter().filter(|subject| !known.contains_key(subject)).collect();
    if missing.is_empty() {
        return Ok(known);
    }
    let keys = site.keys.list().await.map_err(Refused::ours)?.into_iter().filter(|key| key.revoked_at.is_none());
    let keys: Vec<_> = keys.map(|key| (Arc::from(key.team), key.class)).collect();
    let at = fresh.map_or(now, |kept| kept.at);
    let work = move || {
        let teams: Vec<Arc<str>> = in_force.judgement.teams().cloned().collect();
        let told = missing.into_iter().map(|subject| {
            let question = Question { subjects: vec![subject.clone()], already: already.clone(), keys: keys.clone() };
            let pairs = what_if(&in_force.judgement, &teams, &question, None).pairs;
            (subject, (pairs.dark + pairs.dark_in_part, pairs.all))
        });
        told.collect::<Pairs>()
    };
    let worked_out = site.tasks.blocking("overview", work).await;
    let mut pairs = worked_out.ok_or_else(|| Refused::ours("what would go dark was not worked out"))?;
    pairs.extend(known);
    *kept = Some(Kept { at, of, pairs: pairs.clone() });
    Ok(pairs)
}
