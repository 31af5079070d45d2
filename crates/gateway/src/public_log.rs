//! The second port: the audit log read-only (C2SP `tlog-tiles`), and a witness for the logs of others (C2SP `tlog-witness`).
//!
//! Nobody has to log in here, so it serves what a stranger may have: checkpoints, hashes and keys always. Entries, which name teams and
//! keys, go to whoever the console lets in, and to strangers only where the configuration opens them and the port is out of reach for
//! other machines. It must not know the road, nor change the log.

mod address;
mod answer;
mod hosts;
mod tiles;
mod witness;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use audit_log::Log;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Limited};
use tlog::VerifierKey;
use tlog_witness::Witness;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Clock;
use crate::framing::Refusal;
use crate::serve::Refuse;
use crate::tasks::Tasks;

use address::{Address, Holds, LogFile, Tile};
use answer::{Answer, Keep, Refused};
pub use hosts::Hosts;
pub use witness::{WitnessError, open_witness};

/// The longest request to cosign, in bytes: a checkpoint with many post-quantum signatures and a proof.
const ADD_CHECKPOINT_BYTES_MAX: usize = tlog::NOTE_BYTES_MAX;
/// Files that are read or sent, and checkpoints that are cosigned, at once; a bundle can take 16 MiB of memory.
const WORK_MAX: usize = 16;
/// How long a request waits for its turn among these.
const TURN_TIME_MAX: Duration = Duration::from_secs(10);
/// The longest file of public keys: two keys take two thousand bytes.
const KEYS_BYTES_MAX: u64 = 64 * 1024;

const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";

/// What the port is made of, where there is no console on it.
pub struct PublicLogParts {
    /// The audit log; none where it is off.
    pub log: Option<Arc<Log>>,
    /// Who cosigns for others.
    pub witness: Arc<Witness>,
    /// Where the port listens: it decides which names are answered to and whether entries may be shown to strangers.
    pub listening: SocketAddr,
    /// Whether entries are shown to whoever asks from this machine.
    pub open_entries: bool,
    /// Measures how long a request waits.
    pub clock: Clock,
    /// Counts what blocks.
    pub tasks: Tasks,
}

/// What every request shares.
#[derive(Clone)]
struct PublicLog {
    log: Option<Arc<Log>>,
    witness: Arc<Witness>,
    hosts: Hosts,
    entries: Entries,
    clock: Clock,
    tasks: Tasks,
    work: Arc<Semaphore>,
}

/// Who is shown entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entries {
    /// Whoever comes: others have looked who that is.
    ToAll,
    /// Whoever asks from this machine, where the port listens there alone.
    Here,
    /// Nobody.
    ToNobody,
}

/// Everything that strangers are answered. Needs no socket.
pub fn router(parts: PublicLogParts) -> Router {
    routers(parts).0
}

/// The same, and beside it what those are answered who may see entries.
pub fn routers(parts: PublicLogParts) -> (Router, Router) {
    let PublicLogParts { log, witness, listening, open_entries, clock, tasks } = parts;
    let hosts = Hosts::new(listening);
    let entries = if open_entries && hosts.is_loopback() { Entries::Here } else { Entries::ToNobody };
    let work = Arc::new(Semaphore::new(WORK_MAX));
    let strangers = PublicLog { log, witness, hosts, entries, clock, tasks, work };
    let whole = PublicLog { entries: Entries::ToAll, ..strangers.clone() };
    // One grammar reads all paths, as they were sent: a second one in front of it could read them differently.
    let answering = |public| Router::new().fallback(respond).with_state(Arc::new(public));
    (answering(strangers), answering(whole))
}

/// Answers bytes that are no request, as the server hands them on.
pub fn refuse() -> Refuse {
    Arc::new(|Refusal { status, message, .. }| Refused::new(status, message).into_answer().into_response(false))
}

async fn respond(State(public): State<Arc<PublicLog>>, request: Request) -> Response {
    let without_body = request.method() == Method::HEAD;
    let answer = public.answer(request).await.unwrap_or_else(Refused::into_answer);
    answer.into_response(without_body)
}

