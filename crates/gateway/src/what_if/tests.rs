//! What-if: who goes dark, who moves where, what cannot be told, and that a substitute is never a place that the policy forbids.

use ::policy::Class;

use super::*;
use crate::{
    config::Config,
    judge::FloorModel,
    traffic::{Kind, Served},
};

/// Two foreign places and a domestic one, a machine of one's own, and the floor; sensitive data stays at home by this policy.
const SITE: &str = r#"
[policy]
use = "open"
home = "KR"

[[destination]]
name = "cloud"
base_url = "http://127.0.0.1:1/v1"
models = ["large"]
provider = "azure"
region = "korea-central"

[[destination]]
name = "national"
base_url = "http://127.0.0.1:2/v1"
models = ["solar-pro2"]
provider = "upstage"

[[destination]]
name = "cluster"
base_url = "http://127.0.0.1:3/v1"
models = [{ name = "small", card = "smollm2-135m-instruct" }]
provider = "own"

[[route]]
model = "assistant"
destinations = ["cloud/large", "cluster/small", "local"]

[[route]]
model = "drafts"
destinations = ["cloud/large", "local"]

[[route]]
model = "only-abroad"
destinations = ["cloud/large"]

[[team]]
name = "desk"
class = "open"
"#;

fn config() -> Config {
    Config::parse(SITE, "test.toml").unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn floor() -> FloorModel {
    FloorModel { name: "smollm2-135m-instruct-q4_1".into(), context_tokens: 2048, serves: [].into() }
}

fn asked(subjects: &[&str], config: &Config, traffic: Option<&Traffic>) -> WhatIf {
    let judgement = Judgement::new(config, Some(&floor()));
    let subjects = subjects.iter().map(|typed| Subject::parse(typed, config).unwrap()).collect();
    let teams: Vec<Arc<str>> = config.teams.keys().cloned().collect();
    what_if(&judgement, &teams, &Question { subjects, ..Question::default() }, traffic)
}

/// `model: fate place`, of the team's rows.
fn fates(what_if: &WhatIf) -> Vec<String> {
    let row = |row: &Row| {
        let instead = row.instead.as_ref().map(|stand| format!(" {}", stand.id)).unwrap_or_default();
        let worst = row.at_worst.map(|fate| format!(", at worst {}", fate.word())).unwrap_or_default();
        format!("{}: {}{instead}{worst}", row.model, row.fate.word())
    };
    what_if.rows.iter().map(row).collect()
}

#[test]
fn each_model_goes_to_the_next_place_that_is_left_or_dark() {
    let found = asked(&["US"], &config(), None);
    assert_eq!(
        fates(&found),
        [
            // Of each, first the classes that the policy lets go abroad, then `classified`.
            "assistant: moves cluster/small",
            "assistant: unchanged",
            "drafts: local floor local",
            "drafts: unchanged",
            "only-abroad: dark",
            "only-abroad: refused today",
            "smollm2-135m-instruct-q4_1: unchanged",
            "large: dark",
            "large: refused today",
            "solar-pro2: unchanged, at worst dark",
            "solar-pro2: refused today",
            "small: unchanged",
        ]
    );
    assert_eq!(
        found.pairs,
        Pairs { all: 7, dark: 2, dark_in_part: 0, moved: 1, floor: 1, unchanged: 3, perhaps_dark: 1 }
    );
    assert!(
        found.summary.starts_with(
            "with US withdrawn: 2 of 7 team-model pairs go dark, 1 moves to another provider, 1 answers from the local floor"
        ),
        "{}",
        found.summary
    );
}

#[test]
fn nothing_changes_where_nothing_is_taken() {
    let found = asked(&["JP"], &config(), None);
    assert!(found.rows.iter().all(|row| row.fate <= Fate::Unchanged), "{:?}", fates(&found));
    assert_eq!(found.pairs.dark, 0);
}

#[test]
fn a_route_that_does_not_always_begin_with_its_first_is_named() {
    let told = |found: &WhatIf| found.unknown.iter().filter(|line| line.contains("stands for all")).count();
    assert_eq!(told(&asked(&["US"], &config(), None)), 0);
    let spread = SITE.replace("model = \"assistant\"\n", "model = \"assistant\"\nstrategy = \"least-loaded\"\n");
    let found = asked(&["US"], &Config::parse(&spread, "test.toml").unwrap(), None);
    assert!(found.unknown.iter().any(|line| line.contains("destinations of `assistant`:")), "{:?}", found.unknown);
}

#[test]
fn two_withdrawals_take_what_either_takes() {
    let found = asked(&["US", "cluster"], &config(), None);
    assert_eq!(fates(&found)[0], "assistant: local floor local");
    assert_eq!(found.withdrawn, ["jurisdiction:US", "destination:cluster"]);
}

#[test]
fn outside_home_counts_what_nobody_knows_as_gone() {
    let found = asked(&["outside KR"], &config(), None);
    assert!(fates(&found).contains(&"solar-pro2: dark".to_owned()), "{:?}", fates(&found));
    assert!(
        found.unknown.iter().any(|line| line.contains("`national/solar-pro2`") && line.ends_with("counts as gone"))
    );
}

#[test]
fn what_is_withdrawn_already_answers_nothing_today() {
    let config = config();
    let judgement = Judgement::new(&config, Some(&floor()));
    let question = Question {
        subjects: vec![Subject::parse("cluster", &config).unwrap()],
        already: vec![Subject::parse("US", &config).unwrap()],
        keys: Vec::new(),
    };
    let found = what_if(&judgement, &[], &question, None);
    assert_eq!(found.rows[0].today.as_ref().unwrap().id, "cluster/small");
    assert_eq!(found.rows[0].fate, Fate::Floor);
    assert!(fates(&found).contains(&"only-abroad: refused today".to_owned()));
    assert_eq!(found.pairs.all, 5, "what is refused today cannot go dark");
}

/// Whatever is withdrawn, no row names a place that the policy does not permit for all its classes.
#[test]
fn a_substitute_is_never_wider_than_the_policy() {
    for policy in ::policy::Policy::SHIPPED {
        let text = SITE.replace("use = \"open\"", &format!("use = \"{policy}\""));
        let config = Config::parse(&text, "test.toml").unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let judgement = Judgement::new(&config, Some(&floor()));
        for subject in ["US", "KR", "outside KR", "azure", "cluster", "OECD", "national/solar-pro2"] {
            for row in asked(&[subject], &config, None).rows {
                let chain = judgement.chain(&row.model).unwrap();
                let team = row.team.as_deref().map(Arc::from);
                for (class, instead) in row.classes.iter().filter_map(|class| Some((class, row.instead.as_ref()?))) {
                    let class: Class = class.parse().unwrap();
                    let verdict = judgement.plain(chain, team.as_ref(), class, Action::Infer);
                    let link = chain.links.iter().find(|link| *link.label == *instead.label).unwrap();
                    assert!(verdict.of(link.judged).unwrap().terms().is_some(), "{policy} {subject} {row:?}");
                    let subject = Subject::parse(subject, &config).unwrap();
                    let place = &judgement.judge().destinations()[link.judged];
                    assert!(!subject.withdraws(place, judgement.catalog()), "{subject} {row:?}");
                }
            }
        }
    }
}

#[test]
fn what_is_lost_is_told_and_what_is_not_known_is_said_to_be_unknown() {
    let found = asked(&["US"], &config(), None);
    let told = |row: &Row| row.lost.iter().map(|lost| format!("{}: {}", lost.what, lost.told)).collect::<Vec<_>>();
    let drafts = found.rows.iter().find(|row| row.model == "drafts").unwrap();
    assert_eq!(
        told(drafts),
        [
            "capability: all but plain text (tools, pictures, schemas)",
            "context: context ? → 2048 tokens",
            "language: made for en alone",
        ]
    );
    let assistant = &found.rows[0];
    assert!(told(assistant).contains(&"unknown: whether it can do the same".to_owned()), "{:?}", told(assistant));
    assert_eq!(found.rows[0].today.as_ref().unwrap().axes(), "KR/US+?");
}

fn traffic() -> Traffic {
    let kind = |model: &str, permitted: &[&str], requests: u64| Kind {
        team: "desk".into(),
        model: model.into(),
        class: Some(Class::Open),
        permitted: permitted.iter().map(|label| Arc::from(*label)).collect(),
        requests,
        prompt_tokens: 1000,
        completion_tokens: 36_000,
        hours: BTreeMap::from([(10, (requests, 36_000)), (11, (1, 10))]),
        ..Kind::default()
    };
    let mut floor = Served::default();
    (floor.answers, floor.completion_tokens, floor.best_minute_tokens) = (1, 600, 1200);
    Traffic {
        kinds: vec![
            kind("drafts", &["cloud/large", "local"], 60),
            kind("only-abroad", &["cloud/large"], 10),
            kind("small", &["cluster"], 30),
            kind("gone-from-the-configuration", &["x"], 5),
        ],
        served: BTreeMap::from([(("drafts".into(), "local".into()), floor)]),
        ..Traffic::default()
    }
}

#[test]
fn the_traffic_that_moves_is_counted_and_held_against_what_the_floor_has_done() {
    let found = asked(&["US"], &config(), Some(&traffic()));
    let log = found.log.as_ref().unwrap();
    assert_eq!((log.requests, log.moved_permille, log.dark_permille, log.unresolved), (105, 571, 95, 5));
    let floor = found.moves.iter().find(|load| load.to.as_ref().is_some_and(|to| to.local)).unwrap();
    assert_eq!((floor.requests, floor.peak_hour_requests, floor.peak_hour_tokens), (60, 60, 36_000));
    // 36,000 tokens of the hour and 600 of its own, in 3,600 seconds; its best minute had 1,200 in 60.
    assert_eq!((floor.needed_tokens_per_second_milli, floor.seen_tokens_per_second_milli), (10_166, Some(20_000)));
    assert_eq!((floor.bears, floor.cost_unknown), (Bears::Yes, 60));
    let nothing = found.moves.iter().find(|load| load.to.is_none()).unwrap();
    assert_eq!((nothing.requests, nothing.bears), (10, Bears::Unknown));
    assert!(
        found.summary.ends_with("; 57 % of the requests of the last 1 day move, 9.5 % get no answer"),
        "{}",
        found.summary
    );
}

#[test]
fn a_floor_that_has_not_done_so_much_is_not_said_to_bear_it() {
    let mut traffic = traffic();
    for served in traffic.served.values_mut() {
        served.best_minute_tokens = 30;
    }
    let found = asked(&["US"], &config(), Some(&traffic));
    assert_eq!(found.moves.iter().find(|load| load.to.is_some()).unwrap().bears, Bears::NotShown);
    traffic.served.clear();
    let found = asked(&["US"], &config(), Some(&traffic));
    assert_eq!(found.moves.iter().find(|load| load.to.is_some()).unwrap().bears, Bears::Unknown);
}

#[test]
fn the_price_of_what_moves_is_told_where_both_are_known() {
    let price = PriceFor { input: 250_000, output: 500_000 };
    assert_eq!(price.of().micros(2_000_000, 1_000_000), 1_000_000);
    assert_eq!(price.of().told(), "USD 0.25 / 0.50");
    assert_eq!(amount(1_234_567), "1.234567");
}

struct PriceFor {
    input: u64,
    output: u64,
}

impl PriceFor {
    fn of(&self) -> PriceOf {
        PriceOf { currency: "USD".to_owned(), input_micros: self.input, output_micros: self.output }
    }
}

#[test]
fn the_picture_is_sound_xml_says_what_it_shows_and_runs_nothing() {
    let text = SITE.replace("name = \"desk\"", "name = \"<desk> & \\\"co\\\"\"");
    let config = Config::parse(&text, "test.toml").unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let svg = picture::svg(&asked(&["US"], &config, Some(&traffic())));
    for wanted in
        ["<title", "<desc", "role=\"img\"", "class=\"lost\"", "class=\"sub\"", "goes dark", "&lt;desk&gt; &amp;"]
    {
        assert!(svg.contains(wanted), "no {wanted} in {svg}");
    }
    for never in ["<script", "<desk>", "href", "onload"] {
        assert!(!svg.contains(never), "{never}");
    }
    assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
}
