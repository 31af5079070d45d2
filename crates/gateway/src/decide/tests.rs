//! Tests of the decision: what is permitted never exceeds the policy, whatever is asked; what is said of a refusal is what the
//! policy says.

use std::fmt::Write as _;
use std::sync::Arc;

use ::policy::Class;
use bytes::Bytes;
use proptest::prelude::*;
use wire::needs::{Need, Needed};

use super::{Decision, Permitted, Why, decide, models_for};
use crate::{
    config::{Config, Judged, Registered, Version},
    contents::Contents,
    inspect::{Facts, facts_of_contents},
    judge::{FloorModel, Judgement},
    keys::Caller,
    read::Surface,
};

fn caller() -> Caller {
    Caller { key_id: "k".into(), name: "n".into(), team: "t".into(), registered: Registered::default() }
}

/// A judgement over a floor called `floor`, by this configuration.
fn judgement(config: &str) -> Judgement {
    let config = Config::parse(config, "test.toml").unwrap_or_else(|mistakes| panic!("{mistakes}"));
    Judgement::new(&config, Some(&FloorModel { name: "floor".into(), context_tokens: 120, serves: [].into() }))
}

const TWO: &str = r#"
[policy]
use = "open"
[[destination]]
name = "near"
base_url = "http://127.0.0.1:1/v1"
models = ["m", "floor"]
[[destination]]
name = "far"
base_url = "http://127.0.0.1:2/v1"
models = ["m"]
[[route]]
model = "routed"
destinations = ["far/m", "near/m", "local"]
"#;

fn contents(body: &str, judgement: &Judgement) -> Arc<Contents> {
    Arc::new(Contents::read(&Bytes::copy_from_slice(body.as_bytes()), Surface::Chat, judgement.identifiers()))
}

fn said(text: &str) -> String {
    serde_json::json!({ "model": "m", "messages": [{ "role": "user", "content": text }] }).to_string()
}

fn facts<'a>(caller: &'a Caller, model: &'a str, text: &str, judgement: &Judgement) -> Facts<'a> {
    let contents = contents(&said(text), judgement);
    let mut facts = facts_of_contents(caller, Surface::Chat, model, contents, judgement);
    (facts.prompt_bytes, facts.answer_tokens_max, facts.choices, facts.candidates) = (100, Some(50), 2, 2);
    facts
}

fn permitted(decision: Decision) -> Permitted {
    match decision {
        Decision::Permitted(permitted) => permitted,
        Decision::Refused(refusal) => panic!("{refusal}"),
    }
}

fn labels(permitted: &Permitted) -> Vec<&str> {
    permitted.places().iter().map(|place| &*place.link.label).collect()
}

fn tools() -> Vec<Needed> {
    vec![Needed { need: Need::Tools, param: "tools".to_owned() }]
}

#[test]
fn a_prompt_and_its_answers_are_counted_at_their_worst_and_never_above_the_context() {
    let (caller, judgement) = (caller(), judgement(TWO));
    for (model, worst) in [("m", 300), ("floor", 300)] {
        let permitted = permitted(decide(&facts(&caller, model, "hello", &judgement), &judgement));
        assert_eq!(permitted.tokens_worst(), worst);
    }
    let alone = Judgement::new(
        &Config::default(),
        Some(&FloorModel { name: "floor".into(), context_tokens: 120, serves: [].into() }),
    );
    let permitted = permitted(decide(&facts(&caller, "floor", "hello", &alone), &alone));
    assert_eq!(permitted.tokens_worst(), 240);
    assert_eq!(permitted.hashes().config, Version::of(""));
}

