//! The listener over real sockets: what is refused, who is closed when, and how it ends. Time stands still but for the hand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{self, post};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};

use super::{Port, Refuse, Serving, TURNED_AWAY, listen, serve};
use crate::clock::{Clock, Hand};
use crate::config::{Config, Limits};
use crate::framing::Refusal;
use crate::framing::head::tests::REFUSED;
use crate::tasks::Tasks;

/// If a test hangs, it fails after this; no test waits for it otherwise.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Default)]
struct Heard {
    /// What the service has understood.
    requests: Arc<Mutex<Vec<String>>>,
    /// How much of a body `/echo` has.
    received: Arc<watch::Sender<usize>>,
    /// Lets `/wait` answer.
    go: Arc<Notify>,
    /// Told when `/wait` begins, or an answer is given up.
    events: Arc<Mutex<Option<mpsc::UnboundedSender<&'static str>>>>,
}

impl Heard {
    fn tell(&self, event: &'static str) {
        if let Some(events) = &*self.events.lock().unwrap() {
            let _ = events.send(event);
        }
    }
}

struct GivenUp(Heard);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.tell("given up");
    }
}

async fn echo(State(heard): State<Heard>, mut body: Body) -> Response {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes.extend(frame.into_data().unwrap()),
            Err(error) => {
                return Refusal::behind(&error).map_or(StatusCode::IM_A_TEAPOT.into_response(), |r| refuse(*r));
            }
        }
        heard.received.send_replace(bytes.len());
    }
    heard.requests.lock().unwrap().push(format!("echo {}", String::from_utf8_lossy(&bytes)));
    bytes.into_response()
}

async fn wait(State(heard): State<Heard>) -> &'static str {
    let given_up = GivenUp(heard.clone());
    heard.tell("waiting");
    heard.go.notified().await;
    std::mem::forget(given_up);
    "waited"
}

async fn endless(State(heard): State<Heard>) -> Body {
    let given_up = GivenUp(heard);
    let piece = Bytes::from_static(&[b'x'; 16 * 1024]);
    Body::from_stream(futures_util::stream::repeat_with(move || {
        let _kept = &given_up;
        Ok::<_, std::convert::Infallible>(piece.clone())
    }))
}

async fn say(State(heard): State<Heard>, request: axum::extract::Request) -> String {
    let said = format!("{} {}", request.method(), request.uri());
    heard.requests.lock().unwrap().push(said.clone());
    said
}

fn refuse(refusal: Refusal) -> Response {
    (refusal.status, format!("refused: {}", refusal.code)).into_response()
}

struct Server {
    address: std::net::SocketAddr,
    heard: Heard,
    hand: Hand,
    tasks: Tasks,
    events: mpsc::UnboundedReceiver<&'static str>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let (clock, hand) = Clock::by_hand(Timestamp::UNIX_EPOCH);
        let tasks = Tasks::new(clock.clone());
        let heard = Heard::default();
        let (tell, events) = mpsc::unbounded_channel();
        *heard.events.lock().unwrap() = Some(tell);
        let router = Router::new()
            .route("/echo", post(echo))
            .route("/wait", routing::any(wait))
            .route("/endless", routing::any(endless))
            .fallback(say)
            .with_state(heard.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = Config { limits, ..Config::default() }.live();
        let refuse: Refuse = Arc::new(refuse);
        let serving = Serving { router, refuse, config, tasks: tasks.clone(), clock };
        tasks.start("listener", |_| serve(listener, serving));
        Self { address, heard, hand, tasks, events }
    }

    async fn caller(&self) -> Caller {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Caller(stream)
    }