impl PublicLog {
    async fn answer(&self, request: Request) -> Result<Answer, Refused> {
        self.hosts.check(request.headers()).map_err(|words| Refused::new(StatusCode::MISDIRECTED_REQUEST, words))?;
        let address = Address::of(request.uri().path()).ok_or_else(|| self.unknown(request.uri().path()))?;
        let methods = address.methods();
        if !methods.split(", ").any(|known| known == request.method().as_str()) {
            return Err(Refused::new(StatusCode::METHOD_NOT_ALLOWED, format!("this address takes {methods} alone"))
                .allowing(methods));
        }
        match address {
            Address::Front => Ok(Answer::new(TEXT, Keep::Never, self.front())),
            Address::Live => Ok(Answer::new("application/json", Keep::Never, r#"{"status":"live"}"#)),
            Address::Log(file) => self.log_file(file, forwarded(request.headers())).await,
            Address::AddCheckpoint => self.add_checkpoint(request.into_body()).await,
            Address::WitnessKeys => Ok(Answer::new(TEXT, Keep::Asked, one_a_line(self.witness.public_keys()))),
        }
    }

    fn unknown(&self, path: &str) -> Refused {
        let words = if path.starts_with("/log/") && self.log.is_none() {
            LOG_IS_OFF
        } else if path.starts_with("/log/tile/") {
            "this is no tile's path: `/log/tile/<level>/<index>` or `/log/tile/entries/<index>`, where the index is in groups \
             of three digits, such as `x001/x234/067`, and `.p/<width>` follows it for a partial tile"
        } else {
            "there is nothing here; `/` says what this port has"
        };
        Refused::new(StatusCode::NOT_FOUND, words)
    }

    /// The log's files, by C2SP `tlog-tiles`.
    async fn log_file(&self, file: LogFile, forwarded: bool) -> Result<Answer, Refused> {
        let log = self.log.as_ref().ok_or_else(|| Refused::new(StatusCode::NOT_FOUND, LOG_IS_OFF))?;
        match file {
            LogFile::Checkpoint => Ok(Answer::new(TEXT, Keep::Asked, log.checkpoint().to_string())),
            LogFile::Cosigned => match log.cosigned() {
                Some(cosigned) => Ok(Answer::new(TEXT, Keep::Asked, cosigned.to_string())),
                None => Err(Refused::new(StatusCode::NOT_FOUND, "no witness has cosigned this log yet")),
            },
            LogFile::Keys => Ok(Answer::new(TEXT, Keep::Asked, one_a_line(&*log.public_keys()))),
            LogFile::KeysUntil(size) => self.keys_until(log, size).await,
            LogFile::Tile(tile) => self.tile(log, tile, forwarded).await,
        }
    }

    async fn keys_until(&self, log: &Arc<Log>, size: u64) -> Result<Answer, Refused> {
        let turn = self.turn().await?;
        let path = log.dir().join(format!("key.pub.{size}"));
        let read = self.tasks.blocking("public log files", move || (read_keys(&path), turn)).await;
        match read {
            Some((Ok(keys), _)) => Ok(Answer::new(TEXT, Keep::Forever, keys)),
            Some((Err(error), _)) if error.kind() == std::io::ErrorKind::NotFound => {
                let words =
                    format!("no keys signed until size {size} and were then replaced; `/log/key.pub` has those of now");
                Err(Refused::new(StatusCode::NOT_FOUND, words))
            }
            Some((Err(error), _)) => Err(Refused::ours(format!("`key.pub.{size}` cannot be read: {error}"))),
            None => Err(Refused::ours("a file of keys was not read")),
        }
    }

    async fn tile(&self, log: &Arc<Log>, tile: Tile, forwarded: bool) -> Result<Answer, Refused> {
        let keep = match tile.holds {
            Holds::Hashes(_) => Keep::Forever,
            Holds::Entries if self.entries == Entries::ToAll => Keep::Never,
            Holds::Entries if self.entries == Entries::Here && !forwarded => Keep::ForeverHere,
            Holds::Entries => return Err(Refused::new(StatusCode::FORBIDDEN, ENTRIES_STAY_HERE)),
        };
        // Never more than what is signed: it alone is sure to stay as it is.
        let size = log.checkpoint().checkpoint.size;
        if !tile.is_in_tree(size) {
            let words = format!("the newest checkpoint's tree, of {size} entries, does not have this tile yet");
            return Err(Refused::new(StatusCode::NOT_FOUND, words));
        }
        let turn = self.turn().await?;
        let dir = log.dir().to_owned();
        let read =
            self.tasks.blocking("public log files", move || tiles::read(&dir, tile).map(|bytes| Held(bytes, turn)));
        match read.await {
            Some(Ok(held)) => Ok(Answer::new(BYTES, keep, Bytes::from_owner(held))),
            Some(Err(error @ tiles::Unread::NoCheckpoint)) => {
                Err(Refused::new(StatusCode::NOT_FOUND, error.to_string()))
            }
            Some(Err(error @ (tiles::Unread::Damaged(_) | tiles::Unread::Io { .. }))) => Err(Refused::ours(error)),
            None => Err(Refused::ours("a tile was not read")),
        }
    }

    /// C2SP `tlog-witness`: what it answers is the witness's, status and words.
    async fn add_checkpoint(&self, body: Body) -> Result<Answer, Refused> {
        if body.size_hint().lower() > ADD_CHECKPOINT_BYTES_MAX as u64 {
            return Err(too_long());
        }
        let body = Limited::new(body, ADD_CHECKPOINT_BYTES_MAX).collect().await.map_err(|error| unread(&*error))?;
        let body = String::from_utf8(body.to_bytes().into())
            .map_err(|_| Refused::new(StatusCode::BAD_REQUEST, "the request is not UTF-8"))?;
        let turn = self.turn().await?;
        let witness = Arc::clone(&self.witness);
        let asked = self.tasks.blocking("cosigning", move || (witness.add_checkpoint(&body), turn)).await;
        let Some((answer, _)) = asked else { return Err(Refused::ours("a checkpoint was not cosigned")) };
        if let tlog_witness::Answer::Failed(why) = &answer {
            return Err(Refused::ours(format!("nothing is cosigned until the next start: {why}")));
        }
        witness::tell(&answer);
        let status = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Ok(Answer::new(answer.content_type(), Keep::Never, answer.body()).with_status(status))
    }

    /// Waits for one of a few places, so that slow disks and slow readers cannot take all memory.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, Refused> {
        let waiting = Arc::clone(&self.work).acquire_owned();
        match self.clock.within(TURN_TIME_MAX, waiting).await {
            Some(Ok(turn)) => Ok(turn),
            Some(Err(_)) | None => Err(Refused::busy()),
        }
    }

    fn front(&self) -> String {
        let log = self.log.as_ref().map_or_else(
            || "  off: `[audit_log] mode = \"off\"`\n".to_owned(),
            |log| {
                let entries = match self.entries {
                    Entries::ToAll | Entries::Here => "",
                    Entries::ToNobody => " (to whoever has signed in and may see the log)",
                };
                format!(
                    "  {}, {} entries signed\n  /log/checkpoint                        the newest signed checkpoint\n  \
                     /log/cosigned                          the newest that witnesses have cosigned\n  \
                     /log/key.pub                           the keys that verify it; key.pub.<size>: those before a rotation\n  \
                     /log/tile/<level>/<index>[.p/<width>]  hashes\n  \
                     /log/tile/entries/<index>[.p/<width>]  entries{entries}\n",
                    log.origin(),
                    log.checkpoint().checkpoint.size,
                )
            },
        );
        format!(
            "관문 Gwanmun {}: what a stranger can check\n\naudit log (C2SP tlog-tiles)\n{log}\nwitness for other logs (C2SP \
             tlog-witness)\n  POST /witness/add-checkpoint           cosigns what extends what was cosigned before\n  \
             /witness/key.pub                       the keys that verify its cosignatures\n\n/health/live\n",
            env!("CARGO_PKG_VERSION"),
        )
    }
}

/// Whether a proxy says that it passes on what somebody else asked: then loopback is not where the answer goes.
pub fn forwarded(headers: &HeaderMap) -> bool {
    let passed_on = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];
    passed_on.iter().any(|name| headers.contains_key(*name))
}

