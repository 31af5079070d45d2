//! What is in the text, where it may go, and why: what the caller is told, what each provider heard, what the log says
//! (promises 2, 4, 35, 36). The providers are the wall's, placed by a catalogue of the test's own: one in Korea, one abroad.

use e2e::harness::Setup;
use e2e::kills::{Chance, Plan};
use e2e::wall::Role;
use local_model::scripted::Script;
use serde_json::{Value, json};

use crate::views::{asking, streaming, with};

/// A resident registration number with a right check digit; nobody's, for the birth lies in the future of its numbering.
const RESIDENT: &str = "900101-1234568";

/// Two providers of which everything is known: one wholly in Korea, one wholly abroad with a basis for transfers.
const FACTS: &str = r#"
[source.test]
document = "made for a test"
date = 2026-11-21
[organisation.lab-kr]
name = "Lab"
seat = { value = "KR", source = "test" }
parent = { value = "none", source = "test" }
[organisation.lab-us]
name = "Lab abroad"
seat = { value = "US", source = "test" }
parent = { value = "none", source = "test" }
[licence.free]
name = "Free"
commercial_use = { value = "yes", source = "test" }
offer_to_third_parties = { value = "yes", source = "test" }
revocable = { value = false, source = "test" }
[model.wall]
name = "Wall"
developer = { value = "lab-kr", source = "test" }
built_on = { value = "none", source = "test" }
licence = { value = "free", source = "test" }
[provider.kr]
name = "In Korea"
operator = { value = "lab-kr", source = "test" }
cloud = { value = "own", source = "test" }
sub_processors = { value = [], source = "test" }
training_on_input = { value = "never", source = "test" }
[provider.kr.region.seoul]
processed_in = { value = ["KR"], source = "test" }
[provider.us]
name = "Abroad"
operator = { value = "lab-us", source = "test" }
cloud = { value = "own", source = "test" }
sub_processors = { value = [], source = "test" }
training_on_input = { value = "never", source = "test" }
transfer_basis = { value = ["consent"], source = "test" }
[provider.us.region.east]
processed_in = { value = ["US"], source = "test" }
"#;

/// A configuration with this policy; `models` at both providers, and routes that end at the floor.
fn configuration(policy: &str, models: &[&str]) -> String {
    let offered = |at: &str| {
        let models: Vec<String> = models
            .iter()
            .map(|model| format!("{{ name = \"{at}-{model}\", upstream = \"{model}\", card = \"wall\" }}"))
            .collect();
        models.join(", ")
    };
    let routes: String = models
        .iter()
        .map(|model| {
            format!(
                "[[route]]\nmodel = \"any-{model}\"\ndestinations = [\"foreign/foreign-{model}\", \"national/national-{model}\", \"local\"]\n"
            )
        })
        .collect();
    format!(
        "[policy]\nuse = \"{policy}\"\nhome = \"KR\"\ncatalog = \"catalog\"\n\
         [[destination]]\nname = \"national\"\nbase_url = \"{{national}}\"\nprovider = \"kr\"\nmodels = [{}]\n\
         [[destination]]\nname = \"foreign\"\nbase_url = \"{{foreign}}\"\nprovider = \"us\"\nmodels = [{}]\n{routes}",
        offered("national"),
        offered("foreign"),
    )
}

fn setup(policy: &str, models: &[&str]) -> Setup {
    Setup::local(Script::new()).configured(&configuration(policy, models), FACTS)
}

fn entry(answer: &e2e::client::Answer) -> u64 {
    answer.header("x-gwanmun-entry").parse().unwrap_or_else(|_| panic!("{answer}"))
}

/// The demonstration: a resident number for a foreign model is refused, with code, rule and entry number, before anything is
/// sent.
#[tokio::test]
async fn a_resident_number_does_not_leave_the_country() {
    let gateway = setup("kr-enterprise", &["echo"]).start().await;
    for words in [RESIDENT, "９００１０１－１２３４５６８", "주민번호는900101-1234568입니다"] {
        let answer = gateway.client.chat(&asking("foreign-echo", words)).await;
        assert_eq!(answer.status, 403, "{answer}");
        let error = &answer.json()["error"];
        assert_eq!(error["code"], "resident_number_outside", "{answer}");
        assert!(error["message"].as_str().unwrap().contains("rule `no-resident-number-outside`"), "{answer}");
        assert_eq!(answer.header("x-gwanmun-rule"), "no-resident-number-outside");
        assert!(!answer.text().contains("900101"), "{answer}");
    }
    let asked = gateway.client.chat(&asking("foreign-echo", RESIDENT)).await;
    let index = entry(&asked);
    assert_eq!(gateway.wall.heard().0.len(), 0, "something was contacted");
    let log = gateway.end().await;
    let refusal = &log.0[usize::try_from(index).unwrap()];
    assert_eq!((&refusal["kind"], &refusal["rule"]), (&json!("refusal"), &json!("no-resident-number-outside")));
    assert_eq!((&refusal["class"], &refusal["findings"]), (&json!("sensitive"), &json!({"kr.resident": 1})));
    assert_eq!(log.of("refusal").count(), 4);
}

