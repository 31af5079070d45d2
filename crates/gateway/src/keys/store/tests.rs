//! Keys live in the database by hash alone, are unique by name, and a revocation reaches every process within a second.

#![expect(clippy::disallowed_methods, reason = "a test may leave half a file")]

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::{Class, Continuity, KeyStore, KeyStoreError, WantedKey};
use crate::changes;
use crate::clock::Clock;
use crate::database::{Database, DatabaseError};
use crate::keys::{HashSecret, KeyText, NoSuchKey};
use crate::record::{CommitmentSecret, Recorder};
use crate::tasks::Tasks;

fn now() -> Timestamp {
    "2026-11-21T10:00:00.5Z".parse().unwrap()
}

/// On whose behalf tests change keys.
const BY: &str = "uid 1000";

/// A recorder that takes every change.
fn off(clock: &Clock) -> Recorder {
    Recorder::off(CommitmentSecret::new(&[0; 32]), clock.clone())
}

fn place() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gwanmun.db");
    std::fs::write(&path, b"").unwrap();
    (folder, path)
}

async fn open(path: &Path) -> KeyStore {
    KeyStore::open(Database::open(path).await.unwrap(), HashSecret::new(&[9; 32])).await.unwrap()
}

#[tokio::test]
async fn a_key_is_found_from_its_making_to_its_revocation() {
    let (folder, path) = place();
    let store = open(&path).await;
    let made = store.create(&WantedKey::new("laptop", "데이터팀"), BY, now()).await.unwrap();
    assert_eq!(store.ring().find(made.text.reveal().as_bytes()), Err(NoSuchKey::Unknown), "not before it is taken in");
    store.refill().await.unwrap();
    let text = made.text.reveal().to_owned();
    let caller = store.ring().find(text.as_bytes()).unwrap();
    assert_eq!((&*caller.key_id, &*caller.name, &*caller.team), (made.listed.id.as_str(), "laptop", "데이터팀"));
    assert_eq!(made.listed.created_at, "2026-11-21T10:00:00Z");
    assert_eq!(store.list().await.unwrap(), std::slice::from_ref(&made.listed));
    // Another start finds the same.
    assert_eq!(*open(&path).await.ring().find(text.as_bytes()).unwrap(), *caller);
    let revoked = store.revoke(&made.listed.id, BY, now()).await.unwrap();
    assert_eq!(revoked.revoked_at.as_deref(), Some("2026-11-21T10:00:00Z"));
    assert_eq!(store.ring().find(text.as_bytes()), Err(NoSuchKey::Unknown));
    assert_eq!(store.list().await.unwrap(), [revoked]);
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(20).any(|part| part == &text.as_bytes()[10..30]), "the text of the key is nowhere");
    }
}

/// The entries that wait for the log.
async fn waiting(store: &KeyStore) -> Vec<serde_json::Value> {
    let bodies: Vec<String> =
        sqlx::query_scalar("SELECT body FROM changes ORDER BY id").fetch_all(store.database().pool()).await.unwrap();
    bodies.iter().map(|body| serde_json::from_str(body).unwrap()).collect()
}

#[tokio::test]
async fn a_key_is_replaced_by_one_with_the_same_name_and_registration() {
    let (_folder, path) = place();
    let store = open(&path).await;
    let wanted = WantedKey {
        class: Some(Class::Sensitive),
        continuity: Some(Continuity::Splice),
        ..WantedKey::new("laptop", "데이터팀")
    };
    let old = store.create(&wanted, BY, now()).await.unwrap();
    store.refill().await.unwrap();
    let new = store.rotate("laptop", "kim", now()).await.unwrap();
    // The old one is refused at once; the new one is not taken before the log says so.
    let find = |text: &KeyText| store.ring().find(text.reveal().as_bytes());
    assert_eq!((find(&old.text), find(&new.text)), (Err(NoSuchKey::Unknown), Err(NoSuchKey::Unknown)));
    store.refill().await.unwrap();
    let caller = find(&new.text).unwrap();
    assert_eq!((&*caller.name, &*caller.team), ("laptop", "데이터팀"));
    let registered = &caller.registered;
    assert_eq!((registered.class, registered.continuity), (Some(Class::Sensitive), Some(Continuity::Splice)));
    assert_ne!(new.listed.id, old.listed.id);
    let entries = waiting(&store).await;
    let told = entries.iter().map(|entry| (entry["action"].as_str().unwrap(), entry["by"].as_str().unwrap()));
    let told: Vec<_> = told.collect();
    assert_eq!(told, [("key.create", BY), ("key.revoke", "kim"), ("key.create", "kim")]);
    assert_eq!(entries[1]["detail"]["replaced_by"], new.listed.id);
    assert_eq!(entries[2]["detail"]["replaces"], old.listed.id);
    // Who is not there is not replaced, and nothing is left of the attempt.
    let missing = store.rotate("desktop", BY, now()).await.unwrap_err();
    assert_eq!(missing.to_string(), "no key in force has the name or id `desktop`: see `gwanmun key list`");
    assert_eq!((waiting(&store).await.len(), store.list().await.unwrap().len()), (3, 2));
}

