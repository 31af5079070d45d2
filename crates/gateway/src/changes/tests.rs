//! What is changed beside the log reaches it: in order, once in a good run, and before it is in force.

#![expect(clippy::disallowed_methods, reason = "a test may make a file")]

use audit_log::{Action, Text};
use serde_json::{Value, json};

use super::*;
use crate::keys::{HashSecret, WantedKey};
use crate::record::{Began, CommitmentSecret, tests::entries};

struct Place {
    folder: tempfile::TempDir,
    database: Database,
    keys: KeyStore,
    health: Availability,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gwanmun.db");
        std::fs::write(&path, b"").unwrap();
        let database = Database::open(&path).await.unwrap();
        let keys = KeyStore::open(database.clone(), HashSecret::new(&[9; 32])).await.unwrap();
        Recorder::begin(&folder.path().join("log"), &Clock::system()).unwrap();
        let health = Availability::new(&Clock::system(), crate::config::Config::default().live());
        Self { folder, database, keys, health }
    }

    fn recorder(&self) -> Recorder {
        let began = Began { version: "test", config: [0; 32] };
        let secret = CommitmentSecret::new(&[1; 32]);
        Recorder::open(&self.folder.path().join("log"), secret, Clock::system(), began).unwrap().0
    }

    fn said(&self) -> Vec<Value> {
        let entries = entries(&self.folder.path().join("log"));
        entries.into_iter().filter(|entry| entry["kind"] != "start").collect()
    }
}

fn now() -> jiff::Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn a_key_is_in_force_when_the_log_says_so_and_a_revocation_at_once() {
    let place = Place::new().await;
    let made = place.keys.create(&WantedKey::new("laptop", "데이터"), "uid 1000", now()).await.unwrap();
    let ring = place.keys.ring();
    let known = || ring.find(made.text.reveal().as_bytes()).is_ok();
    assert!(!known());
    let recorder = place.recorder();
    take_in(&place.keys, &place.health, &recorder).await.unwrap();
    assert!(known());
    place.keys.revoke("laptop", "uid 1000", now()).await.unwrap();
    assert!(!known(), "before the log has been told");
    take_in(&place.keys, &place.health, &recorder).await.unwrap();
    let said = place.said();
    assert_eq!(said.iter().map(|entry| entry["action"].clone()).collect::<Vec<_>>(), ["key.create", "key.revoke"]);
    assert_eq!(said[0]["subject"], made.listed.id);
    assert_eq!(
        (&said[0]["by"], &said[0]["detail"]),
        (&json!("uid 1000"), &json!({"name": "laptop", "team": "데이터"}))
    );
    take_in(&place.keys, &place.health, &recorder).await.unwrap();
    assert_eq!(place.said().len(), 2, "once");
    let log = format!("{:?}", place.said());
    assert!(!log.contains(made.text.reveal()), "neither the key");
}

#[tokio::test]
async fn while_the_log_takes_nothing_no_new_key_is_in_force_and_no_change_is_lost() {
    let place = Place::new().await;
    let made = place.keys.create(&WantedKey::new("a", "t"), "uid 0", now()).await.unwrap();
    let ring = place.keys.ring();
    let recorder = place.recorder();
    recorder.close("test").unwrap();
    assert!(matches!(take_in(&place.keys, &place.health, &recorder).await, Err(ChangeError::Record(_))));
    assert!(ring.find(made.text.reveal().as_bytes()).is_err());
    drop(recorder);
    // The next start takes it in.
    take_in(&place.keys, &place.health, &place.recorder()).await.unwrap();
    assert!(ring.find(made.text.reveal().as_bytes()).is_ok());
    assert_eq!(place.said().iter().filter(|entry| entry["action"] == "key.create").count(), 1);
}

#[tokio::test]
async fn the_log_s_own_keys_are_replaced_when_asked_by_another_process() {
    let place = Place::new().await;
    let recorder = place.recorder();
    let before = recorder.log().unwrap().public_keys();
    let id = leave(&place.database, &Change::RotateKeys { by: Text::of("uid 0") }).await.unwrap();
    assert!(waits(&place.database, id).await.unwrap());
    settle(&place.database, &recorder).await.unwrap();
    assert!(!waits(&place.database, id).await.unwrap());
    assert_ne!(recorder.log().unwrap().public_keys(), before);
    assert_eq!(place.said()[0]["action"], "key.rotate");
}

#[tokio::test]
async fn an_erasure_keeps_its_form_and_what_no_version_wrote_is_told() {
    let place = Place::new().await;
    let recorder = place.recorder();
    let erasure = Erasure {
        scope: Text::of("team a, 2026-11"),
        keys: vec![Text::of("k1"), Text::of("k2")],
        by: Text::of("uid 0"),
    };
    leave(&place.database, &Change::Erasure(erasure)).await.unwrap();
    let moved = Administration {
        action: Action::ModelAdd,
        subject: Text::of("m"),
        by: Text::of("uid 0"),
        detail: std::collections::BTreeMap::new(),
    };
    leave(&place.database, &Change::Administration(moved)).await.unwrap();
    settle(&place.database, &recorder).await.unwrap();
    let said = place.said();
    assert_eq!((&said[0]["kind"], &said[0]["keys"]), (&json!("erasure"), &json!(["k1", "k2"])));
    assert_eq!(said[1]["action"], "model.add");
    sqlx::query("INSERT INTO changes (kind, body) VALUES ('later', '{}')")
        .execute(place.database.pool())
        .await
        .unwrap();
    let error = settle(&place.database, &recorder).await.unwrap_err();
    assert!(error.to_string().starts_with("the change number "), "{error}");
}