/// Where the floor is the last of the route, it answers what may not go out; nothing is contacted.
#[tokio::test]
async fn the_floor_answers_what_may_not_leave() {
    let gateway = setup("kr-enterprise", &["echo"]).start().await;
    let answer = gateway.client.chat(&asking("any-echo", RESIDENT)).await;
    assert_eq!((answer.status, answer.header("x-gwanmun-destination")), (200, "local"), "{answer}");
    let calm = gateway.client.chat(&asking("any-echo", "hello")).await;
    assert_eq!(calm.header("x-gwanmun-destination"), "foreign/foreign-echo", "{calm}");
    let heard = gateway.wall.heard();
    assert_eq!(heard.requests().count(), 1, "{heard}");
    assert!(!heard.contains(b"900101"), "{heard}");
    let log = gateway.end().await;
    let decisions: Vec<&Value> = log.of("decision").map(|entry| &entry["destinations"]).collect();
    assert_eq!(decisions[0], &json!(["local"]));
    assert_eq!(decisions[1], &json!(["foreign/foreign-echo", "national/national-echo", "local"]));
}

/// What may leave only disguised is answered with the originals back in their places; the provider saw none of them.
#[tokio::test]
async fn what_goes_out_disguised_comes_back_restored() {
    let gateway = setup("kr-enterprise", &["echo"]).start().await;
    let words = "Write to kim.minsu@example.co.kr or call 010-1234-5678; card 4111 1111 1111 1111.";
    for request in [asking("foreign-echo", words), streaming("foreign-echo", words)] {
        let answer = gateway.client.chat(&request).await;
        assert_eq!(answer.status, 200, "{answer}");
        assert_eq!(answer.said(0), words, "{answer}");
        assert_eq!(answer.header("x-gwanmun-changed"), "pseudonymised", "{answer}");
        assert!(answer.claims_to_be_complete(), "{answer}");
    }
    let heard = gateway.wall.heard();
    for original in ["kim.minsu", "010-1234-5678", "4111 1111 1111 1111"] {
        assert!(!heard.contains(original.as_bytes()), "`{original}` was sent: {heard}");
    }
    assert!(heard.contains(b"Write to "), "{heard}");
    let log = gateway.end().await;
    let hidden: Vec<&Value> = log.of("outcome").map(|outcome| &outcome["hidden"]).collect();
    assert_eq!(hidden, [&json!(3), &json!(3)]);
    let rules: Vec<&Value> = log.of("decision").map(|decision| &decision["rules"]).collect();
    assert_eq!(rules[0], &json!(["sensitive-abroad-disguised"]));
}

/// Under a policy that disguises it, the resident number itself is answered with, restored, whole and streamed, in text and
/// in a tool's arguments; what the provider heard has its shape and is nobody's.
#[tokio::test]
async fn a_resident_number_is_answered_under_a_pseudonym() {
    let place = e2e::place::Place::new();
    let rule =
        "@id(\"disguised\")\n@edit(\"pseudonymise\")\npermit (principal, action == Action::\"infer\", resource);\n";
    place.write("ours.cedar", rule);
    let text = configuration("ours.cedar", &["echo"]);
    let gateway = Setup::local(Script::new()).configured(&text, FACTS).at(place).start().await;
    let words = format!("제 번호는 {RESIDENT}입니다");
    for request in [asking("foreign-echo", &words), streaming("foreign-echo", &words)] {
        let called = json!([{"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function",
                             "function": {"name": "look_up", "arguments": format!("{{\"rrn\":\"{RESIDENT}\"}}")}}]},
                            {"role": "tool", "tool_call_id": "c1", "content": "found"},
                            {"role": "user", "content": words}]);
        let answer = gateway.client.chat(&with(request, &json!({"messages": called}))).await;
        assert_eq!((answer.status, answer.said(0)), (200, words.clone()), "{answer}");
    }
    let heard = gateway.wall.heard();
    assert!(!heard.contains(RESIDENT.as_bytes()) && !heard.contains(b"900101"), "{heard}");
    let sent: Vec<Value> = heard.requests().map(e2e::wall::Request::json).collect();
    let said = sent[0]["messages"][2]["content"].as_str().unwrap();
    let number = said.trim_start_matches("제 번호는 ").trim_end_matches("입니다");
    let shape: String = number.chars().map(|digit| if digit.is_ascii_digit() { '0' } else { digit }).collect();
    assert_eq!(shape, "000000-0000000", "{said}");
    let arguments = sent[0]["messages"][0]["tool_calls"][0]["function"]["arguments"].as_str().unwrap();
    assert_eq!(arguments, format!("{{\"rrn\":\"{number}\"}}"), "one original has one pseudonym");
    let other = sent[1]["messages"][2]["content"].as_str().unwrap();
    assert_ne!(said, other, "each request has its own");
    gateway.end().await;
}