#[tokio::test]
async fn an_id_means_its_key_though_another_is_named_so() {
    let (_folder, path) = place();
    let store = open(&path).await;
    let one = store.create(&WantedKey::new("one", "t"), BY, now()).await.unwrap().listed;
    let other = store.create(&WantedKey::new(&one.id, "t"), BY, now()).await.unwrap().listed;
    assert_eq!(store.revoke(&one.id, BY, now()).await.unwrap().name, "one");
    let in_force: Vec<_> = store.list().await.unwrap().into_iter().filter(|key| key.revoked_at.is_none()).collect();
    assert_eq!(in_force, [other]);
}

#[tokio::test]
async fn what_is_not_a_key_in_force_is_not_found() {
    let (_folder, path) = place();
    let store = open(&path).await;
    let text = store.create(&WantedKey::new("a", "t"), BY, now()).await.unwrap().text;
    store.refill().await.unwrap();
    let stranger = KeyText::generate().unwrap();
    let ring = store.ring();
    assert_eq!(ring.find(stranger.reveal().as_bytes()), Err(NoSuchKey::Unknown));
    let mut mistyped = text.reveal().to_owned().into_bytes();
    mistyped.swap(20, 21);
    mistyped[30] ^= 1;
    for malformed in [b"".as_slice(), b"sk-gwm-", b"' OR 1=1 --", &mistyped, &[0xff; 50]] {
        assert_eq!(ring.find(malformed), Err(NoSuchKey::Malformed));
    }
    // The same database under another secret knows nobody.
    let other = KeyStore::open(store.database().clone(), HashSecret::new(&[8; 32])).await.unwrap();
    assert_eq!(other.ring().find(text.reveal().as_bytes()), Err(NoSuchKey::Unknown));
    // A key that lives as long as the process is not in the database, and outlives a refill.
    let ask = ring.add_ephemeral("ask", "local").unwrap();
    store.create(&WantedKey::new("b", "t"), BY, now()).await.unwrap();
    assert_eq!(&*ring.find(ask.reveal().as_bytes()).unwrap().name, "ask");
    assert_eq!(store.list().await.unwrap().len(), 2);
    assert_eq!(open(&path).await.ring().find(ask.reveal().as_bytes()), Err(NoSuchKey::Unknown));
}

#[tokio::test]
async fn names_are_proper_unique_in_force_and_free_again_after() {
    let (_folder, path) = place();
    let store = open(&path).await;
    for (name, team) in [("", "t"), ("a", ""), (" a", "t"), ("a\n", "t"), ("a", "t\u{7}"), (&*"x".repeat(65), "t")] {
        let error = store.create(&WantedKey::new(name, team), BY, now()).await.unwrap_err();
        assert!(matches!(error, KeyStoreError::BadName { .. }), "{name:?} {team:?}: {error}");
    }
    store.create(&WantedKey::new("a", "t"), BY, now()).await.unwrap();
    let taken = store.create(&WantedKey::new("a", "u"), BY, now()).await.unwrap_err();
    assert_eq!(taken.to_string(), "a key named `a` exists: choose another name, or revoke that one first");
    store.revoke("a", BY, now()).await.unwrap();
    let again = store.revoke("a", BY, now()).await.unwrap_err();
    assert_eq!(again.to_string(), "no key in force has the name or id `a`: see `gwanmun key list`");
    store.create(&WantedKey::new("a", "t"), BY, now()).await.unwrap();
    let hostile = "a' OR '1'='1";
    assert!(matches!(store.revoke(hostile, BY, now()).await, Err(KeyStoreError::NotFound { .. })));
    assert_eq!(store.list().await.unwrap().iter().filter(|key| key.revoked_at.is_none()).count(), 1);
}

#[tokio::test]
async fn another_process_s_change_is_in_force_within_a_second() {
    let (_folder, path) = place();
    let (server, command) = (open(&path).await, open(&path).await);
    let (clock, hand) = Clock::by_hand(now());
    let tasks = Tasks::new(clock.clone());
    let health = crate::availability::Availability::new(&clock, crate::config::Config::default().live());
    changes::follow(server.clone(), health, off(&clock), &tasks, clock);
    let ring = server.ring();
    let mut moved = 0;
    // One look a half second; a change is seen by the second look after it at the latest.
    let mut looks = async |wanted: &dyn Fn() -> bool| {
        for _ in 0..2 {
            moved += 500;
            hand.awaited(Duration::from_millis(moved)).await;
            hand.advance(Duration::from_millis(500));
        }
        // The clock stands still until that look has seen it.
        while !wanted() {
            tokio::task::yield_now().await;
        }
    };
    looks(&|| true).await;
    let text = command.create(&WantedKey::new("a", "t"), BY, now()).await.unwrap().text;
    looks(&|| ring.find(text.reveal().as_bytes()).is_ok()).await;
    command.revoke("a", BY, now()).await.unwrap();
    looks(&|| ring.find(text.reveal().as_bytes()) == Err(NoSuchKey::Unknown)).await;
    tasks.cancel();
    tasks.ended().await;
}

#[tokio::test]
async fn a_database_that_is_missing_or_not_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gwanmun.db");
    assert!(matches!(Database::open(&path).await, Err(DatabaseError::Failed { .. })));
    assert!(!path.exists(), "it is not begun anew");
    std::fs::write(&path, [b'x'; 5000]).unwrap();
    let Err(error) = Database::open(&path).await else { panic!("not a database") };
    assert!(error.to_string().contains("gwanmun.db"), "{error}");
}
