//! Keys from an operator's terminal, beside a running server: one that is replaced is refused within a second, the new one is what it
//! was, and the log says who did it. Neither stands anywhere on the disk.

#![expect(clippy::disallowed_methods, reason = "what is promised within a second is held against the clock")]

use std::path::Path;
use std::time::{Duration, Instant};

use e2e::client::Client;
use e2e::command::{Site, end};
use e2e::entries::Entries;
use e2e::wall::{Role, Wall};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::secrets::forms;
use crate::views::asking;

/// A change is looked for every half second; on a machine that does ten other things at once, a moment more.
const SOON: Duration = Duration::from_secs(2);
/// What is never said must not hang the test.
const PATIENCE: Duration = Duration::from_secs(30);

/// `gwanmun key …` on the site's data directory: its exit code, what it says and what it complains of.
async fn key(site: &Site, words: &[&str]) -> (Option<i32>, String, String) {
    let binary = site.command_line().into_iter().next().expect("a command has a name");
    let mut command = Command::new(binary);
    command.arg("key").args(words).arg("--data-dir").arg(site.folder().join("data")).env("NO_COLOR", "1");
    let output = command.output().await.expect("the command runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The key that a command made: its text, and what is listed of it.
async fn made(site: &Site, words: &[&str]) -> (String, Value) {
    let (code, said, complained) = key(site, words).await;
    assert_eq!(code, Some(0), "{words:?}: {complained}");
    let mut listed: Value = serde_json::from_str(&said).expect("JSON");
    let text = listed.as_object_mut().and_then(|fields| fields.remove("key")).expect("it is shown");
    (text.as_str().expect("text").to_owned(), listed)
}

/// Asks until the answer's status is `wanted`; how long it took.
async fn until(client: &Client, wanted: u16) -> Duration {
    let since = Instant::now();
    loop {
        let status = client.get("/v1/models").await.status;
        if status == wanted {
            return since.elapsed();
        }
        assert!(since.elapsed() < PATIENCE, "{status} and never {wanted}");
    }
}

/// All that lies under a folder, by name.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for file in std::fs::read_dir(folder).expect("a folder of our own") {
        let path = file.expect("a folder can be read").path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push((path.display().to_string(), std::fs::read(&path).expect("a file of our own")));
        }
    }
    all
}

/// What the log says was done with keys: the action, the key's id, the detail that names the other one.
fn changes(log: &Entries) -> Vec<(String, String, String)> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told =
        log.of("administration").filter(|entry| entry["action"].as_str().is_some_and(|it| it.starts_with("key.")));
    told.map(|entry| {
        let detail = &entry["detail"];
        let other = if detail["replaces"].is_null() { &detail["replaced_by"] } else { &detail["replaces"] };
        (word(&entry["action"]), word(&entry["subject"]), word(other))
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_replaced_is_refused_within_a_second_and_the_new_one_is_what_it_was() {
    let wall = Wall::start().await;
    let Some(site) = Site::new(&wall.configuration(Role::National, &["echo"])).await else { return };
    let mut server = site.serve().spawn().expect("the command starts");
    site.until_open(&mut server).await;
    let words = ["create", "--name", "billing", "--team", "payments", "--class", "sensitive", "--continuity", "splice"];
    let (old, was) = made(&site, &[&words[..], &["--json"]].concat()).await;
    let (with_old, ask) = (site.client().with_key(&old), asking("echo", "hello"));
    until(&with_old, 200).await;
    assert_eq!(with_old.chat(&ask).await.status, 200);

    let (new, is) = made(&site, &["rotate", "billing", "--json"]).await;
    let refused = until(&with_old, 401).await;
    assert!(refused < SOON, "the old key was taken for {refused:?} more");
    let with_new = site.client().with_key(&new);
    until(&with_new, 200).await;
    assert!(with_new.chat(&ask).await.claims_to_be_complete());
    assert_eq!(with_old.chat(&ask).await.status, 401, "and it is not taken again");
    assert!(new.starts_with("sk-gwm-") && new != old && is["id"] != was["id"], "{is}");
    for kept in ["name", "team", "class", "continuity"] {
        assert_eq!(is[kept], was[kept], "{kept}");
    }
    let expected = json!(["billing", "payments", "sensitive", "splice"]);
    assert_eq!(json!([is["name"], is["team"], is["class"], is["continuity"]]), expected);

    let (_, listed, _) = key(&site, &["list", "--json"]).await;
    let keys: Vec<Value> = serde_json::from_str(&listed).expect("a list");
    let of = |id: &Value| keys.iter().find(|key| key["id"] == *id).expect("it is listed");
    assert!(of(&was["id"])["revoked_at"].is_string() && of(&is["id"])["revoked_at"].is_null(), "{listed}");
    // What is no key in force is not replaced, and nothing is made in its place.
    for wrong in ["nobody", was["id"].as_str().expect("an id")] {
        let (code, said, complained) = key(&site, &["rotate", wrong]).await;
        assert_eq!((code, said.as_str()), (Some(2), ""), "{complained}");
        assert!(complained.contains(&format!("`{wrong}`")) && complained.contains("gwanmun key list"), "{complained}");
    }

    // Neither a restart nor what lies on the disk gives the old one back, nor shows either of them.
    end(&mut server).await;
    let mut server = site.serve().spawn().expect("the command starts");
    site.until_open(&mut server).await;
    assert_eq!((with_old.chat(&ask).await.status, with_new.chat(&ask).await.status), (401, 200));
    let metrics = with_new.get("/metrics").await.text();
    end(&mut server).await;
    let mut shown = files(site.folder());
    assert!(shown.len() > 5, "a data directory has files");
    shown.extend([("metrics".to_owned(), metrics.into_bytes()), ("list".to_owned(), listed.into_bytes())]);
    for form in forms(&old).into_iter().chain(forms(&new)) {
        let holds = |bytes: &[u8]| bytes.windows(form.len()).any(|window| window == form.as_bytes());
        let names: Vec<&String> = shown.iter().filter(|(_, bytes)| holds(bytes)).map(|(name, _)| name).collect();
        assert!(names.is_empty(), "{names:?} show a key as {form}");
    }

    let log = Entries::read(&site.log());
    assert_eq!(log.faults(), Vec::<String>::new());
    let (was, is) = (was["id"].as_str().expect("an id").to_owned(), is["id"].as_str().expect("an id").to_owned());
    let word = str::to_owned;
    let told = changes(&log);
    let of_these: Vec<_> = told.into_iter().filter(|(_, key, _)| [&was, &is].contains(&key)).collect();
    let expected = [
        (word("key.create"), was.clone(), String::new()),
        (word("key.revoke"), was.clone(), is.clone()),
        (word("key.create"), is.clone(), was.clone()),
    ];
    assert_eq!(of_these, expected);
    let by = |entry: &&Value| entry["subject"] == *is && entry["by"].as_str().is_some_and(|by| by.starts_with("uid "));
    assert_eq!(log.of("administration").filter(by).count(), 1, "{log}");
    // What was asked with each is told under its own id, and judged by the class that both are registered with.
    for (id, times) in [(&was, 1), (&is, 2)] {
        let asked: Vec<&Value> = log.of("decision").filter(|entry| entry["key"] == **id).collect();
        assert_eq!(asked.len(), times, "{id}");
        assert!(asked.iter().all(|it| it["team"] == "payments" && it["class"] == "sensitive"), "{asked:?}");
    }
}
