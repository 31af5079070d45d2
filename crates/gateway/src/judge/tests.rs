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

fn names(set: &BTreeSet<Arc<str>>) -> Vec<&str> {
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
    let floor = FloorModel { name: "f".into(), context_tokens: 9, serves: [].into() };
    let with = Judgement::new(&config, Some(&floor));
    let chains: Vec<(&str, &str)> = with.chains().iter().map(|chain| (&*chain.model, &*chain.links[0].label)).collect();
    assert_eq!(chains, [("a", "local"), ("f", "local")]);
}

#[test]
fn an_explanation_says_what_the_road_would_do_and_why() {
    let text = "[policy]\nuse = \"kr-enterprise\"\nhome = \"KR\"\n[[destination]]\nname = \"seoul\"\nbase_url = \"http://127.0.0.1:1/v1\"\n\
                models = [\"m\"]\nprovider = \"azure\"\nregion = \"korea-central\"\n[[route]]\nmodel = \"a\"\ndestinations = [\"seoul/m\", \"local\"]\n";
    let config = Config::parse(text, "test.toml").unwrap();
    let judgement =
        Judgement::new(&config, Some(&FloorModel { name: "f".into(), context_tokens: 9, serves: [].into() }));
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

#[test]
fn policies_know_every_word_that_a_request_or_a_destination_can_have_and_no_other() {
    let catalog = Catalog::shipped();
    let words = crate::config::vocabulary(&catalog, &[], &[]);
    let needs: Vec<&str> = words.needs.iter().map(String::as_str).collect();
    assert_eq!(needs, ["audio", "embeddings", "reasoning", "structured-output", "tools", "vision"]);
    let mut checked = BTreeSet::new();
    let mut check = |attribute: &'static str, told: &mut dyn Iterator<Item = &Arc<str>>| {
        for word in told {
            assert!(words.attributes[attribute].contains(&**word), "`{word}` of `{attribute}`");
            checked.insert(attribute);
        }
    };
    // What only an operator's contract says.
    let training: Vec<Arc<str>> = catalog::Training::ALL.iter().map(|word| word.word().into()).collect();
    check("training_on_input", &mut training.iter());
    let basis: Vec<Arc<str>> = catalog::TransferBasis::ALL.iter().map(|word| word.word().into()).collect();
    check("transfer_basis", &mut basis.iter());
    // Every model of every provider at its first region, and one at home.
    let regions = |provider: &catalog::Provider| {
        provider.regions.keys().next().map(|id| format!("region = \"{id}\"\n")).unwrap_or_default()
    };
    let of_providers = catalog.providers().flat_map(|(id, provider)| {
        let at = format!("provider = \"{id}\"\n{}", regions(provider));
        // What callers cannot ask for is offered under another name, too.
        let offers = provider.offers.keys().map(String::as_str).filter(|offer| !offer.contains(' ')).chain(["m"]);
        offers.map(move |offer| format!("models = [\"{offer}\"]\n{at}")).collect::<Vec<_>>()
    });
    let own = "models = [{ name = \"m\", card = \"qwen2.5-coder-1.5b-instruct\" }]\nprovider = \"own\"\n".to_owned();
    for settings in of_providers.chain([own]) {
        let it = destination(&settings);
        check("provider", &mut it.provider.iter());
        check("region", &mut it.region.iter());
        check("card", &mut it.card.iter());
        check("developer", &mut it.developer.iter());
        check("commercial_use", &mut it.commercial_use.iter());
        check("offer_to_third_parties", &mut it.offer_to_third_parties.iter());
        check("capabilities", &mut it.capabilities.iter());
        check("languages", &mut it.languages.iter());
    }
    assert_eq!(checked.len(), words.attributes.len(), "{checked:?}");
}

#[test]
fn a_rule_about_a_provider_that_nobody_has_is_told_before_it_blocks_nothing() {
    let words = crate::config::vocabulary(&Catalog::shipped(), &[], &[]);
    let read = |when: &str| {
        let text = format!("@id(\"a\")\nforbid (principal, action, resource) when {{ {when} }};");
        let file = ::policy::File { name: "t.cedar", text: &text };
        ::policy::Policy::read("t", file, None, &words).map_err(|mistakes| mistakes.to_string())
    };
    let wrong = |when: &str| read(when).unwrap_err();
    let told = wrong("resource has provider && resource.provider == \"azuer\"");
    assert_eq!(told, "t.cedar:2: there is no provider `azuer`; did you mean `azure`?");
    let told = wrong("resource has card && resource.card == \"solar-pro-2\"");
    assert_eq!(told, "t.cedar:2: there is no model of the catalogue `solar-pro-2`; did you mean `solar-pro2`?");
    assert!(wrong("context.needs.contains(\"chat\")").starts_with("t.cedar:2: there is no need `chat`"));
    assert!(read("context.needs.contains(\"embeddings\") && resource.languages.contains(\"ko\")").is_ok());
}
