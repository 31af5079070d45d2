//! Each strategy of a route, by what the providers heard: who was asked, how often, and who was not.

use std::collections::{BTreeMap, BTreeSet};

use e2e::harness::{Setup, TestGateway};
use e2e::wall::{Fault, Request, Turn};
use local_model::scripted::Script;

use crate::views::{asking, streaming};

/// Three places, `one`, `two` and `three`, and the floor, in this manner.
fn setup(manner: &str) -> Setup {
    let text = format!(
        "[policy]\nuse = \"open\"\n\
         [[destination]]\nname = \"a\"\nbase_url = \"{{national}}\"\nmodels = [\"one\"]\n\
         [[destination]]\nname = \"b\"\nbase_url = \"{{foreign}}\"\nmodels = [\"two\"]\n\
         [[destination]]\nname = \"c\"\nbase_url = \"{{foreign}}\"\nmodels = [\"three\"]\n\
         [[route]]\nmodel = \"chain\"\ndestinations = [\"a/one\", \"b/two\", \"c/three\", \"local\"]\n{manner}\n"
    );
    Setup::local(Script::new()).configured(&text, "")
}

async fn ask(gateway: &TestGateway, times: usize) {
    for _ in 0..times {
        let answer = gateway.client.chat(&asking("chain", "hello")).await;
        assert!(answer.claims_to_be_complete(), "{answer}");
    }
}

/// How often each model has been asked.
fn asked(gateway: &TestGateway) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for request in gateway.wall.heard().requests() {
        *times.entry(request.model()).or_insert(0) += 1;
    }
    times
}

fn times(gateway: &TestGateway, model: &str) -> usize {
    asked(gateway).get(model).copied().unwrap_or(0)
}

fn dies(gateway: &TestGateway, model: &str) {
    gateway.wall.turn(model, Turn::Says(500, "{}"));
}

#[tokio::test]
async fn weighted_asks_in_proportion_and_zero_only_in_need() {
    let gateway = setup("strategy = \"weighted\"\nweights = [3, 1, 0, 1]").start().await;
    ask(&gateway, 200).await;
    // 150 are expected, with a deviation of 6.2: five of them are one run in a million.
    let (one, two) = (times(&gateway, "one"), times(&gateway, "two"));
    assert!((119..=181).contains(&one) && one + two == 200, "{:?}", asked(&gateway));
    dies(&gateway, "one");
    dies(&gateway, "two");
    ask(&gateway, 5).await;
    assert!(times(&gateway, "three") > 0, "{:?}", asked(&gateway));
    gateway.end().await;
}

/// What is known of prices: `two` is cheaper than `one`, of `three` nothing is known, `mine` stands in the house.
const PRICES: &str = r#"
[source.test]
document = "made for a test"
date = 2026-11-22
[organisation.lab]
name = "Lab"
seat = { value = "US", source = "test" }
parent = { value = "none", source = "test" }
[provider.shop]
name = "Shop"
operator = { value = "lab", source = "test" }
[provider.shop.offer.one]
price = { value = { input = "3.00", output = "15.00", currency = "USD" }, source = "test" }
[provider.shop.offer.two]
price = { value = { input = "0.30", output = "1.50", currency = "USD" }, source = "test" }
[provider.shop.offer.three]
price = { value = "unknown", source = "test" }
"#;

#[tokio::test]
async fn cheapest_asks_by_price_and_what_has_none_last() {
    let text = "[policy]\nuse = \"open\"\nhome = \"KR\"\ncatalog = \"catalog\"\n\
        [[destination]]\nname = \"shop\"\nbase_url = \"{foreign}\"\nprovider = \"shop\"\nmodels = [\"one\", \"two\", \"three\"]\n\
        [[destination]]\nname = \"house\"\nbase_url = \"{national}\"\nprovider = \"own\"\nmodels = [\"mine\"]\n\
        [[route]]\nmodel = \"chain\"\ndestinations = [\"shop/three\", \"shop/one\", \"shop/two\", \"house/mine\"]\nstrategy = \"cheapest\"\n";
    let gateway = Setup::empty().configured(text, PRICES).start().await;
    // Each falls sick when it has been asked; the others have heard nothing yet.
    let mut heard: Vec<String> = Vec::new();
    for model in ["mine", "two", "one", "three"] {
        ask(&gateway, 4).await;
        heard.push(model.to_owned());
        let all: BTreeSet<String> = heard.iter().cloned().collect();
        assert_eq!(asked(&gateway).into_keys().collect::<BTreeSet<_>>(), all, "`{model}` is the next by price");
        assert!(times(&gateway, model) >= 4, "{:?}", asked(&gateway));
        dies(&gateway, model);
    }
    gateway.end().await;
}

#[tokio::test]
async fn fastest_asks_who_begins_soonest_and_notices_a_change() {
    let gateway = setup("strategy = \"fastest\"").start().await;
    let late = |model: &str, after| gateway.wall.turn(model, Turn::Fault(Fault::Late(after)));
    late("one", 300);
    late("two", 150);
    // Nothing is known yet: each is asked once, in the route's order. One request in 32 finds out how the others are.
    ask(&gateway, 40).await;
    assert!(times(&gateway, "one") >= 1 && times(&gateway, "two") >= 1, "{:?}", asked(&gateway));
    assert!(times(&gateway, "three") >= 28, "{:?}", asked(&gateway));
    let before = asked(&gateway);
    late("three", 1500);
    ask(&gateway, 12).await;
    let two = times(&gateway, "two") - before["two"];
    assert!(two >= 6, "`two` is the soonest now: {before:?}, then {:?}", asked(&gateway));
    gateway.end().await;
}

