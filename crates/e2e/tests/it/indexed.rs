//! The request index beside a running gateway: what it says of each request is what the log says, soon after; and made again from the
//! log it holds the same.

use std::path::Path;

use e2e::command::{Site, end};
use e2e::harness::{Setup, until_indexed};
use e2e::wall::{Role, Wall};
use local_model::scripted::Script;
use request_index::{
    Administered, AdministrationFilter, Axes, Filter, Index, NameKind, Page, Percentiles, Request, State, Totals,
};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::views::{asking, streaming};

const ALL: Page = Page { before: None, rows: 200 };
const ALWAYS: std::ops::Range<u64> = 0..u64::MAX;

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_in_the_index_soon_after_as_the_log_tells_them() {
    let models = "[\"wall-small\", \"fault-502\"]";
    let configuration = format!(
        "[policy]\nuse = \"open\"\nhome = \"KR\"\n\
         [[destination]]\nname = \"national\"\nbase_url = \"{{national}}\"\nmodels = {models}\nprovider = \"own\"\n\
         [[destination]]\nname = \"foreign\"\nbase_url = \"{{foreign}}\"\nmodels = {models}\n\
         [[route]]\nmodel = \"chain\"\ndestinations = [\"foreign/fault-502\", \"national/wall-small\", \"local\"]\n"
    );
    let gateway = Setup::local(Script::new()).configured(&configuration, "").start().await;
    let index = Index::open(&gateway.index_requests()).await.expect("an index");
    for request in [asking("chain", "my mail is kim@example.com"), streaming("chain", "hello")] {
        assert!(gateway.client.chat(&request).await.claims_to_be_complete());
    }
    assert_eq!(gateway.client.chat(&asking("fault-502", "hello")).await.status, 502);
    assert_eq!(gateway.client.chat(&asking("nothing", "hello")).await.status, 404);
    until_indexed(&index, gateway.signed().await).await;
    let found = index.search(&Filter::default(), ALL).await.expect("an index").requests;
    let (mut answered, mut failed) = (Vec::new(), Vec::new());
    for request in &found {
        match request.state {
            State::Answered => answered.push(request),
            State::Failed => failed.push(request),
            State::Open | State::Refused | State::Cancelled | State::Abandoned | State::Lost => {}
        }
    }
    assert_eq!((answered.len(), failed.len()), (2, 1), "{found:#?}");
    for request in &answered {
        let served = request.served.as_ref().expect("somebody answered");
        assert_eq!((served.label.as_str(), request.degraded, request.attempts), ("national/wall-small", true, 2));
        // Who licenses the model, nobody has said.
        let home = Axes { processed_in: vec!["KR".to_owned()], controlled_by: vec!["KR".to_owned(), "?".to_owned()] };
        assert_eq!(served.axes, home, "a machine of one's own lies at home");
        let (_, attempts) = index.request(&request.request).await.expect("an index").expect("it was found");
        let tried: Vec<(u32, &str)> = attempts.iter().map(|it| (it.number, it.destination.as_str())).collect();
        assert_eq!(tried, [(2, "national/wall-small")]);
        assert_eq!((request.team.as_str(), request.model.as_deref()), ("testers", Some("chain")));
    }
    assert!(answered.iter().any(|request| request.stream) && answered.iter().any(|request| !request.stream));
    let mail = Filter { finding: Some("email".to_owned()), ..Filter::default() };
    assert_eq!(index.search(&mail, ALL).await.expect("an index").requests.len(), 1);
    let totals = index.totals(ALWAYS).await.expect("an index");
    assert_eq!((totals.answered, totals.degraded, totals.failed, totals.open), (2, 2, 1, 0));
    let key = &index.last_used().await.expect("an index")[0];
    assert_eq!(key.requests, found.len() as u64);
    assert!(gateway.metric("gwanmun_request_index_failures_total").await.abs() < f64::EPSILON);
    index.close().await;
    let file = std::fs::read(gateway.place().request_index()).expect("the index");
    assert!(!String::from_utf8_lossy(&file).contains("kim@example.com"), "no text is in it");
    let log = gateway.end().await;
    let decided = log.of("decision").count() + log.of("refusal").count();
    assert_eq!(found.len(), decided);
    for outcome in log.of("outcome") {
        let request = found.iter().find(|it| json!(it.entry) == outcome["decision"]).expect("each is in the index");
        assert_eq!(json!(request.request), outcome["request"]);
        assert_eq!(json!(request.duration), outcome["duration_us"]);
        assert_eq!(json!(request.first_byte), outcome.get("first_byte_us").cloned().unwrap_or(Value::Null));
        assert_eq!(json!(request.completion_tokens), outcome.get("completion_tokens").cloned().unwrap_or(Value::Null));
    }
}

