//! What the judge is told of destinations: both axes from the catalogue, and that what is not known is within nothing.

use ::policy::{Class, Destination};

use super::*;

fn judgement(config: &str) -> Judgement {
    let config = Config::parse(config, "test.toml").unwrap_or_else(|mistakes| panic!("{mistakes}"));
    Judgement::new(&config, None)
}

fn destination(settings: &str) -> Destination {
    let text = format!(
        "[policy]\nuse = \"open\"\nhome = \"KR\"\n[[destination]]\nname = \"d\"\nbase_url = \"http://127.0.0.1:1/v1\"\n{settings}"
    );
    judgement(&text).judge().destinations()[1].clone()
}

fn names(set: &std::collections::BTreeSet<Arc<str>>) -> Vec<&str> {
    set.iter().map(|name| &**name).collect()
}

#[test]
fn of_a_destination_without_a_provider_nothing_is_known() {
    let known = destination("models = [\"m\"]\n");
    assert_eq!((&*known.id, &*known.name, &*known.model, known.local), ("d/m", "d", "m", false));
    assert_eq!(known.processed_in, ::policy::Axis::default());
    assert_eq!(known.controlled_by, ::policy::Axis::default());
    assert_eq!((known.provider, known.card, known.frontier), (None, None, None));
}

#[test]
fn a_foreign_cloud_in_the_country_is_in_it_and_not_under_its_law_alone() {
    let known = destination("models = [\"m\"]\nprovider = \"azure\"\nregion = \"korea-central\"\n");
    assert_eq!(names(&known.processed_in.known), ["KR"]);
    assert!(known.processed_in.within.contains("KR") && known.processed_in.within.contains("OECD"));
    assert!(!known.controlled_by.within.contains("KR"), "{:?}", known.controlled_by);
    assert!(known.controlled_by.known.contains("US"), "{:?}", known.controlled_by);
}

#[test]
fn ones_own_machines_are_at_home_and_a_models_licence_may_reach_them() {
    let known =
        destination("models = [{ name = \"m\", card = \"qwen2.5-coder-1.5b-instruct\" }]\nprovider = \"own\"\n");
    assert_eq!((known.provider.as_deref(), names(&known.processed_in.known)), (Some("own"), vec!["KR"]));
    let unknown = destination("models = [\"m\"]\nprovider = \"own\"\n");
    assert!(unknown.controlled_by.within.is_empty(), "a licence that nobody knows may reach anybody");
}

#[test]
fn what_a_provider_offers_under_a_name_is_that_model() {
    let known = destination("models = [\"solar-pro2\"]\nprovider = \"upstage\"\n");
    assert_eq!((known.card.as_deref(), known.developer.as_deref()), (Some("solar-pro2"), Some("upstage")));
    let by_hand = destination("models = [{ name = \"x\", card = \"solar-pro2\" }]\nprovider = \"upstage\"\n");
    assert_eq!(by_hand.card, known.card);
}

#[test]
fn the_floor_is_always_among_the_judged_and_in_a_chain_only_where_there_is_one() {
    let config = Config::parse("[[route]]\nmodel = \"a\"\ndestinations = [\"local\"]\n", "test.toml").unwrap();
    let without = Judgement::new(&config, None);
    assert_eq!((without.judge().destinations().len(), without.chains().len()), (1, 0));
    let floor = FloorModel { name: "f".into(), context_tokens: 9 };
    let with = Judgement::new(&config, Some(&floor));
    let chains: Vec<(&str, &str)> = with.chains().iter().map(|chain| (&*chain.model, &*chain.links[0].label)).collect();
    assert_eq!(chains, [("a", "local"), ("f", "local")]);
}

#[test]
fn an_explanation_says_what_the_road_would_do_and_why() {
    let text = "[policy]\nuse = \"kr-enterprise\"\nhome = \"KR\"\n[[destination]]\nname = \"seoul\"\nbase_url = \"http://127.0.0.1:1/v1\"\n\
                models = [\"m\"]\nprovider = \"azure\"\nregion = \"korea-central\"\n[[route]]\nmodel = \"a\"\ndestinations = [\"seoul/m\", \"local\"]\n";
    let config = Config::parse(text, "test.toml").unwrap();
    let judgement = Judgement::new(&config, Some(&FloorModel { name: "f".into(), context_tokens: 9 }));
    let ask = |words: &str, tools: bool| {
        let mut body = serde_json::json!({"model": "a", "messages": [{"role": "user", "content": words}]});
        if tools {
            body["tools"] = serde_json::json!([{"type": "function", "function": {"name": "f"}}]);
        }
        let (key, team) = ("k".into(), "t".into());
        let registered = Registered::default();
        let question = Question { body: body.to_string().into(), key, team, registered, declared: None };
        judgement.explain(&question).unwrap()
    };
    let told = ask("주민번호 900101-1234568", false);
    assert_eq!((told.class, told.permitted.len()), (Class::Sensitive, 1));
    assert_eq!(&*told.permitted[0], "local");
    assert_eq!((told.found[0].place, told.found[0].kind.as_str()), ("message", "kr.resident"));
    assert_eq!(told.because["findings"], Class::Sensitive);
    let ::policy::Outcome::Refused(denial) = &told.steps[0].outcome else { panic!("{told:?}") };
    assert_eq!(denial.rule.as_deref(), Some("no-resident-number-outside"));
    let lacking = ask("hello", true);
    assert_eq!((lacking.steps[1].lacks, lacking.permitted.len()), (Some("tools"), 0));
    assert!(lacking.refused.is_some());
}
