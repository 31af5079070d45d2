//! Subjects: which places each takes, what short forms mean, and that a form that is stored comes back as it was.

use super::*;
use crate::{config::Config, judge::Judgement};

/// A foreign cloud in the country, a domestic provider whose regions nobody knows, a machine of one's own, and a place of which
/// nothing is known.
const PLACES: &str = r#"
[policy]
use = "open"
home = "KR"

[[destination]]
name = "cloud"
base_url = "http://127.0.0.1:1/v1"
models = ["gpt-4o", { name = "big", upstream = "vendor/big-2026", card = "gpt-4o" }]
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

[[destination]]
name = "stranger"
base_url = "http://127.0.0.1:4/v1"
models = ["mystery"]

[[route]]
model = "assistant"
destinations = ["cloud/big", "local"]
"#;

fn config() -> Config {
    Config::parse(PLACES, "test.toml").unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// What `subject` does to each place, by its id, in order; those that it leaves are left out.
fn taken(subject: &str) -> String {
    let config = config();
    let subject = Subject::parse(subject, &config).unwrap_or_else(|error| panic!("{error}"));
    let judgement = Judgement::new(&config, None);
    let of = |place: &Destination| match subject.takes(place, judgement.catalog()) {
        Taken::Yes => Some(place.id.to_string()),
        Taken::Perhaps => Some(format!("{}?", place.id)),
        Taken::No => None,
    };
    judgement.judge().destinations().iter().filter_map(of).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_country_takes_what_it_processes_and_what_its_law_reaches() {
    assert_eq!(taken("US"), "cloud/gpt-4o cloud/big national/solar-pro2? stranger/mystery?");
    assert_eq!(taken("KR"), "cloud/gpt-4o cloud/big national/solar-pro2? cluster/small stranger/mystery?");
}

#[test]
fn a_bloc_takes_what_any_of_its_members_takes() {
    assert_eq!(taken("OECD"), taken("KR"));
    assert_eq!(taken("five-eyes"), taken("US"));
}

#[test]
fn outside_takes_what_is_known_to_lie_elsewhere_and_perhaps_what_nobody_knows() {
    assert_eq!(taken("outside KR"), "cloud/gpt-4o cloud/big national/solar-pro2? stranger/mystery?");
    assert_eq!(taken("outside EU"), "cloud/gpt-4o cloud/big national/solar-pro2? cluster/small stranger/mystery?");
}

#[test]
fn what_cannot_be_told_is_taken_only_where_it_had_to_be_known() {
    let config = config();
    let judgement = Judgement::new(&config, None);
    let stranger = judgement.judge().destinations().iter().find(|place| &*place.name == "stranger").unwrap();
    let withdraws = |typed: &str| Subject::parse(typed, &config).unwrap().withdraws(stranger, judgement.catalog());
    assert_eq!([withdraws("US"), withdraws("outside KR"), withdraws("openai")], [false, true, false]);
    let all = ["US", "outside KR"].map(|typed| Subject::parse(typed, &config).unwrap());
    assert!(withdrawn_by(&all, stranger, judgement.catalog()));
    assert_eq!(taken_by(&all, stranger, judgement.catalog()), Taken::Perhaps);
}

#[test]
fn the_local_floor_is_never_taken() {
    let config = config();
    let judgement = Judgement::new(&config, None);
    let floor = &judgement.judge().destinations()[0];
    assert!(floor.local);
    for subject in ["jurisdiction:KR", "outside:US", "provider:own", "model:local", "local/local", "operator:local"] {
        let subject: Subject = subject.parse().unwrap();
        assert_eq!(subject.takes(floor, judgement.catalog()), Taken::No, "{subject}");
    }
    assert_eq!("destination:local".parse::<Subject>(), Err(SubjectError::Floor));
    assert_eq!(Subject::parse("local", &config), Err(SubjectError::Floor));
}

#[test]
fn names_take_what_bears_them() {
    assert_eq!(taken("cloud"), "cloud/gpt-4o cloud/big");
    assert_eq!(taken("cloud/big"), "cloud/big");
    assert_eq!(taken("cloud/vendor/big-2026"), "cloud/big", "by the destination's own name for it");
    assert_eq!(taken("azure"), "cloud/gpt-4o cloud/big stranger/mystery?");
    assert_eq!(taken("provider:own"), "cluster/small stranger/mystery?");
    assert_eq!(taken("vendor/big-2026"), "cloud/big", "a model's name may hold a slash");
}

#[test]
fn a_model_is_taken_by_each_of_its_three_names() {
    // Asked for as `gpt-4o` there, and the catalogue's `gpt-4o` under another name beside it; where no card is known it may be that.
    assert_eq!(taken("model:gpt-4o"), "cloud/gpt-4o cloud/big stranger/mystery?");
    assert_eq!(taken("model:big"), "cloud/big");
    assert_eq!(taken("model:vendor/big-2026"), "cloud/big");
    assert_eq!(taken("mystery"), "stranger/mystery");
}

#[test]
fn an_operator_takes_what_it_runs_and_what_nobody_knows_otherwise() {
    assert_eq!(
        taken("operator:upstage"),
        "cloud/gpt-4o? cloud/big? national/solar-pro2 stranger/mystery?",
        "on whose machines the cloud runs is not known"
    );
    assert!(!taken("operator:openai").contains("cluster"), "a licence that cannot be taken back binds nobody");
}

#[test]
fn canonical_forms_come_back_as_they_were() {
    let forms = [
        "destination:cloud",
        "cloud/big",
        "cloud/vendor/big:2026",
        "provider:azure",
        "operator:naver",
        "model:gpt-4o",
        "model:a/b:c",
        "jurisdiction:US",
        "outside:KR",
    ];
    for form in forms {
        assert_eq!(form.parse::<Subject>().unwrap().to_string(), form);
    }
    for none in ["", "US", "jurisdiction:", "/", "a/", "/b", "outside:K\nR"] {
        assert!(none.parse::<Subject>().is_err(), "{none}");
    }
}

#[test]
fn short_forms_are_spelt_as_the_configuration_and_the_catalogue_spell_them() {
    let canonical = |typed: &str| Subject::parse(typed, &config()).map(|subject| subject.to_string());
    assert_eq!(canonical("us").unwrap(), "jurisdiction:US");
    assert_eq!(canonical(" eu ").unwrap(), "jurisdiction:EU");
    assert_eq!(canonical("European Union").unwrap(), "jurisdiction:EU");
    assert_eq!(canonical("outside kr").unwrap(), "outside:KR");
    assert_eq!(canonical("outside:kr").unwrap(), "outside:KR");
    assert_eq!(canonical("OpenAI").unwrap(), "provider:openai");
    assert_eq!(canonical("NAVER").unwrap(), "operator:naver");
    assert_eq!(canonical("Cloud").unwrap(), "destination:cloud");
}

#[test]
fn what_could_be_two_things_is_told_with_both() {
    let text = PLACES.replace("name = \"stranger\"", "name = \"mystery\"");
    let config = Config::parse(&text, "test.toml").unwrap();
    let error = Subject::parse("mystery", &config).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`mystery` could be more than one thing: write `destination:mystery` or `model:mystery`"
    );
    assert!(Subject::parse("model:mystery", &config).is_ok());
}

#[test]
fn what_is_not_there_is_told_what_is_near() {
    let told = |typed: &str| Subject::parse(typed, &config()).unwrap_err().to_string();
    assert_eq!(told("claud"), "`claud` is neither in the configuration nor in the catalogue: did you mean `cloud`?");
    assert!(told("outside Atlantis-Utopia").contains("`outside Atlantis-Utopia` is neither"), "{}", told("outside x"));
    assert!(told("assistant").ends_with("name what is behind it, `cloud/big`"), "{}", told("assistant"));
    assert!(told("@").contains("name a jurisdiction (`US`, `EU`)"), "{}", told("@"));
}