/// All that an index holds of the first entries.
#[derive(Debug, PartialEq)]
struct Held {
    requests: Vec<Request>,
    attempts: usize,
    administration: Vec<Administered>,
    totals: Totals,
    took: Option<Percentiles>,
    names: Vec<request_index::Name>,
}

async fn held(index: &Index, entries: u64) -> Held {
    let requests = index.search(&Filter::default(), ALL).await.expect("an index").requests;
    let mut attempts = 0;
    for request in &requests {
        attempts += index.request(&request.request).await.expect("an index").expect("it was found").1.len();
    }
    let mut administration = index.administration(&AdministrationFilter::default(), ALL).await.expect("an index");
    administration.retain(|it| it.entry < entries);
    let totals = index.totals(ALWAYS).await.expect("an index");
    let took = index.took(ALWAYS).await.expect("an index");
    let mut names = Vec::new();
    for kind in [NameKind::Key, NameKind::Team, NameKind::Model, NameKind::Destination, NameKind::Finding] {
        names.append(&mut index.names(kind, 100).await.expect("an index"));
    }
    Held { requests, attempts, administration, totals, took, names }
}

async fn run(site: &Site, words: &[&str]) -> std::process::Output {
    let binary = site.command_line().into_iter().next().expect("a command has a name");
    let mut command = Command::new(binary);
    command.args(words).arg("--data-dir").arg(site.folder().join("data")).kill_on_drop(true);
    command.output().await.expect("the command runs")
}

fn signed(log: &Path) -> u64 {
    audit_log::Reader::open(log).and_then(|log| log.checkpoint()).expect("a log").checkpoint.size
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_made_again_holds_the_same() {
    let wall = Wall::start().await;
    let (foreign, national) = (wall.base_url(Role::Foreign), wall.base_url(Role::National));
    let configuration = format!(
        "[policy]\nuse = \"open\"\nhome = \"KR\"\n\n[[destination]]\nname = \"foreign\"\nbase_url = \"{foreign}\"\nmodels = [\"fault-502\"]\n\n\
         [[destination]]\nname = \"national\"\nbase_url = \"{national}\"\nmodels = [\"wall-small\"]\n\n\
         [[route]]\nmodel = \"chain\"\ndestinations = [\"foreign/fault-502\", \"national/wall-small\"]\n"
    );
    let Some(site) = Site::new(&configuration).await else { return };
    let mut server = site.serve().spawn().expect("the command starts");
    site.until_open(&mut server).await;
    for (request, status) in
        [(asking("chain", "hello"), 200), (asking("fault-502", "hello"), 502), (asking("chain", "a@example.com"), 200)]
    {
        assert_eq!(site.client().chat(&request).await.status, status);
    }
    let path = site.folder().join("data").join("requests.sqlite");
    let index = Index::open(&path).await.expect("an index");
    // Of three requests: three decisions and three outcomes at least, all of them signed.
    let entries = loop {
        let entries = signed(&site.log());
        until_indexed(&index, entries).await;
        let totals = index.totals(ALWAYS).await.expect("an index");
        if totals.answered + totals.failed == 3 {
            break entries;
        }
    };
    let followed = held(&index, entries).await;
    assert_eq!((followed.requests.len(), followed.attempts), (3, 2), "{followed:#?}");
    index.close().await;
    let config = site.folder().join("gwanmun.toml").display().to_string();
    let refused = run(&site, &["index", "rebuild", "--config", &config]).await;
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{told}");
    assert!(told.contains("writes to this index") && told.contains("end the server first"), "{told}");
    end(&mut server).await;

    let before = std::fs::metadata(&path).expect("the index");
    let made = run(&site, &["index", "rebuild", "--config", &config, "--json"]).await;
    let told: Value = serde_json::from_slice(&made.stdout).expect("what was made");
    assert_eq!((&told["requests"], told["indexed"] == told["signed"]), (&json!(3), true), "{told}");
    let after = std::fs::metadata(&path).expect("the index");
    assert_ne!(std::os::unix::fs::MetadataExt::ino(&before), std::os::unix::fs::MetadataExt::ino(&after));
    let index = Index::open(&path).await.expect("an index");
    assert_eq!(held(&index, entries).await, followed);
    index.close().await;
    let shown = run(&site, &["index", "show"]).await;
    assert_eq!(shown.status.code(), Some(0), "{}", String::from_utf8_lossy(&shown.stdout));
}
