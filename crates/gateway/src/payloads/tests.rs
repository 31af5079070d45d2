//! Sealed payloads come back as they were, or say what happened to them; and an erased one never comes back.

#![expect(clippy::disallowed_methods, reason = "a test may leave half a file")]

mod erasing;
mod faults;
mod spoiled;
mod vectors;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use proptest::prelude::*;

use super::writer::BYTES_WAITING_MAX;
use super::*;
use crate::clock::Hand;

const ORIGIN: &str = "gwanmun.local/00000000000000aa";

/// A data directory, as far as payloads need one.
pub(super) struct Place {
    dir: tempfile::TempDir,
    database: Database,
    clock: Clock,
    hand: Hand,
}

impl Place {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("gwanmun.db"), b"").unwrap();
        fs::create_dir(dir.path().join("payloads")).unwrap();
        let database = Database::open(&dir.path().join("gwanmun.db")).await.unwrap();
        let (clock, hand) = Clock::by_hand("2026-11-30T23:59:00Z".parse().unwrap());
        Self { dir, database, clock, hand }
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("payloads")
    }

    fn file(&self, month: &str, number: u64) -> PathBuf {
        self.folder().join(month).join(form::file_name(number))
    }

    fn table(&self) -> Table {
        Table { database: self.database.clone(), secret: secret(), origin: OriginHash::of(ORIGIN) }
    }

    fn open(&self) -> (Payloads, Sealing) {
        Payloads::open(&self.folder(), secret(), self.database.clone(), ORIGIN, self.clock.clone()).unwrap()
    }

    fn on(&self, disk: impl Disk + 'static, file_bytes_max: u64) -> (Payloads, Sealing) {
        Payloads::on(Box::new(disk), self.folder(), file_bytes_max, self.table(), self.clock.clone()).unwrap()
    }

    async fn read(&self, team: &str, request_id: &str) -> Result<Kept, ReadError> {
        let wanted = Wanted { request_id, team, at: self.clock.wall() };
        read(&self.folder(), &secret(), &self.database, ORIGIN, wanted).await
    }
}

fn secret() -> PayloadSecret {
    PayloadSecret::new(&[7; 32])
}

fn whole(bytes: &[u8]) -> KeptPart {
    KeptPart { bytes: bytes.to_vec(), whole: true }
}

fn kept(request: &[u8], answer: Option<&[u8]>) -> Kept {
    Kept { request: whole(request), answer: answer.map(whole), damage: None }
}

/// Bytes that say where they are, so that a piece in the wrong place is seen.
fn text(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at * 7 + at / 251) % 251).unwrap()).collect()
}

/// Keeps a request and its answer, given in pieces, and waits for both.
async fn keep(payloads: &Payloads, team: &str, id: &str, request: &[u8], answer: &[&[u8]]) {
    let mut payload = payloads.begin(team, id).await.unwrap();
    payload.request(request).await.unwrap();
    payload.durable().await.unwrap();
    for piece in answer {
        payload.answer(piece).unwrap();
        payload.flow().await.unwrap();
    }
    payload.finish().await.unwrap();
}

#[tokio::test]
async fn what_is_kept_is_read_back_whatever_its_length() {
    let place = Place::new().await;
    let (payloads, sealing) = place.open();
    let frame = FRAME_TEXT_BYTES_MAX;
    for length in [0, 1, frame - 1, frame, frame + 1, 5 * frame + 3] {
        let bytes = text(length);
        keep(&payloads, "a", &format!("whole {length}"), &bytes, &[&bytes]).await;
        let pieces: Vec<&[u8]> = bytes.chunks(1000).collect();
        keep(&payloads, "a", &format!("stream {length}"), &bytes, &pieces).await;
    }
    // Read beside the process that writes.
    for length in [0, 1, frame - 1, frame, frame + 1, 5 * frame + 3] {
        let bytes = text(length);
        let answer = (length > 0).then_some(bytes.as_slice());
        for how in ["whole", "stream"] {
            assert_eq!(
                place.read("a", &format!("{how} {length}")).await.unwrap(),
                kept(&bytes, answer),
                "{how} {length}"
            );
        }
    }
    sealing.finish().unwrap();
}

#[tokio::test]
async fn an_answer_is_sealed_while_it_flows_and_ended_when_it_is_dropped() {
    let place = Place::new().await;
    let (payloads, sealing) = place.open();
    let mut payload = payloads.begin("a", "r").await.unwrap();
    payload.request(b"asked").await.unwrap();
    let bytes = text(40_000);
    payload.answer(&bytes).unwrap();
    payload.flow().await.unwrap();
    payload.answer(b"more").unwrap();
    payload.flow().await.unwrap();
    payload.durable().await.unwrap();
    let begun = place.read("a", "r").await.unwrap();
    assert_eq!(begun.answer, Some(KeptPart { bytes: bytes.clone(), whole: false }), "the rest still gathers");
    assert_eq!(begun.damage, None);
    // The caller leaves.
    drop(payload);
    sealing.finish().unwrap();
    let left = place.read("a", "r").await.unwrap();
    assert_eq!(left, kept(b"asked", Some(&[&bytes[..], b"more"].concat())));
}