#[tokio::test]
async fn least_loaded_asks_who_has_the_fewest() {
    let gateway = setup("strategy = \"least-loaded\"").start().await;
    for model in ["one", "two", "three"] {
        gateway.wall.turn(model, Turn::Fault(Fault::HoldAfter(2)));
    }
    let mut open = Vec::new();
    for number in 1..=9 {
        open.push(gateway.client.open_chat(&streaming("chain", "hello")).await);
        let heard = gateway.wall.until(|heard| heard.requests().count() == number).await;
        let of = |model: &str| heard.requests().filter(|request| request.model() == model).count();
        let each = [of("one"), of("two"), of("three")];
        assert!(each.iter().max().unwrap() - each.iter().min().unwrap() <= 1, "after {number}: {each:?}");
    }
    // One place's callers leave: it is the next, three times.
    let (left, stay): (Vec<_>, Vec<_>) = open.into_iter().enumerate().partition(|(number, _)| number % 3 == 1);
    for (_, answer) in left {
        answer.hang_up();
    }
    gateway.wall.until(|heard| heard.open() == 6).await;
    until_in_flight(&gateway, 6.0).await;
    let mut more = Vec::new();
    for number in 10..=12 {
        more.push(gateway.client.open_chat(&streaming("chain", "hello")).await);
        gateway.wall.until(|heard| heard.requests().count() == number).await;
    }
    let each = asked(&gateway);
    assert_eq!((each["one"], each["two"], each["three"]), (3, 6, 3));
    gateway.wall.release();
    for answer in stay.into_iter().map(|(_, answer)| answer).chain(more) {
        assert!(answer.rest().await.claims_to_be_complete());
    }
    gateway.end().await;
}

/// Waits until so many requests are under way, as `/metrics` says.
async fn until_in_flight(gateway: &TestGateway, wanted: f64) {
    while (gateway.metric("gwanmun_in_flight ").await - wanted).abs() > f64::EPSILON {}
}

/// Who was asked by each conversation: by the number that its texts begin with.
fn by_conversation<'a>(requests: impl Iterator<Item = &'a Request>) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for request in requests {
        let json = request.json();
        let said = json["messages"][0]["content"].as_str().unwrap().split(':').next().unwrap().to_owned();
        all.entry(said).or_default().insert(request.model());
    }
    all
}

#[tokio::test]
async fn sticky_keeps_a_conversation_where_it_is() {
    const CONVERSATIONS: usize = 16;
    for named in [true, false] {
        let gateway = setup("strategy = \"sticky\"").start().await;
        let ask_all = async |round: usize| {
            for number in 0..CONVERSATIONS {
                // Named by its caller, it is the same whatever is said; else by how it begins.
                let begins = if named { format!("{number}: in round {round}") } else { format!("{number}: hello") };
                let mut request = asking("chain", &begins);
                let more = serde_json::json!({"role": "user", "content": format!("and now {round}?")});
                request["messages"].as_array_mut().unwrap().push(more);
                let caller = if named {
                    gateway.client.saying("x-gwanmun-conversation", &format!("c-{number}"))
                } else {
                    gateway.client.clone()
                };
                let answer = caller.chat(&request).await;
                assert!(answer.claims_to_be_complete(), "{answer}");
            }
        };
        for round in 0..3 {
            ask_all(round).await;
        }
        let before = by_conversation(gateway.wall.heard().requests());
        assert_eq!(before.len(), CONVERSATIONS);
        assert!(before.values().all(|models| models.len() == 1), "{before:?}");
        let used: BTreeSet<_> = before.values().flatten().collect();
        assert!(used.len() > 1, "all stick to one: {before:?}");

        // Those of a place that dies move; the others stay.
        let dead = before["0"].first().unwrap().clone();
        dies(&gateway, &dead);
        let heard = gateway.wall.heard().requests().count();
        ask_all(3).await;
        let after = by_conversation(gateway.wall.heard().requests());
        assert!(gateway.wall.heard().requests().count() >= heard + CONVERSATIONS);
        for (number, models) in &before {
            let moved = after[number].iter().any(|model| *model != dead);
            assert!(moved, "{number} has nobody to answer it: {after:?}");
            if !models.contains(&dead) {
                assert_eq!(&after[number], models, "{number} was well where it was");
            }
        }
        gateway.end().await;
    }
}

/// The floor keeps its place whatever the strategy: last here, and asked only when all others are sick.
#[tokio::test]
async fn the_floor_comes_last_in_every_strategy() {
    for manner in ["weighted\"\nweights = [1, 1, 1, 1000]", "cheapest\"", "fastest\"", "least-loaded\"", "sticky\""] {
        let gateway = setup(&format!("strategy = \"{manner}")).start().await;
        ask(&gateway, 6).await;
        assert_eq!(asked(&gateway).values().sum::<usize>(), 6, "{manner}");
        for model in ["one", "two", "three"] {
            dies(&gateway, model);
        }
        let answer = gateway.client.chat(&asking("chain", "hello")).await;
        assert_eq!(answer.header("x-gwanmun-degraded"), "local", "{manner}: {answer}");
        let log = gateway.end().await;
        let local = log.of("outcome").filter(|outcome| outcome["destination"] == "local").count();
        assert_eq!(local, 1, "{manner}: {log}");
    }
}