#[test]
fn chains_are_in_the_order_of_their_route_or_else_the_floor_and_then_as_typed() {
    let (caller, judgement) = (caller(), judgement(TWO));
    let chain = |model: &str| {
        let permitted = permitted(decide(&facts(&caller, model, "hello", &judgement), &judgement));
        labels(&permitted).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(chain("m"), ["near", "far"]);
    assert_eq!(chain("floor"), ["local", "near"]);
    assert_eq!(chain("routed"), ["far/m", "near/m", "local"], "under another name, the model is told");
    let listed: Vec<String> = models_for(&caller, &judgement).iter().map(ToString::to_string).collect();
    assert_eq!(listed, ["routed", "floor", "m"]);
}

#[test]
fn a_need_that_one_destination_has_goes_there_and_no_further() {
    let (caller, open) = (caller(), judgement(TWO));
    let asked = Facts { needs: tools(), ..facts(&caller, "floor", "hello", &open) };
    assert_eq!(labels(&permitted(decide(&asked, &open))), ["near"]);
    let local = judgement(&TWO.replace("\"open\"", "\"local\""));
    let asked = Facts { needs: tools(), ..facts(&caller, "floor", "hello", &local) };
    let Decision::Refused(refusal) = decide(&asked, &local) else { panic!("permitted") };
    assert!(matches!(refusal.why(), Why::Lacks(needed) if needed.param == "tools"));
}

#[test]
fn a_refusal_says_which_policy_and_rule_and_of_which_class() {
    let (caller, local) = (caller(), judgement(&TWO.replace("\"open\"", "\"local\"")));
    let Decision::Refused(refusal) = decide(&facts(&caller, "m", "hello", &local), &local) else { panic!("permitted") };
    assert_eq!((refusal.reason(), refusal.rule()), ("not_permitted", None));
    let told = refusal.to_string();
    assert_eq!(told, "policy `local` permits no destination that has the model `m` for sensitive data");
    let Decision::Refused(unknown) = decide(&facts(&caller, "x", "hello", &local), &local) else { panic!("permitted") };
    assert_eq!(unknown.to_string(), "there is no model `x` here; ask for `routed`, `floor`");
    assert_eq!(unknown.known_model(), None);
}

/// What each policy that is shipped says of these destinations, over every class and some findings.
fn any_shipped() -> impl Strategy<Value = (Judgement, Vec<String>)> {
    let catalogue = Judged::default().catalog;
    let providers: Vec<(String, Option<String>)> = catalogue
        .providers()
        .flat_map(|(id, provider)| {
            let regions = provider.regions.keys().cloned().map(Some).collect::<Vec<_>>();
            regions.into_iter().chain([None]).map(|region| (id.to_owned(), region)).collect::<Vec<_>>()
        })
        .collect();
    let places = prop::collection::vec(prop::option::of(prop::sample::select(providers)), 1..5);
    (prop::sample::select(::policy::Policy::SHIPPED.to_vec()), places).prop_map(|(name, places)| {
        let mut text = format!("[policy]\nuse = \"{name}\"\nhome = \"KR\"\n");
        for (number, place) in places.iter().enumerate() {
            let operator = match place {
                None => String::new(),
                Some((provider, None)) => format!("provider = \"{provider}\"\n"),
                Some((provider, Some(region))) => format!("provider = \"{provider}\"\nregion = \"{region}\"\n"),
            };
            write!(text, "[[destination]]\nname = \"d{number}\"\nbase_url = \"http://127.0.0.1:1/v1\"\nmodels = [\"m\"]\n{operator}").unwrap();
        }
        let names = (0..places.len()).map(|number| format!("d{number}")).collect();
        (judgement(&text), names)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Each destination of a decision is one that the compiled policy permits for the same facts, and none that it permits is
    /// missing; where it permits none, the request is refused.
    #[test]
    fn what_is_permitted_is_what_policy_permits(
        (judgement, names) in any_shipped(),
        class in prop::sample::select(Class::ALL.to_vec()),
        text in prop::sample::select(vec!["hello", "900101-1234568", "kim@example.com", "4111 1111 1111 1111"]),
    ) {
        let caller = caller();
        let mut facts = facts(&caller, "m", text, &judgement);
        facts.class = facts.class.max(class);
        let verdict = super::verdict(&facts, &judgement);
        let chain = judgement.chain("m").unwrap();
        let wanted: Vec<&str> = chain
            .links
            .iter()
            .filter(|link| verdict.of(link.judged).and_then(::policy::Outcome::terms).is_some())
            .map(|link| &*link.label)
            .collect();
        match decide(&facts, &judgement) {
            Decision::Permitted(permitted) => {
                prop_assert_eq!(labels(&permitted), wanted);
                prop_assert!(permitted.places().iter().all(|place| names.iter().any(|name| *name == *place.link.label)));
            }
            Decision::Refused(refusal) => {
                prop_assert!(wanted.is_empty());
                prop_assert!(refusal.known_model().is_some());
            }
        }
    }
}
