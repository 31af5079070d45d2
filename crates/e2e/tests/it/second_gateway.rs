//! A real server as a provider: the built command with the real model asks a second one, with a key of its own. Both logs are read, so
//! that what the first says it sent is held against what the second says it was asked.
#![expect(clippy::disallowed_methods, reason = "a test's own configuration, and waits for what other processes do")]

use std::time::{Duration, Instant};

use e2e::client::{Answer, Client};
use e2e::command::Server;
use e2e::entries::Entries;
use serde_json::{Value, json};

use crate::views::{asking, streaming, with};

/// Where the first reads the second's key.
const SECRET: &str = "GWANMUN_SECOND_KEY";
/// What is asked; the model has a long answer to it.
const QUESTION: &str = "Tell me a long story about a river and the people who live beside it.";
/// What becomes known at the other process must be known within that time.
const SOON: Duration = Duration::from_secs(20);

/// Two gateways. The first asks the second, then its own local floor.
struct Both {
    first: Server,
    second: Server,
    /// What the second calls the first's key.
    id: String,
    folder: tempfile::TempDir,
    secret: String,
}

impl Both {
    /// Nothing where command or model are not prepared.
    async fn new() -> Option<Self> {
        let second = Server::start(&[]).await?;
        let made = run(&second, &["key", "create", "--name", "a-gate", "--json"]).await;
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        let (secret, id) = (made["key"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned());
        let caller = second.client().with_key(&secret);
        let since = Instant::now();
        while caller.get("/v1/models").await.status != 200 {
            assert!(since.elapsed() < SOON, "the second does not take the key that it made");
        }
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("gwanmun.toml");
        let text = format!(
            "[policy]\nuse = \"open\"\nhome = \"KR\"\n\n[[destination]]\nname = \"second\"\nbase_url = \"{}/v1\"\n\
             models = [{{ name = \"large\", upstream = \"{}\" }}]\nkey = \"env:{SECRET}\"\n\n\
             [[route]]\nmodel = \"assistant\"\ndestinations = [\"second/large\", \"local\"]\n",
            second.url(),
            second.model
        );
        std::fs::write(&config, text).unwrap();
        let first = Server::start_with(&["--config", config.to_str().unwrap()], &[(SECRET, &secret)]).await?;
        Some(Self { first, second, id, folder, secret })
    }

    /// Asks the first; who answered.
    async fn asked(&self) -> (Answer, String) {
        let answer = self.first.client().chat(&with(asking("assistant", "Say hello."), &short())).await;
        let by = answer.header("x-gwanmun-destination").to_owned();
        (answer, by)
    }

    /// Asks until the second answers.
    async fn until_the_second_answers(&self) {
        let since = Instant::now();
        while self.asked().await.1 != "second/large" {
            assert!(since.elapsed() < SOON, "the second is there again, and is not asked");
        }
    }

    /// The first's key is what these entries of the second are about.
    fn is_own(&self, entry: &Value) -> bool {
        entry["key"] == *self.id
    }
}

async fn run(server: &Server, words: &[&str]) -> std::process::Output {
    let data = server.data_dir();
    let output = server.command(words).args(["--data-dir", &data]).output().await.unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn withdrawals(log: &Entries) -> Vec<Value> {
    log.of("administration").filter(|entry| entry["action"] == "withdrawal.begin").cloned().collect()
}

fn short() -> Value {
    json!({"temperature": 0, "max_tokens": 3})
}

fn long() -> Value {
    json!({"temperature": 0, "max_tokens": 96})
}

/// The chunk that says how many tokens there were.
fn usage(answer: &Answer) -> Value {
    let events = answer.events().into_iter().filter_map(|event| serde_json::from_str::<Value>(&event).ok());
    events.map(|event| event["usage"].clone()).find(|usage| !usage.is_null()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_answers_and_counts_come_through_until_it_revokes_the_key() {
    let Some(both) = Both::new().await else { return };
    let (here, there) = (both.first.client(), both.second.client());
    let models = here.get("/v1/models").await.json();
    let models: Vec<_> = models["data"].as_array().unwrap().iter().map(|model| model["id"].clone()).collect();
    assert!(models.contains(&json!("assistant")), "{models:?}");
    let more = json!({"temperature": 0, "max_tokens": 24});
    // The truth: what the second says to somebody who asks it himself.
    let truth = there.chat(&with(asking(&both.second.model, "What is the capital of France?"), &more)).await;
    assert!(truth.claims_to_be_complete() && !truth.said(0).is_empty(), "{truth}");

    let whole = here.chat(&with(asking("assistant", "What is the capital of France?"), &more)).await;
    assert!(whole.claims_to_be_complete(), "{whole}");
    assert_eq!(whole.header("x-gwanmun-destination"), "second/large", "{whole}");
    assert_eq!((whole.said(0), &whole.json()["usage"]), (truth.said(0), &truth.json()["usage"]), "{whole}");
    let streamed = with(streaming("assistant", "What is the capital of France?"), &more);
    let streamed = here.chat(&with(streamed, &json!({"stream_options": {"include_usage": true}}))).await;
    assert!(streamed.claims_to_be_complete(), "{streamed}");
    assert!(streamed.events().len() > 3, "it came in pieces: {streamed}");
    assert_eq!((streamed.said(0), usage(&streamed)), (truth.said(0), truth.json()["usage"].clone()), "{streamed}");

    // What the second refuses of a request is told in its words, and nobody else is asked.
    let picture = json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]);
    let wrong = json!({"model": "assistant", "messages": [{"role": "user", "content": picture}]});
    let (wrong, its_own) =
        (here.chat(&wrong).await, there.chat(&with(wrong, &json!({"model": both.second.model}))).await);
    assert!((400..500).contains(&wrong.status), "{wrong}");
    let (told, wanted) = (wrong.json()["error"]["message"].to_string(), its_own.json()["error"]["message"].clone());
    assert!(told.contains("`second`") && told.contains(wanted.as_str().unwrap()), "{wrong}{its_own}");

    let (mine, theirs) = (both.first.log(), both.second.log());
    let tokens = |log: &Entries, is_own: &dyn Fn(&&Value) -> bool| -> Vec<(Value, Value)> {
        let decisions: Vec<_> = log.of("decision").filter(is_own).map(|entry| entry["seq"].clone()).collect();
        let ended = log.of("outcome").filter(|it| decisions.contains(&it["decision"]) && it["ending"] == "answered");
        ended.map(|it| (it["prompt_tokens"].clone(), it["completion_tokens"].clone())).collect()
    };
    let counted = tokens(&mine, &|_| true);
    assert_eq!(counted.len(), 2, "{mine}");
    assert_eq!(counted, tokens(&theirs, &|entry| both.is_own(entry)), "both logs say the same tokens: {mine}{theirs}");
    until_the_key_is_revoked(&both).await;
    both.first.end().await;
    both.second.end().await;
}

/// A key that the second does not take any more: three refusals in a row are a withdrawal; who waits for it gets the local floor.
async fn until_the_key_is_revoked(both: &Both) {
    run(&both.second, &["key", "revoke", "a-gate"]).await;
    let caller = both.second.client().with_key(&both.secret);
    let since = Instant::now();
    while caller.get("/v1/models").await.status != 401 {
        assert!(since.elapsed() < SOON, "the second still takes the key");
    }
    let refused = async || {
        let text = both.second.client().get("/metrics").await.text();
        let lines = text.lines().filter(|line| line.contains("chat_completions") && line.contains("status=\"401\""));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>()
    };
    for number in 1..=10 {
        let (answer, by) = both.asked().await;
        assert!(answer.claims_to_be_complete() && by == "local", "{number}: {answer}");
    }
    assert!((refused().await - 3.0).abs() < f64::EPSILON, "it was asked {} times", refused().await);

    let since = Instant::now();
    while withdrawals(&both.first.log()).is_empty() {
        assert!(since.elapsed() < SOON, "{}", both.first.log());
    }
    let begun = withdrawals(&both.first.log());
    assert_eq!((begun.len(), &begun[0]["subject"]), (1, &json!("destination:second")), "{begun:?}");
    assert_eq!(begun[0]["detail"]["cause"], "credentials", "{begun:?}");

    // Who looks for the reason is told it, without anybody's data having been sent.
    let (config, data) = (both.folder.path().join("gwanmun.toml"), both.first.data_dir());
    let mut check = both.first.command(&["check", "--reach", "--data-dir", &data, "--config"]);
    let checked = check.arg(config).env(SECRET, &both.secret).output().await.unwrap();
    let told = String::from_utf8_lossy(&[checked.stdout, checked.stderr].concat()).into_owned();
    assert!(!checked.status.success() && told.contains("second") && told.contains("key"), "{told}");
}

/// Its answers break off, it cannot be reached, it comes back: an outage, which heals by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_killed_in_the_middle_of_an_answer() {
    let Some(mut both) = Both::new().await else { return };
    let whole = both.first.client().chat(&with(asking("assistant", QUESTION), &long())).await.said(0);
    let plain = both.first.client();
    let joined = plain.saying("x-gwanmun-continuity", "splice");

    let broken = cut(&mut both, &plain).await;
    let error: Value = serde_json::from_str(broken.events().last().unwrap()).unwrap();
    assert_eq!(error["error"]["code"], "answer_interrupted", "{broken}");
    assert_eq!(error["gwanmun"]["given_characters"], broken.said(0).chars().count(), "{broken}");
    assert!(whole.starts_with(&broken.said(0)) && !broken.claims_to_be_complete(), "{broken}");

    // Dead, its place is taken by the local floor, which says so.
    for _ in 0..5 {
        let (answer, by) = both.asked().await;
        assert!(answer.claims_to_be_complete(), "{answer}");
        assert_eq!((by.as_str(), answer.header("x-gwanmun-degraded")), ("local", "local"), "{answer}");
    }
    both.second.start_again().await;
    both.until_the_second_answers().await;

    let went_on = cut(&mut both, &joined).await;
    assert!(went_on.claims_to_be_complete(), "{went_on}");
    let about = went_on.events().into_iter().filter_map(|event| serde_json::from_str::<Value>(&event).ok());
    let about = about.map(|event| event["gwanmun"].clone()).find(|it| !it.is_null()).unwrap();
    assert_eq!(about["destinations"], json!(["second/large", "local"]), "{went_on}");
    let seam = usize::try_from(about["seam_at"].as_u64().unwrap()).unwrap();
    let before: String = went_on.said(0).chars().take(seam).collect();
    assert!(seam > 0 && whole.starts_with(&before), "{went_on}");
    assert!(went_on.said(0).chars().count() > seam, "the floor has said nothing: {went_on}");

    let log = both.first.log();
    let seams: Vec<_> = log.of("outcome").filter(|it| !it["seam_at"].is_null()).collect();
    assert_eq!((seams.len(), &seams[0]["seam_at"], &seams[0]["destination"]), (1, &json!(seam), &json!("local")));
    assert_eq!(log.of("outcome").filter(|it| it["ending"] == "failed").count(), 1, "{log}");
    assert_eq!(withdrawals(&log), Vec::<Value>::new(), "an outage is no withdrawal");
    both.first.end().await;
}

/// Has a long answer streamed by the second, and kills that when some of it has come; what the caller got.
async fn cut(both: &mut Both, caller: &Client) -> Answer {
    let mut answer = caller.open_chat(&with(streaming("assistant", QUESTION), &long())).await;
    for _ in 0..6 {
        answer.next_event().await.unwrap();
    }
    both.second.kill().await;
    answer.rest().await
}
