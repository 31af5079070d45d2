//! The load generator: so many callers, each on a kept connection, each sending the same request again as soon as it is
//! answered. One thread, raw sockets, so that it costs little beside what it measures. Knows nothing of who answers.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::http1::{Body, Chunks, Head};

/// What to send, and for how long.
#[derive(Clone, Debug)]
pub struct Load {
    /// Where to.
    pub to: SocketAddr,
    /// Callers at once.
    pub callers: usize,
    /// For how long; each caller finishes what it has begun.
    pub lasting: Duration,
    /// The bearer's key.
    pub key: String,
    /// The model's name.
    pub model: String,
    /// Whether the answer is streamed.
    pub stream: bool,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Whole answers under status 200.
    pub answers: u64,
    /// All else: other statuses, connections lost.
    pub failures: u64,
    /// Events of streams.
    pub events: u64,
    /// From the first request to the last answer.
    pub took: Duration,
    /// Of each answer: from its request to its end, in nanoseconds, sorted.
    pub latencies_ns: Vec<u64>,
    /// Of each streamed answer: from its request to its first event, in nanoseconds, sorted.
    pub first_event_ns: Vec<u64>,
}

impl Outcome {
    /// As one JSON object; times in microseconds.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "answers": self.answers, "failures": self.failures, "events": self.events, "seconds": self.took.as_secs_f64(),
            "p50_us": at(&self.latencies_ns, 50), "p99_us": at(&self.latencies_ns, 99), "first_event_p50_us": at(&self.first_event_ns, 50),
        })
    }

    fn add(&mut self, other: Self) {
        self.answers += other.answers;
        self.failures += other.failures;
        self.events += other.events;
        self.latencies_ns.extend(other.latencies_ns);
        self.first_event_ns.extend(other.first_event_ns);
    }
}

#[expect(clippy::cast_precision_loss, reason = "latencies are far below 2^53 nanoseconds")]
fn at(sorted: &[u64], percent: usize) -> f64 {
    let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(index).map_or(0.0, |value| *value as f64 / 1000.0)
}

/// The request as bytes: the same for each caller and each time.
pub fn request(load: &Load) -> Vec<u8> {
    let Load { to, key, model, stream, .. } = load;
    let said = "What is the capital of the Republic of Korea? Answer in one sentence, please, and name the river too.";
    let messages =
        serde_json::json!([{"role": "system", "content": "You are brief."}, {"role": "user", "content": said}]);
    // The model stands first and without spaces: the wall's fast role finds it by its bytes.
    let body = format!(r#"{{"model":"{model}","stream":{stream},"messages":{messages}}}"#);
    let length = body.len();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {to}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Runs it.
pub async fn run(load: &Load) -> Outcome {
    let request: std::sync::Arc<[u8]> = request(load).into();
    let begun = Instant::now();
    let until = begun + load.lasting;
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..load.callers {
        callers.spawn(caller(load.to, std::sync::Arc::clone(&request), until));
    }
    let mut outcome = Outcome::default();
    while let Some(done) = callers.join_next().await {
        outcome.add(done.expect("a caller does not panic"));
    }
    outcome.took = begun.elapsed();
    outcome.latencies_ns.sort_unstable();
    outcome.first_event_ns.sort_unstable();
    outcome
}

/// Opens so many streams, waits for the first bytes of each answer's body, and holds them all until dropped.
pub async fn hold(load: &Load) -> std::io::Result<Vec<TcpStream>> {
    let request = request(load);
    let mut held = Vec::new();
    for _ in 0..load.callers {
        let mut stream = TcpStream::connect(load.to).await?;
        stream.write_all(&request).await?;
        let mut waiting = Vec::new();
        while !waiting.windows(6).any(|window| window == b"data: ") {
            if stream.read_buf(&mut waiting).await? == 0 {
                return Err(std::io::ErrorKind::ConnectionAborted.into());
            }
        }
        held.push(stream);
    }
    Ok(held)
}

async fn caller(to: SocketAddr, request: std::sync::Arc<[u8]>, until: Instant) -> Outcome {
    let mut outcome = Outcome::default();
    let mut kept: Option<TcpStream> = None;
    while Instant::now() < until {
        let stream = if let Some(stream) = kept.take() { Ok(stream) } else { connect(to).await };
        let Ok(mut stream) = stream else {
            outcome.failures += 1;
            continue;
        };
        let begun = Instant::now();
        match exchange(&mut stream, &request).await {
            Ok(answer) if answer.good => {
                outcome.answers += 1;
                outcome.events += answer.events;
                outcome.latencies_ns.push(nanoseconds(begun.elapsed()));
                outcome.first_event_ns.extend(answer.first_event.map(|at| nanoseconds(at.duration_since(begun))));
                kept = Some(stream);
            }
            Ok(_) | Err(_) => outcome.failures += 1,
        }
    }
    outcome
}

async fn connect(to: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

struct Answered {
    good: bool,
    events: u64,
    first_event: Option<Instant>,
}

async fn exchange(stream: &mut TcpStream, request: &[u8]) -> std::io::Result<Answered> {
    stream.write_all(request).await?;
    let mut buffer = Vec::with_capacity(16 << 10);
    let (head, length) = loop {
        if let Some(parsed) = Head::parse(&buffer) {
            break parsed;
        }
        if stream.read_buf(&mut buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    };
    let good = head.line.contains(" 200");
    buffer.drain(..length);
    let mut answered = Answered { good, events: 0, first_event: None };
    match head.body() {
        Body::Length(length) => {
            while buffer.len() < length {
                if stream.read_buf(&mut buffer).await? == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
        Body::Chunked => read_events(stream, buffer, &mut answered).await?,
        Body::UntilTheEnd => return Err(std::io::ErrorKind::InvalidData.into()),
    }
    Ok(answered)
}

async fn read_events(stream: &mut TcpStream, mut buffer: Vec<u8>, answered: &mut Answered) -> std::io::Result<()> {
    let mut chunks = Chunks::default();
    loop {
        let body = chunks.push(&buffer);
        // An event ends with a blank line; two line ends at a cut between reads are counted with the next event.
        answered.events += body.windows(2).filter(|window| window == b"\n\n").count() as u64;
        if !body.is_empty() {
            answered.first_event.get_or_insert_with(Instant::now);
        }
        if chunks.is_done() {
            return Ok(());
        }
        buffer.clear();
        if stream.read_buf(&mut buffer).await? == 0 || chunks.is_damaged() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}