    /// Sends `bytes` on a fresh connection and hears all that comes until its end.
    async fn ask(&self, bytes: &[u8]) -> String {
        let mut caller = self.caller().await;
        caller.send(bytes).await;
        caller.hear_out().await
    }

    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.requests.lock().unwrap())
    }

    async fn event(&mut self) -> &'static str {
        patiently(self.events.recv()).await.unwrap()
    }

    /// Returns when `/echo` has `bytes` of a body.
    async fn until_received(&self, bytes: usize) {
        let mut received = self.heard.received.subscribe();
        drop(patiently(received.wait_for(|received| *received == bytes)).await.unwrap());
    }

    /// Moves the clock once somebody waits for the moment `at`.
    async fn move_to(&self, at: u64, by: u64) {
        patiently(self.hand.awaited(Duration::from_secs(at))).await;
        self.hand.advance(Duration::from_secs(by));
    }

    /// Returns when `count` connections are open.
    async fn until_open(&self, count: usize) {
        patiently(async {
            while self.tasks.alive().get("connection").copied().unwrap_or(0) != count {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

struct Caller(TcpStream);

impl Caller {
    async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    async fn hear_out(&mut self) -> String {
        let mut answer = Vec::new();
        patiently(self.0.read_to_end(&mut answer)).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Hears one answer that ends in `end`.
    async fn hear(&mut self, end: &str) -> String {
        let mut answer = String::new();
        while !answer.ends_with(end) {
            let byte = patiently(self.0.read_u8()).await.unwrap();
            answer.push(char::from(byte));
        }
        answer
    }
}

async fn patiently<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("nothing happened for a long time")
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

const CLOSE: &str = "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn every_bad_head_is_refused_in_our_words_and_nothing_of_it_is_understood() {
    let server = Server::start(Limits::default()).await;
    for (code, head) in REFUSED {
        // With a second request behind it, which must not be understood either.
        let bytes = [head.as_bytes(), CLOSE.as_bytes()].concat();
        let whole = server.ask(&bytes).await;
        assert!(whole.ends_with(&format!("refused: {code}")), "{head:?}: {whole}");
        assert!(whole.contains("\r\nconnection: close\r\n"), "{whole}");
        assert!(matches!(status(&whole), "400" | "417" | "431"), "{whole}");

        let mut caller = server.caller().await;
        for byte in head.as_bytes() {
            // The server may refuse before all has come.
            if caller.0.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let piecewise = caller.hear_out().await;
        assert_eq!(status(&piecewise), status(&whole), "{head:?} byte for byte: {piecewise}");
        assert_eq!(server.requests(), Vec::<String>::new(), "{head:?}");
    }
}

#[tokio::test]
async fn a_bad_chunk_breaks_the_body_and_the_connection() {
    let server = Server::start(Limits::default()).await;
    for chunks in
        ["0x1\r\na\r\n0\r\n\r\n", "0_1\r\na\r\n", "1\na\r\n", "1;a\nb\r\n", "00000000000000001\r\n", "1\r\nabc"]
    {
        let head = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        let together = server.ask(format!("{head}{chunks}{CLOSE}").as_bytes()).await;
        assert!(together.starts_with("HTTP/1.1 400 ") && together.contains("refused: bad_chunk"), "{together}");
        let mut caller = server.caller().await;
        caller.send(head.as_bytes()).await;
        caller.send(chunks.as_bytes()).await;
        let apart = caller.hear_out().await;
        assert!(apart.contains("refused: bad_chunk"), "{chunks:?}: {apart}");
        assert_eq!(server.requests(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn proper_requests_are_answered_one_after_the_other() {
    let server = Server::start(Limits::default()).await;
    let chunked =
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3;x=y\r\n ho\r\n0\r\n\r\n";
    let sized = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nthere";
    let together = [chunked, sized, "GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n", CLOSE].concat();
    let expected = ["echo hi ho", "echo there", "GET http://a/b?c", "GET /a"];
    let answer = server.ask(together.as_bytes()).await;
    assert_eq!(server.requests(), expected, "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 4);

    let mut caller = server.caller().await;
    for byte in together.as_bytes() {
        caller.send(&[*byte]).await;
        tokio::task::yield_now().await;
    }
    let answer = caller.hear_out().await;
    assert_eq!(server.requests(), expected, "byte for byte: {answer}");
}

#[tokio::test]
async fn what_follows_a_good_request_is_judged_in_its_turn() {
    let server = Server::start(Limits::default()).await;
    let answer = server.ask(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\nHost: a\r\n\r\n").await;
    assert_eq!(server.requests(), ["GET /1"]);
    let (first, second) = answer.split_once("GET /1").unwrap();
    assert_eq!((status(first), status(second.trim_start())), ("200", "400"), "{answer}");
}

#[tokio::test]
async fn an_upgrade_to_h2c_is_answered_as_http_1_and_nothing_after_it_is() {
    let server = Server::start(Limits::default()).await;
    let answer = server.ask(format!("GET /1 HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n{CLOSE}").as_bytes()).await;
    assert_eq!(server.requests(), ["GET /1"]);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_head_over_the_limit_is_refused_at_the_limit() {
    let server = Server::start(Limits { head_bytes_max: 1024, ..Limits::default() }).await;
    let head = |bytes: usize| {
        format!("GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: {}\r\n\r\n", "y".repeat(bytes - 52))
    };
    assert_eq!(head(1024).len(), 1024);
    assert_eq!(status(&server.ask(head(1024).as_bytes()).await), "200");
    for refused in [head(1025), head(9000), "GET /".to_owned() + &"y".repeat(2000)] {
        let answer = server.ask(refused.as_bytes()).await;
        assert!(answer.ends_with("refused: head_too_large"), "{answer}");
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_silent_caller_is_closed_when_its_time_is_out() {
    let server = Server::start(Limits::default()).await;
    let mut caller = server.caller().await;
    server.move_to(30, 30).await;
    assert_eq!(caller.hear_out().await, "", "nothing was asked, so nothing is said");
}

#[tokio::test]
async fn a_head_must_be_whole_in_its_time_however_it_drips() {
    let server = Server::start(Limits::default()).await;
    let mut caller = server.caller().await;
    caller.send(b"G").await;
    server.move_to(10, 9).await;
    caller.send(b"ET / HTTP/1.1\r\nHost: a\r\nX: ").await;
    server.hand.advance(Duration::from_secs(1));
    let answer = caller.hear_out().await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.ends_with("refused: head_timeout"), "{answer}");
}

#[tokio::test]
async fn a_body_must_keep_its_pace() {
    let server = Server::start(Limits::default()).await;
    let mut caller = server.caller().await;
    caller.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n").await;
    patiently(server.hand.awaited(Duration::from_secs(10))).await;
    // Five seconds' worth, at the least rate.
    caller.send(&[b'x'; 5 * 1024]).await;
    server.until_received(5 * 1024).await;
    server.hand.advance(Duration::from_secs(10));
    server.move_to(15, 5).await;
    let answer = caller.hear_out().await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("refused: body_timeout"), "{answer}");
}

#[tokio::test]
async fn a_body_at_a_good_pace_still_has_an_end() {
    let server = Server::start(Limits { body_time_max: Duration::from_secs(12), ..Limits::default() }).await;
    let mut caller = server.caller().await;
    caller.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n").await;
    patiently(server.hand.awaited(Duration::from_secs(10))).await;
    caller.send(&vec![b'x'; 60 * 1024]).await;
    server.until_received(60 * 1024).await;
    server.hand.advance(Duration::from_secs(10));
    server.move_to(12, 2).await;
    let answer = caller.hear_out().await;
    assert!(answer.contains("refused: body_timeout"), "{answer}");
}

#[tokio::test]
async fn a_caller_that_stops_reading_is_cut_and_its_answer_given_up() {
    let mut server = Server::start(Limits { write_stall_time_max: Duration::from_secs(20), ..Limits::default() }).await;
    let mut caller = server.caller().await;
    caller.send(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await;
    server.move_to(20, 20).await;
    assert_eq!(server.event().await, "given up");
    server.until_open(0).await;
}

#[tokio::test]
async fn a_caller_that_reads_a_little_now_and_then_is_cut_when_the_answer_has_had_its_time() {
    let seconds = Duration::from_secs;
    let limits = Limits {
        body_time_max: seconds(10),
        answer_time_max: seconds(30),
        write_stall_time_max: seconds(20),
        ..Limits::default()
    };
    let mut server = Server::start(limits).await;
    let mut caller = server.caller().await;
    caller.send(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await;
    // More than lies between the two: when it is read, the server has written since.
    let mut piece = vec![0; 16 * 1024 * 1024];
    for _ in 0..5 {
        patiently(caller.0.read_exact(&mut piece)).await.unwrap();
        server.hand.advance(seconds(10));
    }
    patiently(caller.0.read_exact(&mut piece)).await.unwrap();
    server.move_to(60, 10).await;
    assert_eq!(server.event().await, "given up");
    server.until_open(0).await;
}

#[tokio::test]
async fn time_does_not_run_for_the_caller_while_it_is_being_answered() {
    let mut server = Server::start(Limits::default()).await;
    let mut caller = server.caller().await;
    caller.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(server.event().await, "waiting");
    for passed in [30, 60, 90] {
        server.move_to(passed, 30).await;
    }
    server.heard.go.notify_one();
    assert!(caller.hear("waited").await.starts_with("HTTP/1.1 200"));
    // From the end of the answer on it does.
    server.move_to(120, 30).await;
    assert_eq!(caller.hear_out().await, "");
}

#[tokio::test]
async fn a_caller_that_leaves_is_noticed_even_behind_what_it_sent_too_early() {
    let mut server = Server::start(Limits::default()).await;
    for early in ["", "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"] {
        let mut caller = server.caller().await;
        caller.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(server.event().await, "waiting");
        caller.send(early.as_bytes()).await;
        drop(caller);
        assert_eq!(server.event().await, "given up", "{early:?}");
        server.until_open(0).await;
    }
    assert_eq!(server.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn what_came_too_early_is_answered_after_the_answer_before() {
    let mut server = Server::start(Limits::default()).await;
    let mut caller = server.caller().await;
    caller.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(server.event().await, "waiting");
    caller.send(CLOSE.as_bytes()).await;
    server.heard.go.notify_one();
    let answer = caller.hear_out().await;
    assert!(answer.contains("waited") && answer.ends_with("GET /a"), "{answer}");
}

#[tokio::test]
async fn one_connection_too_many_is_turned_away_with_words_and_the_next_is_not() {
    let server = Server::start(Limits { connections_max: 2, ..Limits::default() }).await;
    let (first, _second) = (server.caller().await, server.caller().await);
    server.until_open(2).await;
    let answer = server.ask(CLOSE.as_bytes()).await;
    assert_eq!(answer.as_bytes(), TURNED_AWAY);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("content-length: {}", body.len())) && head.contains("retry-after: 1"), "{answer}");
    assert!(body.contains("\"code\":\"too_many_connections\""));
    drop(first);
    server.until_open(1).await;
    assert_eq!(status(&server.ask(CLOSE.as_bytes()).await), "200");
}

#[tokio::test]
async fn draining_finishes_what_has_begun_and_takes_no_more() {
    let mut server = Server::start(Limits::default()).await;
    let mut idle = server.caller().await;
    let mut busy = server.caller().await;
    busy.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(server.event().await, "waiting");
    server.until_open(2).await;
    let watching = async {
        assert_eq!(idle.hear_out().await, "", "an idle connection is closed at once");
        patiently(async { while TcpStream::connect(server.address).await.is_ok() {} }).await;
        server.heard.go.notify_one();
        assert!(busy.hear_out().await.ends_with("waited"));
    };
    let (finished, ()) = tokio::join!(patiently(server.tasks.end(Duration::from_secs(7))), watching);
    assert!(finished, "everything finished by itself");
    assert_eq!(server.tasks.alive(), BTreeMap::new());
}

#[tokio::test]
async fn draining_ends_when_its_time_is_out() {
    let mut server = Server::start(Limits::default()).await;
    let mut busy = server.caller().await;
    busy.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(server.event().await, "waiting");
    let ending = server.tasks.end(Duration::from_secs(7));
    let moving = async {
        server.move_to(7, 7).await;
    };
    let (finished, ()) = patiently(async { tokio::join!(ending, moving) }).await;
    assert!(!finished);
    assert_eq!(server.event().await, "given up");
    assert_eq!(busy.hear_out().await, "");
}

#[tokio::test]
async fn a_taken_address_is_told_plainly() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let error = listen(address, Port::Api).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("the address `{address}` is taken by another process")), "{error}");
    let error = listen("192.0.2.1:1".parse().unwrap(), Port::Console).await.unwrap_err().to_string();
    assert!(error.contains("is not one of this machine") && error.contains("`--console`"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is done to a proper request, the answer is the service's or the guard's, never the library's own refusal:
    /// so nothing reaches the library that the guard has not understood.
    #[test]
    fn the_library_refuses_nothing_that_the_guard_took(
        edits in proptest::collection::vec((0_usize..90, proptest::option::of(any::<u8>()), any::<bool>()), 1..4),
    ) {
        let mut bytes = b"POST /echo?a=b HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Y: z\r\nContent-Length: 5\r\n\r\nhello".to_vec();
        for (at, byte, insert) in edits {
            let at = at % bytes.len();
            match (byte, insert) {
                (Some(byte), true) => bytes.insert(at, byte),
                (Some(byte), false) => bytes[at] = byte,
                (None, _) => drop(bytes.remove(at)),
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = runtime.block_on(async {
            let server = Server::start(Limits::default()).await;
            let mut caller = server.caller().await;
            caller.send(&bytes).await;
            // What has been made longer or shorter may leave the server waiting for more: then this ends it.
            caller.0.shutdown().await.unwrap();
            let mut answer = Vec::new();
            let _ = patiently(caller.0.read_to_end(&mut answer)).await;
            String::from_utf8_lossy(&answer).into_owned()
        });
        let ours = !answer.starts_with("HTTP/1.1 4") || answer.contains("refused: ") || status(&answer) == "405" || status(&answer) == "418";
        prop_assert!(ours, "{:?}: {answer}", String::from_utf8_lossy(&bytes));
    }
}
