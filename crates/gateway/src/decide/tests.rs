//! Tests of the decision: what is permitted never exceeds the policy, whatever is asked.

use proptest::prelude::*;
use wire::needs::{Need, Needed};

use super::{Decision, Offer, Place, Policy, Why, decide};
use crate::{
    config::{RemotePolicy, Version},
    inspect::Facts,
    keys::Caller,
    read::Surface,
};

fn caller() -> Caller {
    Caller { key_id: "k".into(), name: "n".into(), team: "t".into() }
}

fn facts<'a>(caller: &'a Caller, model: &'a str, needs: Vec<Needed>) -> Facts<'a> {
    Facts {
        caller,
        surface: Surface::Chat,
        model,
        needs,
        prompt_bytes: 100,
        answer_tokens_max: Some(50),
        choices: 2,
        candidates: 2,
        stream: false,
    }
}

fn offer(model: &str, place: Place, context_tokens: Option<u64>) -> Offer {
    Offer {
        model: model.into(),
        place,
        destination: format!("{place:?}").into(),
        understands_everything: place == Place::Remote,
        context_tokens,
        answer_tokens_default: None,
    }
}

fn tools() -> Vec<Needed> {
    vec![Needed { need: Need::Tools, param: "tools".to_owned() }]
}

#[test]
fn a_prompt_and_its_answers_are_counted_at_their_worst_and_never_above_the_context() {
    let caller = caller();
    for (context, worst) in [(None, 300), (Some(120), 240)] {
        let offers = vec![offer("m", Place::Local, context)];
        let policy = Policy::new(Version::of("v"), RemotePolicy::Deny, offers);
        let Decision::Permitted(permitted) = decide(&facts(&caller, "m", Vec::new()), &policy) else {
            panic!("refused")
        };
        assert_eq!(permitted.tokens_worst(), worst);
        assert_eq!(permitted.judge().config, Version::of("v"));
    }
}

#[test]
fn a_need_that_one_destination_has_goes_there_and_no_further() {
    let caller = caller();
    let offers = vec![offer("m", Place::Local, None), offer("m", Place::Remote, None)];
    let mut policy = Policy::new(Version::of("v"), RemotePolicy::Open, offers);
    let Decision::Permitted(permitted) = decide(&facts(&caller, "m", tools()), &policy) else { panic!("refused") };
    assert_eq!(permitted.destinations().iter().map(|offer| offer.place).collect::<Vec<_>>(), [Place::Remote]);
    policy.remote = RemotePolicy::Deny;
    let Decision::Refused(refusal) = decide(&facts(&caller, "m", tools()), &policy) else { panic!("permitted") };
    assert!(matches!(refusal.why(), Why::Lacks(needed) if needed.param == "tools"));
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let place = prop_oneof![Just(Place::Local), Just(Place::Remote)];
    let offers = prop::collection::vec(("[abc]", place, prop::option::of(0..5000_u64)), 0..6);
    let remote = prop_oneof![Just(RemotePolicy::Deny), Just(RemotePolicy::Open)];
    (offers, remote).prop_map(|(offers, remote)| {
        let offers = offers.into_iter().map(|(model, place, context)| offer(&model, place, context)).collect();
        Policy::new(Version::of("v"), remote, offers)
    })
}

proptest! {
    #[test]
    fn what_is_permitted_is_what_policy_lists(policy in any_policy(), model in "[abcd]", needs in any::<bool>()) {
        let caller = caller();
        let facts = facts(&caller, &model, if needs { tools() } else { Vec::new() });
        let allowed = |offer: &Offer| {
            *offer.model == *model
                && (offer.place == Place::Local || policy.remote == RemotePolicy::Open)
                && (!needs || offer.understands_everything)
        };
        match decide(&facts, &policy) {
            Decision::Permitted(permitted) => {
                let expected: Vec<Offer> = policy.offers.iter().filter(|offer| allowed(offer)).cloned().collect();
                prop_assert!(!expected.is_empty());
                prop_assert_eq!(permitted.destinations(), expected.as_slice());
                let leaves = permitted.destinations().iter().any(|offer| offer.place == Place::Remote);
                prop_assert!(!leaves || policy.remote == RemotePolicy::Open);
            }
            Decision::Refused(refusal) => {
                prop_assert!(!policy.offers.iter().any(allowed));
                let known = policy.offers.iter().any(|offer| *offer.model == *model);
                prop_assert_eq!(refusal.known_model().is_some(), known);
            }
        }
    }
}
