//! Models are fetched, stopped and removed from the page; who did it is left for the log, and what cannot be done is said.

use http::StatusCode;
use serde_json::Value;

use crate::accounts::Role;
use crate::language::Language;
use crate::model_files::Step;
use crate::rig::Rig;
use crate::rig::model_files::{FAR, HUGE, RUNNING, SMALL};

/// What waits for the log about models: what was done, to which, by whom.
async fn left(rig: &Rig) -> Vec<[String; 3]> {
    let rows = sqlx::query_scalar("SELECT body FROM changes ORDER BY id");
    let bodies: Vec<String> = rows.fetch_all(rig.site.keys.database().pool()).await.unwrap();
    let all = bodies.iter().map(|body| serde_json::from_str::<Value>(body).unwrap());
    let models = all.filter(|body| body["action"].as_str().unwrap().starts_with("model."));
    models.map(|body| ["action", "subject", "by"].map(|field| body[field].as_str().unwrap().to_owned())).collect()
}

/// The part of a page with that id.
fn part<'a>(page: &'a str, id: &str) -> &'a str {
    let (_, after) = page.split_once(&format!("id=\"{id}\"")).unwrap();
    after.split(" id=\"").next().unwrap()
}

#[tokio::test]
async fn a_model_is_fetched_shown_and_removed_and_the_log_hears_who_did_it() {
    let rig = Rig::new("").await;
    let operator = rig.browser(Role::Operator).await;
    let page = rig.get(&operator, "/models").await.text;
    assert!(part(&page, "stored").contains("No model is stored yet"), "{page}");
    let known = part(&page, "known");
    for word in [SMALL, FAR, HUGE, "98\u{a0}MB", "Apache-2.0", "what far is", ">ko<", "its package", "2026-11-21"] {
        assert!(known.contains(word), "{word}: {known}");
    }
    assert!(known.contains("&#60;b&#62;not verified") && !page.contains("<b>not"), "{known}");

    let got = rig.post(&operator, "/models/pull", &[("name", SMALL)]).await;
    assert_eq!((got.status, got.header("location")), (StatusCode::SEE_OTHER, "/models"), "{}", got.text);
    let fetch = rig.site.models.until(|fetch| fetch.step.over() && fetch.ended.is_some()).await;
    assert_eq!((fetch.step, &*fetch.account), (Step::Stored, "operator"));
    let page = rig.get(&operator, "/models").await.text;
    assert!(part(&page, "fetch").contains("small was fetched, checked and stored"), "{page}");
    let stored = part(&page, "stored");
    for word in [">small<", "16\u{a0}B", "llama · Q4_1", ">ko<", "Apache-2.0", "/models/small/remove"] {
        assert!(stored.contains(word), "{word}: {stored}");
    }
    assert!(!part(&page, "known").contains("value=\"small\""), "it is here");
    assert_eq!(left(&rig).await, [["model.add", SMALL, "account:operator"]]);

    let got = rig.post(&operator, "/models/choose", &[("name", SMALL)]).await;
    assert_eq!(got.header("location"), "/models", "{}", got.text);
    assert!(std::fs::read_to_string(&rig.site.settings.path).unwrap().contains("model = \"small\""));
    let page = rig.get(&operator, "/models").await.text;
    assert!(part(&page, "stored").contains("runs from the next start on"), "{page}");
    let got = rig.post(&operator, "/models/choose", &[("name", FAR)]).await;
    assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY, "it is not here");

    let asked = rig.get(&operator, "/models/small/remove").await;
    assert!(asked.text.contains("Remove small") && asked.text.contains("file:"), "{}", asked.text);
    assert!(rig.model_store().show(&SMALL.parse().unwrap()).is_ok(), "a question changes nothing");
    let got = rig.post(&operator, "/models/remove", &[("name", SMALL)]).await;
    assert_eq!((got.status, got.header("location")), (StatusCode::SEE_OTHER, "/models"), "{}", got.text);
    let page = rig.get(&operator, "/models").await.text;
    assert!(part(&page, "stored").contains("No model is stored yet") && !page.contains("was fetched"), "{page}");
    assert_eq!(left(&rig).await.last().unwrap(), &["model.remove", SMALL, "account:operator"]);
    assert_eq!(rig.get(&operator, "/models/small/remove").await.status, StatusCode::NOT_FOUND);
    let again = rig.post(&operator, "/models/remove", &[("name", SMALL)]).await;
    assert!(again.text.contains("There is no model small here"), "{}", again.text);
    assert_eq!(left(&rig).await.len(), 2, "what was not done leaves nothing");
}

#[tokio::test]
async fn who_only_reads_sees_what_there_is_and_can_change_nothing() {
    let rig = Rig::new("").await;
    for role in [Role::Auditor, Role::Officer] {
        let reader = rig.browser(role).await;
        let page = rig.get(&reader, "/models").await.text;
        assert!(page.contains("what far is") && !page.contains("<form method=\"post\" action=\"/models"), "{page}");
        for (path, name) in [("/models/pull", SMALL), ("/models/remove", SMALL), ("/models/pull/stop", "")] {
            assert_eq!(rig.post(&reader, path, &[("name", name)]).await.status, StatusCode::FORBIDDEN, "{role} {path}");
        }
    }
    assert!(rig.site.models.state().fetch.is_none());
}

