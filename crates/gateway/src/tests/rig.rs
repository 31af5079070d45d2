//! What every test of the road stands on.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use local_model::{
    EmbeddingModel, EmbeddingSettings, LocalModel, Settings,
    scripted::{self, Script},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tower::ServiceExt;

use crate::{
    app::{App, Parts},
    availability::Availability,
    clock::Clock,
    config::Config,
    destinations::remote::Ways,
    keys::{HashSecret, KeyRing},
    record::{Began, CommitmentSecret, Recorder, tests::entries},
    routes::router,
    tasks::Tasks,
};

/// A gateway without a socket.
pub(crate) struct Rig {
    pub(crate) router: Router,
    pub(crate) app: Arc<App>,
    pub(crate) key: String,
    pub(crate) tasks: Tasks,
    folder: tempfile::TempDir,
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Rig {
    /// A gateway with this model and these lines of configuration.
    pub(crate) fn new(script: Option<Script>, config: &str) -> Self {
        Self::with_clock(script, config, Clock::system())
    }

    /// As [`Rig::new`], at this clock's time.
    pub(crate) fn with_clock(script: Option<Script>, config: &str, clock: Clock) -> Self {
        Self::with_ways(script, config, clock, Ways::without_roots())
    }

    /// As [`Rig::with_clock`], with these ways outside.
    pub(crate) fn with_ways(script: Option<Script>, config: &str, clock: Clock, ways: Ways) -> Self {
        Self::with_models(script, None, config, clock, ways)
    }

    /// As [`Rig::new`], with a model of that name that makes vectors.
    pub(crate) fn with_embedder(script: Option<Script>, embedder: &str, config: &str) -> Self {
        Self::with_models(script, Some(embedder), config, Clock::system(), Ways::without_roots())
    }

    fn with_models(script: Option<Script>, embedder: Option<&str>, config: &str, clock: Clock, ways: Ways) -> Self {
        let config = Config::parse(config, "test.toml").unwrap();
        let tasks = Tasks::new(clock.clone());
        let folder = tempfile::tempdir().unwrap();
        Recorder::begin(folder.path(), &clock).unwrap();
        let secret = CommitmentSecret::new(&[9; CommitmentSecret::BYTES]);
        let began = Began { version: "test", config: config.version.hash() };
        let (recorder, _) = Recorder::open(folder.path(), secret, clock.clone(), began).unwrap();
        let keys = KeyRing::new(HashSecret::new(&[7; HashSecret::BYTES]));
        let key = keys.add_ephemeral("test", "team").unwrap().reveal().to_owned();
        let local = script.map(|script| {
            let told = clock.clone();
            let settings = Settings::new(Arc::new(move || told.now().since(crate::clock::Moment::default())));
            // To the step: what is guessed would come at once.
            let settings = Settings { speculation: false, ..settings };
            let (model, _running) = LocalModel::start(scripted::model(script), settings).unwrap();
            model
        });
        let told = clock.clone();
        let settings = EmbeddingSettings::new(Arc::new(move || told.now().since(crate::clock::Moment::default())));
        let embedder = embedder.map(|name| EmbeddingModel::start(scripted::embedder(name), settings).unwrap().0);
        let config = config.live();
        let availability = Availability::new(&clock, Arc::clone(&config));
        let tasks_kept = tasks.clone();
        let parts = Parts { config, keys, recorder, payloads: None, local, embedder, availability, clock, tasks };
        let app = App::with_ways(parts, ways).unwrap();
        Self { router: router(Arc::clone(&app)), app, key, tasks: tasks_kept, folder }
    }

    /// A request with the rig's key.
    pub(crate) fn request(&self, method: &str, path: &str, body: impl Into<String>) -> Request<Body> {
        Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            .body(Body::from(body.into()))
            .unwrap()
    }

    /// Sends a request; comes back with the answer's head and open body.
    pub(crate) async fn open(&self, request: Request<Body>) -> http::Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(&self, request: Request<Body>) -> Got {
        let (head, body) = self.open(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Got { status: head.status, headers: head.headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    /// Asks for a chat.
    pub(crate) async fn chat(&self, body: Value) -> Got {
        self.send(self.request("POST", "/v1/chat/completions", body.to_string())).await
    }

    /// Closes the log: from now on it takes nothing.
    pub(crate) fn end_log(&mut self) {
        // The second time it is closed already.
        let _ = self.app.recorder().close("test");
    }

    /// What the log holds of requests, once everything is written.
    pub(crate) fn entries(&mut self) -> Vec<Value> {
        self.end_log();
        let entries = entries(self.folder.path());
        entries
            .into_iter()
            .filter(|entry| matches!(entry["kind"].as_str(), Some("decision" | "refusal" | "outcome")))
            .collect()
    }

    /// The endings of the outcomes in the log, which holds one decision for each.
    pub(crate) fn endings(&mut self) -> Vec<String> {
        let entries = self.entries();
        let of = |kind: &str| entries.iter().filter(|entry| entry["kind"] == kind).cloned().collect::<Vec<_>>();
        let (decisions, outcomes) = (of("decision"), of("outcome"));
        assert_eq!(decisions.len(), outcomes.len(), "each decision has exactly one outcome: {entries:#?}");
        outcomes.iter().map(|outcome| outcome["ending"].as_str().unwrap().to_owned()).collect()
    }
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The data of each event, in order.
    pub(crate) fn events(&self) -> Vec<String> {
        self.body.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).map(str::to_owned).collect()
    }

    /// The JSON of each event but the end marker.
    pub(crate) fn chunks(&self) -> Vec<Value> {
        let events = self.events().into_iter().filter(|data| data != "[DONE]");
        events.map(|data| serde_json::from_str(&data).unwrap()).collect()
    }

    /// The text of one choice of a streamed chat.
    pub(crate) fn text_of(&self, choice: u64) -> String {
        let of_choice = |chunk: &Value| {
            let pieces = chunk["choices"].as_array().cloned().unwrap_or_default();
            pieces.into_iter().filter(|piece| piece["index"] == choice).collect::<Vec<_>>()
        };
        let pieces = self.chunks().iter().flat_map(of_choice).collect::<Vec<_>>();
        pieces.iter().filter_map(|piece| piece["delta"]["content"].as_str()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// What a fake remote does with a connection's bytes.
#[derive(Clone)]
pub(crate) enum Act {
    /// Sends these bytes.
    Send(String),
    /// Keeps the connection open and says nothing, until the other side closes.
    Stall,
    /// Waits for the next request on the same connection.
    Again,
}

/// A provider on a real socket that hears every byte and plays one part for every request.
pub(crate) struct FakeRemote {
    pub(crate) base_url: String,
    heard: Arc<Mutex<Vec<String>>>,
    closed: watch::Receiver<u32>,
}

impl FakeRemote {
    /// Plays `acts` for each connection, then closes it.
    pub(crate) async fn new(tasks: &Tasks, acts: Vec<Act>) -> Self {
        Self::in_turn(tasks, vec![(usize::MAX, acts)]).await
    }

    /// Plays each of `parts` for so many connections, one after the other.
    pub(crate) async fn in_turn(tasks: &Tasks, parts: Vec<(usize, Vec<Act>)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (closing, closed) = watch::channel(0);
        let told = Arc::clone(&heard);
        tasks.start("fake remote", |_| async move {
            for acts in parts.into_iter().flat_map(|(times, acts)| std::iter::repeat_n(acts, times)) {
                let Ok((mut stream, _)) = listener.accept().await else { return };
                play(&mut stream, &acts, &told).await;
                drop(stream);
                closing.send_modify(|count| *count += 1);
            }
        });
        Self { base_url, heard, closed }
    }

    /// The requests heard, head and body.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// How many connections have ended.
    pub(crate) fn ended(&self) -> u32 {
        *self.closed.borrow()
    }

    /// Waits until a connection has ended.
    pub(crate) async fn closed(&mut self) {
        self.closed.wait_for(|count| *count > 0).await.unwrap();
    }

    /// A configuration with this remote, which offers `far`.
    pub(crate) fn config(&self, policy: &str) -> String {
        let url = &self.base_url;
        format!(
            "[policy]\nuse = \"{policy}\"\n[[destination]]\nname = \"abroad\"\nbase_url = \"{url}\"\n\
             models = [{{ name = \"far\", upstream = \"far-upstream\" }}]\n"
        )
    }
}

/// Plays the acts of one connection.
async fn play(stream: &mut TcpStream, acts: &[Act], heard: &Mutex<Vec<String>>) {
    while let Some(request) = read_request(stream).await {
        heard.lock().unwrap().push(request);
        let mut again = false;
        for act in acts {
            match act {
                Act::Send(bytes) => stream.write_all(bytes.as_bytes()).await.unwrap(),
                Act::Stall => while stream.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {},
                Act::Again => again = true,
            }
        }
        if !again {
            return;
        }
    }
}

/// One request; nothing where the other side has closed.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.unwrap();
        bytes.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if read == 0 {
                return None;
            }
            continue;
        };
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Some(text);
        }
    }
}

/// The next frame of an open body, as text.
pub(crate) async fn next_text(body: &mut Body) -> Option<String> {
    let frame = body.frame().await?.unwrap();
    let bytes: Bytes = frame.into_data().unwrap();
    Some(String::from_utf8(bytes.to_vec()).unwrap())
}
