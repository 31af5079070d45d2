//! The request index measured alone: `index_bench DIR REQUESTS ROUNDS` makes one of so many requests over thirty days, then asks it
//! what the console's pages ask, and prints one JSON object. The entries are made as they go in, and their making is not measured.
//! Knows the index, and no log.
#![expect(clippy::print_stdout, reason = "what it measured is its output")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]
#![expect(clippy::cast_precision_loss, reason = "figures of a few digits")]

use std::collections::BTreeMap;
use std::error::Error;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use audit_entry::{
    Action, Administration, Attempt, Body, Class, Count, Decision, Digest, Ending, Entry, Outcome, Refusal, Replica,
    Text, Word,
};
use request_index::{AdministrationFilter, Axes, AxisOf, Filter, Index, NameKind, OfJurisdiction, Page, State};

type Fallible<T> = Result<T, Box<dyn Error>>;

const DAY: u64 = 86_400_000_000;
const DAYS: u64 = 30;
/// When the first request comes, in microseconds since 1970.
const BEGAN: u64 = 1_790_000_000_000_000;
const BATCH: usize = 4096;

const PLACES: [&str; 4] = ["national/large", "abroad", "abroad/small", "local"];
const KINDS: [&str; 6] = ["email", "phone", "kr.rrn", "card", "name", "iban"];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, requests, rounds] = arguments.as_slice() else { return Err("index_bench DIR REQUESTS ROUNDS".into()) };
    let (requests, rounds): (u64, u64) = (requests.parse()?, rounds.parse()?);
    let path = Path::new(dir).join("requests.sqlite");
    request_index::remove(&path)?;
    let index = Index::open(&path).await?;
    let (entries, seconds) = fill(&index, requests).await?;
    let bytes = std::fs::metadata(&path)?.len();
    let mut queries = Vec::new();
    for query in QUERIES {
        let mut times = Vec::new();
        for round in 0..rounds {
            let chance = scattered(round + 17);
            let begun = Instant::now();
            query.ask(&index, chance, entries).await?;
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
        times.sort_by(f64::total_cmp);
        let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
        queries.push(format!("\"{}\":{{\"p50_ms\":{:.3},\"p99_ms\":{:.3}}}", query.name(), at(50), at(99)));
    }
    println!(
        "{{\"requests\":{requests},\"entries\":{entries},\"entries_s\":{:.0},\"bytes_per_request\":{:.0},\"queries\":{{{}}}}}",
        entries as f64 / seconds,
        bytes as f64 / requests as f64,
        queries.join(",")
    );
    Ok(())
}

/// Takes in so many requests; how many entries that were, and how long the index took for them.
async fn fill(index: &Index, requests: u64) -> Fallible<(u64, f64)> {
    let (mut next, mut seconds, mut batch) = (0_u64, 0.0, Vec::with_capacity(BATCH + 4));
    for number in 0..requests {
        let at = Duration::from_micros(BEGAN + number * (DAYS * DAY / requests));
        for body in request(number, next)? {
            batch.push((next, Entry { at, replica: Replica(1), seq: next, body }));
            next += 1;
        }
        if batch.len() >= BATCH || number + 1 == requests {
            let begun = Instant::now();
            index.take(&batch, &axes).await?;
            seconds += begun.elapsed().as_secs_f64();
            batch.clear();
        }
    }
    Ok((next, seconds))
}

fn axes(_model: &str, label: &str) -> Option<Axes> {
    let controlled_by = PLACES.contains(&label).then_some(if label.starts_with("abroad") { "US" } else { "KR" })?;
    Some(Axes { processed_in: vec!["KR".to_owned()], controlled_by: vec![controlled_by.to_owned()] })
}

/// A number that looks like chance and is the same each time (SplitMix64's last steps).
fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn one<'n>(of: &[&'n str], chance: u64) -> &'n str {
    let place = usize::try_from(chance % of.len().max(1) as u64).unwrap_or(0);
    of.get(place).copied().unwrap_or_default()
}

