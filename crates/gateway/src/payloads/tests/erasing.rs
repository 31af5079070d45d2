//! Erasing: the key's bytes are gone, a serving process forgets them within a second, and nothing else is touched.

use audit_log::Text;

use super::*;
use crate::tasks::Tasks;

fn november() -> Month {
    "2026-11".parse().unwrap()
}

async fn erase_of(place: &Place, team: &str, month: &str) -> Result<Erased, EraseError> {
    erase(&place.database, team, month.parse().unwrap(), Text::of("operator"), place.clock.wall()).await
}

async fn wrapped_keys(place: &Place) -> Vec<(String, String, Vec<u8>)> {
    sqlx::query_as("SELECT id, team, wrapped FROM payload_keys WHERE wrapped IS NOT NULL ORDER BY rowid")
        .fetch_all(place.database.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn what_is_erased_cannot_be_read_and_everything_else_can() {
    let place = Place::new().await;
    let (payloads, sealing) = place.open();
    keep(&payloads, "a", "a in november", b"1", &[b"1"]).await;
    keep(&payloads, "b", "b in november", b"2", &[b"2"]).await;
    place.hand.advance(Duration::from_mins(2));
    keep(&payloads, "a", "a in december", b"3", &[b"3"]).await;
    sealing.finish().unwrap();
    let erased = erase_of(&place, "a", "2026-11").await.unwrap();
    assert_eq!(erased.keys.len(), 1);
    let error = place.read("a", "a in november").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the payload was erased at 2026-12-01T00:01:00Z: its key is destroyed, and nobody can read it any more"
    );
    assert_eq!(place.read("b", "b in november").await.unwrap(), kept(b"2", Some(b"2")));
    assert_eq!(place.read("a", "a in december").await.unwrap(), kept(b"3", Some(b"3")));
    // The log is told, in the same transaction.
    let changes: Vec<(String, String)> =
        sqlx::query_as("SELECT kind, body FROM changes").fetch_all(place.database.pool()).await.unwrap();
    let [(kind, body)] = changes.as_slice() else { panic!("{changes:?}") };
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(kind, "erasure");
    let wanted = serde_json::json!({
        "scope": "payloads of team `a` in 2026-11", "keys": erased.keys, "by": "operator"
    });
    assert_eq!(body, wanted);
    // A second time there is nothing to do, and nothing to tell.
    let again = erase_of(&place, "a", "2026-11").await.unwrap_err();
    assert!(matches!(&again, EraseError::Already { at, .. } if at == "2026-12-01T00:01:00.000000Z"), "{again}");
    let nothing = erase_of(&place, "nobody", "2026-11").await.unwrap_err();
    assert!(matches!(nothing, EraseError::NothingKept { .. }), "{nothing}");
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM changes").fetch_one(place.database.pool()).await.unwrap();
    assert_eq!(count, 1);
    // Even where the folder has been removed.
    fs::remove_dir_all(place.folder().join("2026-11")).unwrap();
    let wanted = Wanted { request_id: "a in november", team: "a", at: "2026-11-30T23:59:00Z".parse().unwrap() };
    let gone = read(&place.folder(), &secret(), &place.database, ORIGIN, wanted).await.unwrap_err();
    assert!(matches!(gone, ReadError::Erased { .. }), "{gone}");
}

#[tokio::test]
async fn the_bytes_of_a_destroyed_key_are_in_no_file() {
    let place = Place::new().await;
    let table = place.table();
    // Enough for the table to be split over pages again and again, in an order that moves its rows.
    for number in 0..300_u32 {
        let team = format!("team {} {}", number.wrapping_mul(2_654_435_761) % 1000, "x".repeat(number as usize % 60));
        table.find_or_make(&team, november(), place.clock.wall()).await.unwrap();
    }
    // A server that has the database open meanwhile.
    let server = Database::open(&place.dir.path().join("gwanmun.db")).await.unwrap();
    let before = wrapped_keys(&place).await;
    let step = before.len() / 10;
    let mut gone: Vec<Vec<u8>> = Vec::new();
    for (_, team, wrapped) in before.iter().step_by(step) {
        erase_of(&place, team, "2026-11").await.unwrap();
        gone.push(wrapped.clone());
        let log = fs::read(place.dir.path().join("gwanmun.db-wal")).unwrap();
        assert!(log.is_empty(), "the write-ahead log was emptied");
    }
    server.pool().close().await;
    place.database.pool().close().await;
    let file = fs::read(place.dir.path().join("gwanmun.db")).unwrap();
    let holds = |bytes: &[u8]| file.windows(8).any(|part| part == &bytes[20..28]);
    assert!(gone.iter().all(|wrapped| !holds(wrapped)), "a destroyed key is still in the file");
    let stay: Vec<_> = before.iter().map(|row| &row.2).filter(|wrapped| !gone.contains(wrapped)).collect();
    assert!(stay.len() > 200 && stay.iter().all(|wrapped| holds(wrapped)), "the search finds keys that are there");
}

#[tokio::test]
async fn a_serving_process_forgets_within_a_second_and_makes_a_new_key() {
    let place = Place::new().await;
    let (payloads, sealing) = place.open();
    let tasks = Tasks::new(place.clock.clone());
    payloads.follow(&tasks);
    keep(&payloads, "a", "before", b"1", &[b"1"]).await;
    keep(&payloads, "b", "other", b"2", &[b"2"]).await;
    let mut streaming = payloads.begin("a", "streaming").await.unwrap();
    streaming.request(b"asked").await.unwrap();
    streaming.durable().await.unwrap();
    place.hand.awaited(LOOK_EVERY).await;
    place.hand.advance(LOOK_EVERY);
    place.hand.awaited(LOOK_EVERY * 2).await;
    let length = || fs::metadata(place.file("2026-11", 1)).unwrap().len();
    // Another process erases.
    let other = Database::open(&place.dir.path().join("gwanmun.db")).await.unwrap();
    let by = Text::of("operator");
    let erased = erase(&other, "a", november(), by, place.clock.wall()).await.unwrap();
    place.hand.advance(LOOK_EVERY);
    place.hand.awaited(LOOK_EVERY * 3).await;
    // What still streams is acknowledged, but not written any more.
    let before = length();
    streaming.answer(b"answered").unwrap();
    streaming.finish().await.unwrap();
    drop(streaming);
    assert_eq!(length(), before);
    for id in ["before", "streaming"] {
        let error = place.read("a", id).await.unwrap_err();
        assert!(matches!(error, ReadError::Erased { .. }), "{id}: {error}");
    }
    keep(&payloads, "a", "after", b"3", &[b"3"]).await;
    assert_eq!(place.read("a", "after").await.unwrap(), kept(b"3", Some(b"3")));
    keep(&payloads, "b", "other after", b"4", &[b"4"]).await;
    assert_eq!(place.read("b", "other").await.unwrap(), kept(b"2", Some(b"2")));
    let rows = place.table().of_team("a").await.unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(erased.keys, [rows[0].id.to_string()]);
    assert_eq!(place.table().of_team("b").await.unwrap().len(), 1, "b goes on with its key");
    // Erased again, both keys are gone.
    let again = erase(&other, "a", november(), Text::of("operator"), place.clock.wall()).await.unwrap();
    assert_eq!(again.keys, [rows[1].id.to_string()]);
    tasks.end(Duration::from_secs(1)).await;
    sealing.finish().unwrap();
}
