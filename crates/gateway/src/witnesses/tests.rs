//! Asking real and false witnesses over sockets, at a clock that stands still but for the hand: what they are asked and when,
//! what of their answers is kept, and what is told.
#![expect(clippy::disallowed_methods, reason = "tests make files that nobody needs after a crash")]

use std::collections::VecDeque;
use std::fs;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use audit_log::{Body as EntryBody, Settings, Stop, Text};
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use tlog::{Role, SigningKeys};
use tlog_witness::{AddCheckpoint, Directory, Witness as Cosigner};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::asking::ASK_AGAIN;
use super::*;
use crate::clock::Hand;

/// What is told, by level and words; for the thread that a test runs on.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        tracing::subscriber::set_default(self.clone())
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl tracing::Subscriber for Told {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("gateway::witnesses")
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn event(&self, event: &tracing::Event<'_>) {
        struct Words(String);
        impl tracing::field::Visit for Words {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut words = Words(String::new());
        event.record(&mut words);
        self.0.lock().unwrap().push(format!("{} {}", event.metadata().level(), words.0));
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

const TEN: Duration = Duration::from_secs(10);

/// A witness over HTTP: a real one, unless it is told what to say.
#[derive(Clone)]
struct Fake {
    address: SocketAddr,
    cosigner: Arc<Cosigner>,
    says: Arc<Mutex<VecDeque<(u16, String)>>>,
    heard: Arc<watch::Sender<Vec<String>>>,
}

impl Fake {
    async fn start(rig: &Rig) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, rig)
    }

    fn on(listener: TcpListener, rig: &Rig) -> Fake {
        let dir = rig.folder.path().join("witness");
        let cosigner =
            Cosigner::open(Directory::open(&dir).unwrap(), keys(), rig.log.public_keys().to_vec(), Arc::new(|| TEN))
                .unwrap();
        let fake = Fake {
            address: listener.local_addr().unwrap(),
            cosigner: Arc::new(cosigner),
            says: Arc::default(),
            heard: Arc::new(watch::Sender::new(Vec::new())),
        };
        let router = Router::new().fallback(respond).with_state(fake.clone());
        rig.tasks.start("fake", |_| async { axum::serve(listener, router).await.unwrap() });
        fake
    }

    fn say(&self, status: u16, words: impl Into<String>) {
        self.says.lock().unwrap().push_back((status, words.into()));
    }

    /// The first line of each request, once there are this many.
    async fn heard(&self, count: usize) -> Vec<String> {
        self.heard.subscribe().wait_for(|heard| heard.len() >= count).await.unwrap().clone()
    }
}

async fn respond(State(fake): State<Fake>, uri: http::Uri, body: String) -> Response {
    assert_eq!(uri.path(), "/prefix/add-checkpoint");
    let line = body.lines().next().unwrap_or_default().to_owned();
    let said = fake.says.lock().unwrap().pop_front();
    let answer = if let Some((status, words)) = said {
        let location = [("location", format!("http://{}/prefix/add-checkpoint", fake.address))];
        (StatusCode::from_u16(status).unwrap(), location, words).into_response()
    } else {
        let answer = fake.cosigner.add_checkpoint(&body);
        (StatusCode::from_u16(answer.status()).unwrap(), answer.body()).into_response()
    };
    fake.heard.send_modify(|heard| heard.push(line));
    answer
}

fn keys() -> SigningKeys {
    SigningKeys::from_seeds("witness.test", Role::Witness, [[1; 32], [2; 32]]).unwrap()
}

struct Rig {
    log: Arc<Log>,
    clock: Clock,
    hand: Hand,
    tasks: Tasks,
    standing: Standing,
    folder: tempfile::TempDir,
}

fn settings() -> Settings {
    let clock: audit_log::Clock = Arc::new(|| Duration::from_hours(500_000));
    Settings { checkpoint_every: Duration::ZERO, ..Settings::new(clock) }
}

impl Rig {
    fn new() -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("log");
        Log::create(&dir, "gwanmun.test/1", &settings()).unwrap();
        Self::on(folder)
    }

    fn on(folder: tempfile::TempDir) -> Rig {
        let log = Arc::new(Log::open(&folder.path().join("log"), settings()).unwrap().0);
        let (clock, hand) = Clock::by_hand(Timestamp::UNIX_EPOCH);
        Rig { log, tasks: Tasks::new(clock.clone()), clock, hand, standing: Standing::default(), folder }
    }

    /// Appends until the log has this many entries, all signed.
    fn grow(&self, entries: u64, word: &str) {
        for number in self.log.size()..entries {
            let reason = Text::new(format!("{word} {number}")).unwrap();
            self.log.append_and_wait(&EntryBody::Stop(Stop { reason })).unwrap();
        }
        self.log.wait_for_checkpoint(entries).unwrap();
    }

    fn ask(&self, fake: &Fake) {
        let path = self.folder.path().join("policy");
        let line = |(name, key)| format!("witness {name} {key} http://{}/prefix\n", fake.address);
        let lines: String = ["w1", "w2"].into_iter().zip(keys().public()).map(line).collect();
        fs::write(&path, format!("{lines}quorum w1\n")).unwrap();
        let witnesses = Witnesses::read(&path, &self.clock).unwrap();
        assert_eq!(witnesses.count(), 1, "one address, one witness");
        witnesses.ask(&self.log, &self.standing, &self.clock, &self.tasks);
    }

    /// Waits until nothing happens before `seconds` since the start, and moves the clock there.
    async fn until(&self, seconds: u64) {
        let then = Duration::from_secs(seconds);
        self.hand.awaited(then).await;
        let passed = Duration::from_micros(self.clock.now().as_micros());
        self.hand.advance(then.saturating_sub(passed));
    }

    fn cosignatures(&self) -> usize {
        self.log.checkpoint().verify(keys().public()).unwrap().len()
    }

    /// A metric of the one witness.
    fn metric(&self, name: &str) -> Option<u64> {
        let mut registry = Registry::default();
        self.standing.register(&mut registry);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let start = format!("{name}{{witness=\"w1\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&start)).map(|value| value.parse().unwrap())
    }

    /// Waits until the witness has cosigned so many entries.
    async fn cosigned(&self, entries: u64) {
        while self.metric("witness_cosigned_entries") != Some(entries) {
            tokio::task::yield_now().await;
        }
    }

    async fn end(self) {
        // The false witness does not listen to reason.
        self.tasks.drain();
        self.tasks.cancel();
        self.tasks.ended().await;
    }
}

#[tokio::test]
async fn each_new_checkpoint_is_cosigned_and_asked_for_not_too_often() {
    let rig = Rig::new();
    rig.grow(3, "a");
    let fake = Fake::start(&rig).await;
    rig.ask(&fake);
    rig.cosigned(3).await;
    assert_eq!((fake.heard(1).await, rig.cosignatures()), (vec!["old 0".to_owned()], 2));
    rig.grow(300, "a");
    assert_eq!(rig.cosignatures(), 0, "the new checkpoint has none yet");
    rig.until(10).await;
    rig.cosigned(300).await;
    assert_eq!((fake.heard(2).await.len(), rig.cosignatures()), (2, 2));
    assert_eq!(fake.heard(2).await[1], "old 3");
    assert_eq!(rig.metric("witness_cosigned_entries"), Some(300));
    assert_eq!(rig.metric("witness_cosigned_timestamp_seconds"), Some(10));
    rig.until(20).await;
    // Nothing is new: it is looked for each second, and nobody is asked.
    rig.until(21).await;
    rig.hand.awaited(Duration::from_secs(22)).await;
    assert_eq!(fake.heard(2).await.len(), 2);
    assert!(rig.log.dir().join("checkpoint").exists());
    let kept = fs::read_to_string(rig.log.dir().join("checkpoint")).unwrap();
    assert_eq!(kept, rig.log.checkpoint().to_string());
    rig.end().await;
}

/// A log in use signs while its witnesses are asked: what they have cosigned is kept beside the newest.
#[tokio::test]
async fn a_checkpoint_that_is_not_the_newest_any_more_is_kept_cosigned() {
    let rig = Rig::new();
    rig.grow(3, "a");
    let fake = Fake::start(&rig).await;
    rig.ask(&fake);
    rig.cosigned(3).await;
    rig.grow(7, "a");
    rig.until(10).await;
    // The round is about the 7. Whether the witness is quicker than the next entries or not, its word is kept.
    fake.heard(2).await;
    rig.grow(12, "a");
    rig.cosigned(7).await;
    assert_eq!(rig.cosignatures(), 0);
    let kept = rig.log.cosigned().unwrap();
    assert_eq!((kept.checkpoint.size, kept.verify(keys().public()).unwrap().len()), (7, 2));
    assert_eq!(fs::read_to_string(rig.log.dir().join("cosigned")).unwrap(), kept.to_string());
    rig.end().await;
}

/// What a start does not know, the witness says.
#[tokio::test]
async fn a_new_process_learns_from_the_witness_where_it_stands() {
    let rig = Rig::new();
    rig.grow(5, "a");
    let fake = Fake::start(&rig).await;
    let (proof, checkpoint) = rig.log.consistency(0).unwrap().unwrap();
    let known = AddCheckpoint { old: 0, proof, checkpoint }.to_string();
    assert_eq!(fake.cosigner.add_checkpoint(&known).status(), 200);
    rig.grow(9, "a");
    rig.ask(&fake);
    rig.cosigned(9).await;
    assert_eq!(fake.heard(2).await, ["old 0", "old 5"]);
    assert_eq!((rig.cosignatures(), rig.metric("witness_alarms_total")), (2, None));
    rig.end().await;
}

#[tokio::test]
async fn a_silent_witness_is_asked_ever_less_often_and_cosigns_when_it_is_back() {
    let told = Told::default();
    let _listening = told.listen();
    let rig = Rig::new();
    rig.grow(3, "a");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let fake = {
        let elsewhere = Fake::start(&rig).await;
        Fake { address, ..elsewhere }
    };
    rig.ask(&fake);
    // 20 s, then 40, 80, 160, 300 and 300 again.
    for seconds in [20, 60, 140, 300, 600] {
        rig.until(seconds).await;
    }
    rig.hand.awaited(Duration::from_mins(15)).await;
    assert_eq!((rig.cosignatures(), rig.metric("witness_cosigned_entries")), (0, None));
    let router = Router::new().fallback(respond).with_state(fake.clone());
    let listener = TcpListener::bind(address).await.unwrap();
    rig.tasks.start("fake", |_| async { axum::serve(listener, router).await.unwrap() });
    rig.until(900).await;
    rig.cosigned(3).await;
    assert_eq!((rig.cosignatures(), rig.metric("witness_cosigned_entries")), (2, Some(3)));
    let told = told.lines();
    assert!(told.len() == 2, "each change is told once: {told:#?}");
    assert!(told[0].starts_with("WARN the witness `w1` is silent"), "{told:#?}");
    assert_eq!(told[1], "INFO the witness `w1` cosigns");
    rig.end().await;
}

/// No answer is worth more than its signatures, and none makes us ask elsewhere.
#[tokio::test]
async fn false_answers_are_worth_nothing() {
    let rig = Rig::new();
    rig.grow(3, "a");
    let stranger = SigningKeys::from_seeds("stranger.test", Role::Witness, [[3; 32], [4; 32]]).unwrap();
    let signed = |keys: &SigningKeys, entries| {
        let mut checkpoint = rig.log.checkpoint().checkpoint.clone();
        checkpoint.size = entries;
        keys.sign(&checkpoint.to_string(), &checkpoint, 1).unwrap().iter().map(ToString::to_string).collect::<String>()
    };
    let rows = [
        (200, String::new()),
        (200, "thank you\n".to_owned()),
        (200, "— witness.test AAAAAAAA\n".to_owned()),
        (200, signed(&stranger, 3)),
        (200, signed(&keys(), 4)),
        (200, format!("{}{}", signed(&keys(), 3), signed(&keys(), 4))),
        (200, "x".repeat(1 << 20)),
        (302, String::new()),
        (307, String::new()),
        (403, "who are you\n".to_owned()),
        (404, "nothing here\n".to_owned()),
        (409, "many\n".to_owned()),
        (500, String::new()),
    ];
    let fake = Fake::start(&rig).await;
    for (status, words) in rows {
        let rig = Rig {
            tasks: Tasks::new(rig.clock.clone()),
            log: Arc::clone(&rig.log),
            clock: rig.clock.clone(),
            hand: rig.hand.clone(),
            standing: Standing::default(),
            folder: tempfile::tempdir().unwrap(),
        };
        let before = fake.heard.borrow().len();
        fake.say(status, words);
        rig.ask(&fake);
        rig.hand.awaited(ASK_AGAIN).await;
        assert_eq!(fake.heard.borrow().len(), before + 1, "asked once, and nowhere else");
        assert_eq!((rig.cosignatures(), rig.metric("witness_alarms_total")), (0, None), "{status}");
        rig.end().await;
    }
    rig.end().await;
}

#[tokio::test]
async fn a_witness_that_has_seen_another_history_raises_an_alarm() {
    let rows: [&[(u16, &str)]; 4] =
        [&[(409, "99\n")], &[(409, "3\n"), (409, "3\n")], &[(409, "2\n"), (422, "\n")], &[(422, "\n")]];
    for says in rows {
        let rig = Rig::new();
        rig.grow(3, "a");
        let fake = Fake::start(&rig).await;
        for (status, words) in says {
            fake.say(*status, *words);
        }
        rig.ask(&fake);
        rig.hand.awaited(ASK_AGAIN).await;
        assert_eq!((rig.metric("witness_alarms_total"), rig.cosignatures()), (Some(1), 0), "{says:?}");
        assert_eq!(fake.heard.borrow().len(), says.len());
        rig.end().await;
    }
}

/// One who holds the log's key puts the log back to an older copy, and goes on as if nothing had been.
#[tokio::test]
async fn a_log_that_was_put_back_is_refused_at_any_size() {
    for (entries, says) in
        [(4, "cosigned 9 entries of this log, which holds 4"), (9, "of the same 9"), (12, "do not extend the 9")]
    {
        let rig = Rig::new();
        rig.grow(4, "a");
        let copy = tempfile::tempdir().unwrap();
        let copied =
            std::process::Command::new("cp").arg("-r").arg(rig.log.dir()).arg(copy.path().join("log")).status();
        assert!(copied.unwrap().success());
        rig.grow(9, "a");
        let fake = Fake::start(&rig).await;
        rig.ask(&fake);
        rig.cosigned(9).await;
        assert_eq!(rig.cosignatures(), 2);

        let back = Rig::on(copy);
        let told = Told::default();
        let _listening = told.listen();
        back.grow(entries, "another");
        back.ask(&fake);
        back.hand.awaited(ASK_AGAIN).await;
        assert_eq!((back.cosignatures(), back.metric("witness_alarms_total")), (0, Some(1)), "{says}");
        let told = told.lines();
        assert!(told.len() == 1 && told[0].starts_with("ERROR alarm: ") && told[0].contains(says), "{told:?}");
        back.end().await;
        rig.end().await;
    }
}

#[test]
fn a_policy_that_names_nobody_to_ask_is_refused_with_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy");
    let key = &keys().public()[0].clone();
    let read = |text: String| {
        fs::write(&path, text).unwrap();
        match Witnesses::read(&path, &Clock::system()) {
            Ok(_) => panic!("taken"),
            Err(error) => error.to_string(),
        }
    };
    let rows = [
        (String::new(), "quorum"),
        ("quorum none\n".to_owned(), "no `witness` line"),
        (format!("witness w {key}\nquorum w\n"), "no `witness` line with an address"),
        (format!("witness w {key} http://witness.example\nquorum w\n"), "`https`"),
        ("witness w x\nquorum w\n".to_owned(), "line 1"),
    ];
    for (text, words) in rows {
        let told = read(text);
        assert!(told.contains("policy`") && told.contains(words), "{told}");
    }
    fs::remove_file(&path).unwrap();
    assert!(Witnesses::read(&path, &Clock::system()).is_err());
}