/// The entries of one request: a decision and an outcome, or a refusal; some with an attempt between; a change now and then.
fn request(number: u64, next: u64) -> Fallible<Vec<Body>> {
    let asked = Asked::new(number)?;
    let Asked { chance, key, .. } = &asked;
    if (chance / 19).is_multiple_of(33) {
        return Ok(vec![asked.refusal()?]);
    }
    let mut bodies = Vec::new();
    if number % 5_000 == 3 {
        bodies.push(Body::Administration(Administration {
            action: Action::KeyCreate,
            subject: key.clone(),
            by: Text::new("uid 1000")?,
            detail: BTreeMap::new(),
        }));
    }
    let decision = next + bodies.len() as u64;
    let (first, second) = (one(&PLACES, chance / 23), one(&PLACES, chance / 23 + 1));
    bodies.push(asked.decision(first, second)?);
    let degraded = (chance / 29).is_multiple_of(20);
    if degraded {
        bodies.push(Body::Attempt(Attempt {
            decision: Count(decision),
            request: asked.id.clone(),
            destination: Text::new(second)?,
            number: 2,
            reason: Text::new("outage: timeout")?,
            answer_bytes: None,
            completion_tokens: None,
        }));
    }
    bodies.push(asked.outcome(decision, if degraded { second } else { first }, degraded)?);
    Ok(bodies)
}

/// What a request has, by its number.
struct Asked {
    chance: u64,
    id: Text,
    key: Text,
    team: Text,
    model: Text,
    class: Class,
    findings: Option<BTreeMap<Word, Count>>,
}

impl Asked {
    fn new(number: u64) -> Fallible<Self> {
        let chance = scattered(number);
        let rare = number % 100_000 == 9;
        let kind = if rare { "rare" } else { one(&KINDS, chance / 13) };
        let found = rare || (chance / 17).is_multiple_of(3);
        let team = if number % 50_000 == 7 { "rare".to_owned() } else { format!("team-{}", chance % 12) };
        Ok(Self {
            chance,
            id: Text::new(format!("{chance:016x}{number:08x}"))?,
            key: Text::new(format!("k_{:06x}", chance % 60))?,
            team: Text::new(team)?,
            model: Text::new(format!("model-{}", chance / 7 % 8))?,
            class: match chance / 11 % 20 {
                0 => Class::Classified,
                1..=8 => Class::Sensitive,
                _ => Class::Open,
            },
            findings: if found { Some(BTreeMap::from([(Word::new(kind)?, Count(2))])) } else { None },
        })
    }

    fn refusal(&self) -> Fallible<Body> {
        Ok(Body::Refusal(Refusal {
            request: self.id.clone(),
            key: self.key.clone(),
            team: self.team.clone(),
            surface: Text::new("chat")?,
            model: Some(self.model.clone()),
            reason: Text::new("policy_denied")?,
            rule: Some(Text::new("classified-stays")?),
            skipped: None,
            class: Some(self.class),
            findings: self.findings.clone(),
            policy: Digest([1; 32]),
            config: Digest([2; 32]),
            catalog: None,
            commitment: Digest([3; 32]),
        }))
    }

    fn decision(&self, first: &str, second: &str) -> Fallible<Body> {
        Ok(Body::Decision(Decision {
            request: self.id.clone(),
            key: self.key.clone(),
            team: self.team.clone(),
            surface: Text::new("chat")?,
            model: self.model.clone(),
            stream: self.chance.is_multiple_of(2),
            choices: 1,
            request_bytes: Count(2_048),
            prompt_tokens: None,
            answer_tokens_max: Some(Count(1_024)),
            destinations: vec![Text::new(first)?, Text::new(second)?],
            skipped: None,
            class: Some(self.class),
            findings: self.findings.clone(),
            rules: Some(vec![Text::new("teams-may")?]),
            policy: Digest([1; 32]),
            config: Digest([2; 32]),
            catalog: None,
            law: None,
            reservation: None,
            commitment: Digest([3; 32]),
        }))
    }

    fn outcome(&self, decision: u64, served: &str, degraded: bool) -> Fallible<Body> {
        let chance = self.chance;
        let failed = (chance / 31).is_multiple_of(50);
        Ok(Body::Outcome(Outcome {
            decision: Count(decision),
            request: self.id.clone(),
            ending: if failed { Ending::Failed } else { Ending::Answered },
            reason: if failed { Some(Text::new("upstream_error")?) } else { None },
            status: Some(if failed { 502 } else { 200 }),
            destination: Some(Text::new(served)?),
            attempts: if degraded { 2 } else { 1 },
            prompt_tokens: Some(Count(chance / 37 % 2_000)),
            completion_tokens: Some(Count(chance / 41 % 800)),
            answer_bytes: Count(4_000),
            seam_at: None,
            commitment: Some(Digest([4; 32])),
            duration_us: Some(Count(200_000 + chance / 43 % 20_000_000)),
            first_byte_us: Some(Count(90_000 + chance / 53 % 100_000)),
            tls_group: Some(Text::new("X25519MLKEM768")?),
            finish: Some(Text::new("stop")?),
            hidden: None,
            findings: None,
            label: None,
            review: None,
            cost: None,
        }))
    }
}