#[tokio::test]
async fn what_was_taken_is_kept_though_the_wait_for_room_is_dropped() {
    let place = Place::new().await;
    let (payloads, sealing) = place.open();
    let mut payload = payloads.begin("a", "r").await.unwrap();
    payload.request(b"asked").await.unwrap();
    // All the room is taken by somebody else.
    let room = payloads.0.queue.room(BYTES_WAITING_MAX as usize).await.unwrap();
    let bytes = text(3 * FRAME_TEXT_BYTES_MAX);
    payload.answer(&bytes).unwrap();
    assert!(payload.flow().now_or_never().is_none(), "it waits for room");
    let (told, durable) = oneshot::channel();
    payload.finish_then(|| told.send(()).unwrap());
    durable.await.unwrap();
    assert_eq!(place.read("a", "r").await.unwrap(), kept(b"asked", Some(&bytes)));
    drop(room);
    sealing.finish().unwrap();
}

#[tokio::test]
async fn every_start_begins_a_file_and_so_does_every_full_one() {
    let place = Place::new().await;
    for start in 0..3 {
        let (payloads, sealing) = place.on(Machine, 1000);
        for number in 0..4 {
            keep(&payloads, "a", &format!("{start} {number}"), &text(600), &[&text(10)]).await;
        }
        sealing.finish().unwrap();
    }
    let names = Machine.names(&place.folder().join("2026-11")).unwrap();
    // Three a start, each ended by the frame that passes the limit: some payloads lie in two files.
    assert_eq!(names.iter().filter_map(|name| form::file_number(name)).max(), Some(9));
    assert_eq!(names.len(), 9, "{names:?}");
    for (start, number) in (0..3).flat_map(|start| (0..4).map(move |number| (start, number))) {
        let id = format!("{start} {number}");
        assert_eq!(place.read("a", &id).await.unwrap(), kept(&text(600), Some(&text(10))), "{id}");
    }
}

#[tokio::test]
async fn teams_and_months_have_keys_of_their_own() {
    let place = Place::new().await;
    let (payloads, sealing) = place.open();
    keep(&payloads, "a", "november a", b"1", &[b"1"]).await;
    keep(&payloads, "나", "november b", b"2", &[b"2"]).await;
    let mut over = payloads.begin("a", "over the turn").await.unwrap();
    over.request(b"3").await.unwrap();
    place.hand.advance(Duration::from_mins(2));
    keep(&payloads, "a", "december a", b"4", &[b"4"]).await;
    over.answer(b"3").unwrap();
    over.finish().await.unwrap();
    drop(over);
    sealing.finish().unwrap();
    let all = ["november a", "over the turn", "december a"];
    for (id, bytes) in all.iter().zip([b"1", b"3", b"4"]) {
        assert_eq!(place.read("a", id).await.unwrap(), kept(bytes, Some(bytes)), "{id}");
    }
    assert_eq!(place.read("나", "november b").await.unwrap(), kept(b"2", Some(b"2")));
    assert!(matches!(place.read("나", "november a").await, Err(ReadError::NotKept { .. })));
    let months = |rows: &[table::Row]| rows.iter().map(|row| row.month.to_string()).collect::<Vec<_>>();
    assert_eq!(months(&place.table().of_team("a").await.unwrap()), ["2026-11", "2026-12"]);
    // A key in another's place does not open.
    sqlx::query("UPDATE payload_keys SET wrapped = (SELECT wrapped FROM payload_keys WHERE team = 'a' AND month = '2026-12') WHERE team = '나'")
        .execute(place.database.pool())
        .await
        .unwrap();
    let error = place.read("나", "november b").await.unwrap_err();
    assert!(matches!(error, ReadError::Foreign { .. }), "{error}");
    let (payloads, sealing) = place.open();
    let december = Month::of(place.clock.wall()).to_string();
    sqlx::query("UPDATE payload_keys SET month = ? WHERE team = '나'")
        .bind(december)
        .execute(place.database.pool())
        .await
        .unwrap();
    let error = payloads.begin("나", "r").await.unwrap_err();
    assert!(matches!(error, PayloadError::Foreign { .. }), "{error}");
    sealing.finish().unwrap();
}

#[tokio::test]
async fn many_requests_at_once_make_one_key() {
    let place = Place::new().await;
    let (payloads, sealing) = place.open();
    let begins = (0..20).map(|number| {
        let payloads = payloads.clone();
        async move { keep(&payloads, "a", &number.to_string(), b"q", &[b"a"]).await }
    });
    futures_util::future::join_all(begins).await;
    sealing.finish().unwrap();
    assert_eq!(place.table().in_force().await.unwrap().len(), 1);
    for number in 0..20 {
        assert_eq!(place.read("a", &number.to_string()).await.unwrap(), kept(b"q", Some(b"a")));
    }
}