#[tokio::test]
async fn one_is_fetched_at_a_time_is_watched_and_can_be_stopped() {
    let rig = Rig::new("").await;
    rig.hold_pip();
    let owner = rig.browser(Role::Owner).await;
    rig.post(&owner, "/models/pull", &[("name", FAR)]).await;
    rig.site.models.until(|fetch| matches!(fetch.step, Step::Fetching { .. })).await;
    let page = rig.get(&owner, "/models").await.text;
    let fetch = part(&page, "fetch");
    assert!(fetch.contains("Fetching far") && fetch.contains("<code>far==1</code>"), "{fetch}");
    assert!(fetch.contains("<progress") && fetch.contains("Begun by owner"), "{fetch}");
    assert_eq!(part(&page, "known").matches(" disabled").count(), 2, "nobody can begin another: {page}");

    let second = rig.post(&owner, "/models/pull", &[("name", SMALL)]).await;
    assert_eq!(second.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(second.text.contains("far is being fetched. small can be fetched after it"), "{}", second.text);
    assert!(rig.model_store().show(&SMALL.parse().unwrap()).is_err());

    assert_eq!(rig.post(&owner, "/models/pull/stop", &[]).await.header("location"), "/models");
    rig.site.models.until(|fetch| fetch.step == Step::Stopped && fetch.ended.is_some()).await;
    let page = rig.get(&owner, "/models").await.text;
    assert!(part(&page, "fetch").contains("Fetching far was stopped"), "{page}");
    assert!(left(&rig).await.is_empty(), "nothing came");
    // And then another may come.
    rig.post(&owner, "/models/pull", &[("name", SMALL)]).await;
    rig.site.models.until(|fetch| fetch.step == Step::Stored).await;
}

#[tokio::test]
async fn a_process_that_ends_does_not_wait_for_a_model() {
    let rig = Rig::new("").await;
    rig.hold_pip();
    let owner = rig.browser(Role::Owner).await;
    rig.post(&owner, "/models/pull", &[("name", FAR)]).await;
    rig.site.models.until(|fetch| matches!(fetch.step, Step::Fetching { .. })).await;
    rig.site.tasks.drain();
    rig.site.tasks.ended().await;
    assert_eq!(rig.site.models.state().fetch.unwrap().step, Step::Stopped);
}

#[tokio::test]
async fn what_goes_wrong_is_said_in_the_stores_words() {
    let rig = Rig::new("").await;
    let owner = rig.browser(Role::Owner).await;
    rig.post(&owner, "/models/pull", &[("name", FAR)]).await;
    rig.site.models.until(|fetch| fetch.step.over()).await;
    let page = rig.get(&owner, "/models").await.text;
    let fetch = part(&page, "fetch");
    assert!(fetch.contains("far could not be fetched"), "{fetch}");
    assert!(
        fetch.contains("<p lang=\"en\"><q>could not reach the package index for far==1: Connection refused"),
        "{fetch}"
    );
    assert!(fetch.contains("tries again"), "the hint: {fetch}");
    // The next one takes its place.
    rig.post(&owner, "/models/pull", &[("name", SMALL)]).await;
    rig.site.models.until(|fetch| fetch.step == Step::Stored).await;
    assert_eq!(left(&rig).await, [["model.add", SMALL, "account:owner"]]);
    let again = rig.post(&owner, "/models/pull", &[("name", SMALL)]).await;
    assert!(again.text.contains("small is stored already"), "{}", again.text);
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_before_it_begins() {
    let rig = Rig::new("").await;
    let owner = rig.browser(Role::Owner).await;
    for (name, says) in [
        ("https://elsewhere.example/m.gguf", "No known model is called https://elsewhere.example/m.gguf"),
        ("file:/etc/passwd", "No known model is called"),
        ("", "Say which model"),
        (HUGE, "There is no room for huge: it needs 1,152,921,504.6"),
    ] {
        let got = rig.post(&owner, "/models/pull", &[("name", name)]).await;
        assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(got.text.contains(says), "{name}: {}", got.text);
    }
    assert!(rig.site.models.state().fetch.is_none());
    let page = rig.get(&owner, "/models").await.text;
    let known = part(&page, "known");
    assert!(
        known.contains("value=\"small\"") && !known.contains("value=\"huge\"") && known.contains("no room"),
        "{known}"
    );
}

#[tokio::test]
async fn the_one_that_runs_stays() {
    let rig = Rig::new("[local]\nmodel = \"small\"\n").await;
    rig.store_running();
    let owner = rig.browser(Role::Owner).await;
    let page = rig.get(&owner, "/models").await.text;
    assert!(part(&page, "stored").contains("runs now") && !page.contains("/models/running/remove"), "{page}");
    let asked = rig.get(&owner, "/models/running/remove").await.text;
    assert!(asked.contains("so it stays") && !asked.contains("action=\"/models/remove\""), "{asked}");
    let got = rig.post(&owner, "/models/remove", &[("name", RUNNING)]).await;
    assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(got.text.contains("running runs in this process"), "{}", got.text);
    assert!(rig.model_store().show(&RUNNING.parse().unwrap()).is_ok());
    assert!(left(&rig).await.is_empty());
    // Another one that the next start wants can go, and that is said.
    rig.post(&owner, "/models/pull", &[("name", SMALL)]).await;
    rig.site.models.until(|fetch| fetch.step == Step::Stored).await;
    assert!(rig.get(&owner, "/models/small/remove").await.text.contains("The configuration names it"));
}

#[tokio::test]
async fn every_language_tells_of_fetches() {
    let rig = Rig::new("").await;
    let owner = rig.browser(Role::Owner).await;
    rig.post(&owner, "/models/pull", &[("name", FAR)]).await;
    rig.site.models.until(|fetch| fetch.step.over()).await;
    for language in Language::ALL {
        rig.post(&owner, "/language", &[("language", language.tag()), ("back", "/models")]).await;
        let page = rig.get(&owner, "/models").await.text;
        let failed = language.text_with("models-fetch-failed", &[("name", FAR)]);
        assert!(page.contains(&failed), "{language}: {page}");
        assert!(!page.contains(">models-") && !page.contains("\"models-"), "{language}");
    }
}