/// What the console's pages ask.
#[derive(Clone, Copy)]
enum Query {
    Newest,
    Deep,
    ByTeam,
    ByRareTeam,
    ByKey,
    ByModel,
    ByDestination,
    ByClass,
    ByFailed,
    ByRefused,
    ByDegraded,
    ByFinding,
    ByRareFinding,
    OfADay,
    TeamModelAndFailed,
    RareTeamAndAnswered,
    TeamAndFindingThatNeverMeet,
    ById,
    ByEntry,
    TotalsOfADay,
    TotalsOfAll,
    ByDestinationOfAll,
    JurisdictionsOfAll,
    TookOfAll,
    HoursOfAll,
    MinutesOfADay,
    LastUsed,
    Names,
    Administration,
    AdministrationBy,
}

const QUERIES: [Query; 30] = [
    Query::Newest,
    Query::Deep,
    Query::ByTeam,
    Query::ByRareTeam,
    Query::ByKey,
    Query::ByModel,
    Query::ByDestination,
    Query::ByClass,
    Query::ByFailed,
    Query::ByRefused,
    Query::ByDegraded,
    Query::ByFinding,
    Query::ByRareFinding,
    Query::OfADay,
    Query::TeamModelAndFailed,
    Query::RareTeamAndAnswered,
    Query::TeamAndFindingThatNeverMeet,
    Query::ById,
    Query::ByEntry,
    Query::TotalsOfADay,
    Query::TotalsOfAll,
    Query::ByDestinationOfAll,
    Query::JurisdictionsOfAll,
    Query::TookOfAll,
    Query::HoursOfAll,
    Query::MinutesOfADay,
    Query::LastUsed,
    Query::Names,
    Query::Administration,
    Query::AdministrationBy,
];

