//! A small web server on a loopback port: serves one file by Range, and cuts, lies or redirects by the path asked for.

use std::{
    fmt::Write as _,
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use crate::Digest;

/// One request as it was heard: method, path, `Range`, `Authorization`.
pub(super) type Heard = (String, String, Option<String>, Option<String>);

/// An answer, and how many bytes it says that it has.
pub(super) struct Reaction {
    pub(super) status: &'static str,
    pub(super) headers: String,
    pub(super) body: Vec<u8>,
    pub(super) length: usize,
}

pub(super) struct FakeWeb {
    pub(super) address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl FakeWeb {
    /// Serves `file` until the test's process ends.
    pub(super) fn serving(file: Vec<u8>) -> Self {
        Self::reacting(move |path, from, earlier| {
            let (status, headers, body) = reaction(path, &file, from, earlier);
            let length = body.len().max(declared(path, &file, from));
            Reaction { status, headers, body, length }
        })
    }

    /// Answers by the path, the byte asked from, and how often the path was asked for before.
    pub(super) fn reacting(react: impl Fn(&str, usize, usize) -> Reaction + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let log = heard.clone();
        let answer = move || {
            for stream in listener.incoming() {
                // A caller that hangs up is a caller's right.
                let _ = answer(&mut stream.unwrap(), &react, &log);
            }
        };
        thread::Builder::new().name("fake web".into()).spawn(answer).unwrap();
        Self { address, heard }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub(super) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// The `Range` of each GET in order.
    pub(super) fn ranges(&self) -> Vec<Option<String>> {
        self.heard().into_iter().filter(|heard| heard.0 == "GET").map(|heard| heard.2).collect()
    }
}

fn answer(
    stream: &mut TcpStream,
    react: &dyn Fn(&str, usize, usize) -> Reaction,
    log: &Mutex<Vec<Heard>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().trim_start_matches('/').to_owned());
    let (mut range, mut authorization) = (None, None);
    for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap();
        match name.to_lowercase().as_str() {
            "range" => range = Some(value.to_owned()),
            "authorization" => authorization = Some(value.to_owned()),
            _ => (),
        }
    }
    let earlier = log.lock().unwrap().iter().filter(|heard| heard.1 == path).count();
    log.lock().unwrap().push((method.clone(), path.clone(), range.clone(), authorization));
    let from = range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()).unwrap_or(0usize);
    let Reaction { status, headers, body, length } = react(&path, from, earlier);
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n")?;
    if method == "GET" { stream.write_all(&body) } else { Ok(()) }
}

/// Bytes that the answer says it has; more than it sends where it is to be cut.
fn declared(path: &str, file: &[u8], from: usize) -> usize {
    match path {
        "huge.gguf" => 1 << 60,
        path if path.starts_with("cut") => file.len() - from,
        _ => 0,
    }
}

fn reaction(path: &str, file: &[u8], from: usize, earlier: usize) -> (&'static str, String, Vec<u8>) {
    let rest = file.get(from..).unwrap_or_default().to_vec();
    let partial = |body: Vec<u8>| match from {
        0 => ("200 OK", String::new(), body),
        _ => {
            ("206 Partial Content", format!("Content-Range: bytes {from}-{}/{}\r\n", file.len() - 1, file.len()), body)
        }
    };
    let third = file.len() / 3;
    if from > 0 && from >= file.len() {
        let headers = format!("Content-Range: bytes */{}\r\n", file.len());
        return ("416 Range Not Satisfiable", headers, Vec::new());
    }
    match path {
        "cut.gguf" => partial(rest.into_iter().take(third + 1).collect()),
        "cut-once.gguf" if earlier == 0 => partial(rest.into_iter().take(third).collect()),
        "cut-for-ever.gguf" => partial(rest.into_iter().take(third.saturating_sub(from)).collect()),
        "cut-then-deaf.gguf" if earlier > 0 => ("200 OK", String::new(), file.to_vec()),
        "cut-then-deaf.gguf" => partial(rest.into_iter().take(third).collect()),
        "busy-once.gguf" if earlier == 0 => ("503 Service Unavailable", String::new(), Vec::new()),
        "missing.gguf" => ("404 Not Found", String::new(), Vec::new()),
        "gated.gguf" => ("403 Forbidden", String::new(), Vec::new()),
        "moved.gguf" => ("302 Found", "Location: /real.gguf\r\n".into(), Vec::new()),
        "loop.gguf" => ("302 Found", "Location: /loop.gguf\r\n".into(), Vec::new()),
        "downgrade.gguf" => ("302 Found", "Location: http://192.0.2.1/a.gguf\r\n".into(), Vec::new()),
        "changed.gguf" => partial(rest.iter().map(|byte| byte ^ 1).collect()),
        // What a hub does: its first answer describes the file and sends elsewhere for the bytes.
        path if path.starts_with("owner/repo/resolve/") => hub_reaction(path, file),
        _ => partial(rest),
    }
}

fn hub_reaction(path: &str, file: &[u8]) -> (&'static str, String, Vec<u8>) {
    let mut headers = "X-Repo-Commit: 0123456789abcdef\r\nLocation: /real.gguf\r\n".to_owned();
    match path.rsplit('/').next() {
        Some("missing.gguf") => return ("404 Not Found", String::new(), Vec::new()),
        Some("gated.gguf") => return ("401 Unauthorized", String::new(), Vec::new()),
        Some("small.gguf") => headers += "ETag: \"0123\"\r\n",
        Some("lying.gguf") => write!(headers, "X-Linked-Etag: \"{}\"\r\n", Digest::of(b"other")).unwrap(),
        _ => write!(headers, "X-Linked-Etag: \"{}\"\r\n", Digest::of(file)).unwrap(),
    }
    ("302 Found", headers, Vec::new())
}