const LOG_IS_OFF: &str = "the audit log is off here (`[audit_log] mode = \"off\"`): there is nothing to prove";
const ENTRIES_STAY_HERE: &str = "entries name teams and keys, so they are for those who have signed in to the console and may see \
    the log; `[audit_log] open_entries = true` gives them to everybody on this machine, where this port listens on a loopback \
    address, such as `[server] console = \"127.0.0.1:4001\"`, and to nobody through a proxy; checkpoints and hashes are for everybody";

/// Bytes, and their place among the few: freed when they are sent or given up.
struct Held(Vec<u8>, #[expect(dead_code, reason = "held, to be dropped with the bytes")] OwnedSemaphorePermit);

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn one_a_line(keys: &[VerifierKey]) -> String {
    keys.iter().flat_map(|key| [key.to_string(), "\n".to_owned()]).collect()
}

fn read_keys(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut keys = Vec::new();
    std::fs::File::open(path)?.take(KEYS_BYTES_MAX).read_to_end(&mut keys)?;
    Ok(keys)
}

fn too_long() -> Refused {
    let words = format!("the request is longer than {ADD_CHECKPOINT_BYTES_MAX} bytes");
    Refused::new(StatusCode::PAYLOAD_TOO_LARGE, words)
}

/// Why a body did not come whole.
fn unread(error: &(dyn std::error::Error + 'static)) -> Refused {
    if error.is::<http_body_util::LengthLimitError>() {
        return too_long();
    }
    match Refusal::behind(error) {
        Some(refusal) => Refused::new(refusal.status, refusal.message),
        None => Refused::new(StatusCode::BAD_REQUEST, "the request's body broke off"),
    }
}

#[cfg(test)]
mod tests;