impl Query {
    fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest page",
            Self::Deep => "a page far back",
            Self::ByTeam => "page of a team",
            Self::ByRareTeam => "page of a team with few requests",
            Self::ByKey => "page of a key",
            Self::ByModel => "page of a model",
            Self::ByDestination => "page of a destination",
            Self::ByClass => "page of a class",
            Self::ByFailed => "page of failed requests",
            Self::ByRefused => "page of refused requests",
            Self::ByDegraded => "page of degraded answers",
            Self::ByFinding => "page of a kind of findings",
            Self::ByRareFinding => "page of a rare kind of findings",
            Self::OfADay => "page of one day",
            Self::TeamModelAndFailed => "page of a team's failed requests for a model",
            Self::RareTeamAndAnswered => "page of the answers to a team with few requests",
            Self::TeamAndFindingThatNeverMeet => "page of conditions that nothing fits",
            Self::ById => "one request by its id, with its attempts",
            Self::ByEntry => "one request by an entry",
            Self::TotalsOfADay => "totals of a day",
            Self::TotalsOfAll => "totals of thirty days",
            Self::ByDestinationOfAll => "by destination, thirty days",
            Self::JurisdictionsOfAll => "tokens by jurisdiction, thirty days",
            Self::TookOfAll => "how long answers took, thirty days",
            Self::HoursOfAll => "thirty days by the hour",
            Self::MinutesOfADay => "a day by the minute",
            Self::LastUsed => "keys, when last used",
            Self::Names => "names of models",
            Self::Administration => "page of administration",
            Self::AdministrationBy => "page of administration by one person",
        }
    }

    async fn ask(self, index: &Index, chance: u64, entries: u64) -> Fallible<()> {
        match self {
            Self::ById => {
                drop(index.request(&format!("{:016x}{:08x}", scattered(chance % 1000), chance % 1000)).await?);
            }
            Self::ByEntry => drop(index.request_of(chance % entries).await?),
            Self::TotalsOfADay => {
                index.totals(a_day(chance)).await?;
            }
            Self::TotalsOfAll => {
                index.totals(0..u64::MAX).await?;
            }
            Self::ByDestinationOfAll => drop(index.by_destination(0..u64::MAX).await?),
            Self::JurisdictionsOfAll => {
                let destinations = index.by_destination(0..u64::MAX).await?;
                drop(OfJurisdiction::shared(&destinations, AxisOf::ControlledBy));
            }
            Self::TookOfAll => {
                index.took(0..u64::MAX).await?;
            }
            Self::HoursOfAll => drop(index.series(BEGAN..BEGAN + DAYS * DAY, 3600).await?),
            Self::MinutesOfADay => drop(index.series(a_day(chance), 60).await?),
            Self::LastUsed => drop(index.last_used().await?),
            Self::Names => drop(index.names(NameKind::Model, 100).await?),
            Self::Administration => {
                let page = Page { before: None, rows: 50 };
                drop(index.administration(&AdministrationFilter::default(), page).await?);
            }
            Self::AdministrationBy => {
                let filter =
                    AdministrationFilter { by: Some("uid 1000".to_owned()), ..AdministrationFilter::default() };
                drop(index.administration(&filter, Page { before: None, rows: 50 }).await?);
            }
            Self::Newest
            | Self::Deep
            | Self::ByTeam
            | Self::ByRareTeam
            | Self::ByKey
            | Self::ByModel
            | Self::ByDestination
            | Self::ByClass
            | Self::ByFailed
            | Self::ByRefused
            | Self::ByDegraded
            | Self::ByFinding
            | Self::ByRareFinding
            | Self::OfADay
            | Self::TeamModelAndFailed
            | Self::RareTeamAndAnswered
            | Self::TeamAndFindingThatNeverMeet => {
                let before = matches!(self, Self::Deep).then_some(chance % entries);
                drop(index.search(&self.filter(chance), Page { before, rows: 50 }).await?);
            }
        }
        Ok(())
    }

    fn filter(self, chance: u64) -> Filter {
        let all = Filter::default();
        let team = Some(format!("team-{}", chance % 12));
        let model = Some(format!("model-{}", chance % 8));
        match self {
            Self::ByTeam => Filter { team, ..all },
            Self::ByRareTeam => Filter { team: Some("rare".to_owned()), ..all },
            Self::ByKey => Filter { key: Some(format!("k_{:06x}", chance % 60)), ..all },
            Self::ByModel => Filter { model, ..all },
            Self::ByDestination => Filter { destination: Some(one(&PLACES, chance).to_owned()), ..all },
            Self::ByClass => Filter { class: Some(Class::Classified), ..all },
            Self::ByFailed => Filter { state: Some(State::Failed), ..all },
            Self::ByRefused => Filter { state: Some(State::Refused), ..all },
            Self::ByDegraded => Filter { degraded: true, ..all },
            Self::ByFinding => Filter { finding: Some(one(&KINDS, chance).to_owned()), ..all },
            Self::ByRareFinding => Filter { finding: Some("rare".to_owned()), ..all },
            Self::OfADay => {
                let Range { start, end } = a_day(chance);
                Filter { from: Some(start), until: Some(end), ..all }
            }
            Self::TeamModelAndFailed => Filter { team, model, state: Some(State::Failed), ..all },
            Self::RareTeamAndAnswered => Filter { team: Some("rare".to_owned()), state: Some(State::Answered), ..all },
            Self::TeamAndFindingThatNeverMeet => {
                Filter { team, finding: Some("email".to_owned()), model: Some("no such model".to_owned()), ..all }
            }
            Self::Newest
            | Self::Deep
            | Self::ById
            | Self::ByEntry
            | Self::TotalsOfADay
            | Self::TotalsOfAll
            | Self::ByDestinationOfAll
            | Self::JurisdictionsOfAll
            | Self::TookOfAll
            | Self::HoursOfAll
            | Self::MinutesOfADay
            | Self::LastUsed
            | Self::Names
            | Self::Administration
            | Self::AdministrationBy => all,
        }
    }
}

fn a_day(chance: u64) -> Range<u64> {
    let start = BEGAN + chance % (DAYS - 1) * DAY + chance % 86_400 * 1_000_000;
    start..start + DAY
}