#[tokio::test]
async fn a_longer_answer_than_is_kept_is_refused() {
    let place = Place::new().await;
    let (payloads, sealing) = place.open();
    let mut payload = payloads.begin("a", "r").await.unwrap();
    payload.answer.bytes = ANSWER_BYTES_MAX - 1;
    payload.answer(b"1").unwrap();
    assert!(matches!(payload.answer(b"1"), Err(PayloadError::TooLong)));
    drop(payload);
    sealing.finish().unwrap();
}

#[tokio::test]
async fn nothing_that_was_said_lies_in_the_directory_nor_shows_in_debug() {
    let place = Place::new().await;
    let (payloads, sealing) = place.open();
    let mut payload = payloads.begin("a", "r").await.unwrap();
    payload.request(b"CANARY-in-the-request").await.unwrap();
    payload.answer(b"CANARY-in-the-answer").unwrap();
    let shown = format!("{payloads:?} {payload:?} {:?} {:?}", secret(), payload.answer.bytes);
    payload.finish().await.unwrap();
    drop(payload);
    sealing.finish().unwrap();
    assert!(!shown.contains("CANARY") && !shown.contains("7, 7"), "{shown}");
    let mut folders = vec![place.dir.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                assert!(!bytes.windows(6).any(|part| part == b"CANARY"), "{}", path.display());
            }
        }
    }
}

#[test]
fn a_month_is_written_one_way() {
    for good in ["2026-11", "0001-01", "9999-12"] {
        assert_eq!(good.parse::<Month>().unwrap().to_string(), good);
    }
    for bad in ["", "2026", "2026-1", "2026-13", "2026-00", "26-11", "2026-11-01", "2026_11", "+026-11", "２026-11"] {
        assert!(bad.parse::<Month>().is_err(), "{bad}");
    }
    let of = |at: &str| Month::of(at.parse::<Timestamp>().unwrap()).to_string();
    assert_eq!(of("2026-11-30T23:59:59.999999Z"), "2026-11");
    assert_eq!(of("2026-12-01T00:00:00Z"), "2026-12");
    assert_eq!(of("2026-12-01T08:59:00+09:00"), "2026-11");
}

#[test]
fn what_needs_the_gathering_fits_the_room() {
    const { assert!(FRAME_TEXT_BYTES_MAX <= BYTES_WAITING_MAX as usize) };
    const { assert!(ANSWER_BYTES_GATHERED <= FRAME_TEXT_BYTES_MAX) };
}

/// One thing that happens to one of a few requests.
#[derive(Clone, Debug)]
enum Event {
    Answer(usize, usize),
    Leave(usize),
    Durable(usize),
    Restart,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (0..4_usize, 1..40_000_usize).prop_map(|(who, bytes)| Event::Answer(who, bytes)),
        1 => (0..4_usize).prop_map(Event::Leave),
        2 => (0..4_usize).prop_map(Event::Durable),
        1 => Just(Event::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However requests of two teams mix over files and processes, each reads back what it was given.
    #[test]
    fn requests_mix_and_come_back(events in proptest::collection::vec(event(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let place = Place::new().await;
            let (mut payloads, mut sealing) = place.on(Machine, 100_000);
            let mut truth: Vec<(String, Vec<u8>, Vec<u8>)> = Vec::new();
            let mut running: [Option<(usize, Payload)>; 4] = [None, None, None, None];
            for event in events {
                match event {
                    Event::Answer(who, bytes) => {
                        if running[who].is_none() {
                            let (id, request) = (truth.len().to_string(), text(bytes * 3));
                            let mut payload = payloads.begin(team(truth.len()), &id).await.unwrap();
                            payload.request(&request).await.unwrap();
                            running[who] = Some((truth.len(), payload));
                            truth.push((id, request, Vec::new()));
                        }
                        let (at, payload) = running[who].as_mut().unwrap();
                        payload.answer(&text(bytes)).unwrap();
                        payload.flow().await.unwrap();
                        truth[*at].2.extend(text(bytes));
                    }
                    Event::Leave(who) => running[who] = None,
                    Event::Durable(who) => {
                        if let Some((_, payload)) = &running[who] {
                            payload.durable().await.unwrap();
                        }
                    }
                    Event::Restart => {
                        running = [None, None, None, None];
                        sealing.finish().unwrap();
                        (payloads, sealing) = place.on(Machine, 100_000);
                    }
                }
            }
            drop(running);
            sealing.finish().unwrap();
            for (at, (id, request, answer)) in truth.iter().enumerate() {
                assert_eq!(place.read(team(at), id).await.unwrap(), kept(request, Some(answer)), "{id}");
            }
        });
    }
}

fn team(number: usize) -> &'static str {
    if number.is_multiple_of(2) { "a" } else { "b" }
}