/// A caller raises the class of a request, never lowers it; a conversation keeps the highest that it has had.
#[tokio::test]
async fn a_caller_can_raise_the_class_and_not_lower_it() {
    let gateway = setup("kr-enterprise", &["echo"]).start().await;
    let client = &gateway.client;
    let status = async |client: &e2e::client::Client| {
        let answer = client.chat(&asking("foreign-echo", "hello")).await;
        (answer.status, answer.header("x-gwanmun-class").to_owned())
    };
    assert_eq!(status(client).await, (200, "sensitive".to_owned()), "nobody has registered anything");
    assert_eq!(status(&client.saying("x-gwanmun-class", "open")).await, (200, "sensitive".to_owned()));
    assert_eq!(status(&client.saying("x-gwanmun-class", "classified")).await, (403, "classified".to_owned()));
    let talk = client.saying("x-gwanmun-conversation", "c-1");
    assert_eq!(status(&talk).await, (200, "sensitive".to_owned()));
    assert_eq!(status(&talk.saying("x-gwanmun-class", "classified")).await, (403, "classified".to_owned()));
    assert_eq!(status(&talk).await, (403, "classified".to_owned()), "it stays as high as it was");
    assert_eq!(status(&client.saying("x-gwanmun-conversation", "c-2")).await, (200, "sensitive".to_owned()));
    let wrong = client.saying("x-gwanmun-class", "secret").chat(&asking("foreign-echo", "hello")).await;
    assert_eq!((wrong.status, &wrong.json()["error"]["param"]), (400, &json!("x-gwanmun-class")));
    gateway.end().await;
}

/// What is not read counts as sensitive at least, and cannot be disguised: it does not go where it would have to be.
#[tokio::test]
async fn a_picture_goes_nowhere_that_only_the_disguised_may_go() {
    let gateway = setup("kr-enterprise", &["echo", "wall-small"]).start().await;
    let picture = json!([{"type": "text", "text": "what is this?"},
                         {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]);
    let request = |model: &str| with(asking(model, ""), &json!({"messages": [{"role": "user", "content": picture}]}));
    let abroad = gateway.client.chat(&request("foreign-echo")).await;
    assert_eq!((abroad.status, &abroad.json()["error"]["code"]), (403, &json!("cannot_hide")), "{abroad}");
    let at_home = gateway.client.chat(&request("national-wall-small")).await;
    assert_eq!(at_home.status, 200, "{at_home}");
    assert_eq!(gateway.wall.heard().of(Role::Foreign).count(), 0);
    gateway.end().await;
}

/// Promise 2, end to end: every permitted provider is killed at a random byte of a stream, a thousand times; not one
/// connection is made to where the policy does not permit it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_broken_streams_never_leave_the_country() {
    const STREAMS: usize = 1000;
    const AT_ONCE: usize = 50;
    /// As many models as a destination may list.
    const LISTED: usize = 128;
    let mut chance = Chance::new(Plan::from_environment().seed);
    // As many random ways to break as a destination may list models.
    let faults: Vec<String> = (0..STREAMS)
        .map(|number| format!("fault-{}-{}", ["cut-at", "cut-close-at", "rst-at"][number % 3], chance.below(900)))
        .collect::<std::collections::BTreeSet<String>>()
        .into_iter()
        .take(LISTED)
        .collect();
    let models: Vec<&str> = faults.iter().map(String::as_str).collect();
    // The route goes abroad first, for which there is no basis: the national one is all that is left, and it breaks.
    let facts = FACTS.replace("transfer_basis = { value = [\"consent\"], source = \"test\" }\n", "");
    let text = configuration("kr-enterprise", &models).replace(", \"local\"]", "]");
    let gateway = Setup::empty().configured(&text, &facts).start().await;
    let (mut asked, mut broken) = (0, 0);
    while asked < STREAMS {
        let mut callers = tokio::task::JoinSet::new();
        for model in models.iter().cycle().skip(asked).take(AT_ONCE) {
            let (client, request) = (gateway.client.clone(), streaming(&format!("any-{model}"), "hello"));
            callers.spawn(async move { client.chat(&request).await });
        }
        asked += AT_ONCE;
        broken += callers.join_all().await.iter().filter(|answer| !answer.claims_to_be_complete()).count();
    }
    let heard = gateway.wall.heard();
    assert_eq!(heard.of(Role::Foreign).count(), 0, "a connection was made where policy forbids it");
    let sent = heard.requests().count();
    // A place that broke three times in a row rests, and then nobody is asked; one that only stumbled is asked once more.
    assert!(
        sent >= 3 * models.len() && sent <= STREAMS * 12 / 10 + 200,
        "{sent} were sent to the one place that is permitted"
    );
    assert!(broken > STREAMS / 2, "{broken} of {STREAMS} streams broke");
    let log = gateway.end().await;
    let national = |entry: &&Value| {
        entry["destinations"]
            .as_array()
            .is_some_and(|places| places.iter().all(|place| place.as_str().unwrap().starts_with("national/")))
    };
    let decided = log.of("decision").filter(national).count();
    let resting = |entry: &&Value| entry["reason"] == "outage" && entry["destinations"].is_null();
    assert_eq!(decided + log.of("refusal").filter(resting).count(), STREAMS);
}
