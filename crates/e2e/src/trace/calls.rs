//! Reads what `strace -f -yy -xx -s N` writes: each call's beginning and end, in the order in which the kernel showed them.
//! Knows calls, files and sockets; not what is in them.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The calls that are followed; the argument of `strace -e trace=`. Those by which bytes could reach a file or a socket without
/// being seen are among them, so that their use is noticed.
pub const TRACED: &str = "openat,open,creat,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg,sendfile,splice,\
                          copy_file_range,fdatasync,fsync,rename,renameat,renameat2,ftruncate,truncate,io_uring_setup";

/// A call, as it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// A file is opened; which, its end tells.
    Open {
        /// It is made where it is not there, or emptied where it is.
        fresh: bool,
    },
    /// Bytes are added.
    Write {
        /// To what.
        to: Target,
        /// Which.
        bytes: Vec<u8>,
    },
    /// What was written to a file, or the names in a folder, are to be durable.
    Sync(PathBuf),
    /// A file takes the place of another.
    Rename {
        /// Its name so far.
        from: PathBuf,
        /// Its name from then on.
        to: PathBuf,
    },
    /// Something by which bytes could pass unseen, and on what.
    Other(String, Target),
}

/// What a descriptor stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A file or folder.
    File(PathBuf),
    /// A TCP connection.
    Socket {
        /// Our end.
        ours: SocketAddr,
        /// The other end.
        theirs: SocketAddr,
    },
    /// A pipe, an event counter and the like.
    Else,
}

/// One thing that the kernel showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A thread has asked for something: nothing of it is done yet, all of it may be done at once.
    Begun(Call),
    /// What it had asked for last is done.
    Ended {
        /// What the kernel gave back; negative for an error.
        result: i64,
        /// The file, where one was opened.
        opened: Option<PathBuf>,
    },
}

/// An event, whose it is, and where it stands in the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    /// The line, from 1.
    pub(super) line: usize,
    /// The thread.
    pub(super) thread: u32,
    /// What happened.
    pub(super) event: Event,
}

/// All events of a trace; an error where a line is not understood: what is not understood could be what is looked for.
pub(super) fn read(trace: &str) -> Result<Vec<Shown>, String> {
    let mut events = Vec::new();
    for (line, text) in (1..).zip(trace.lines()) {
        let wrong = |what: &str| format!("line {line} of the trace: {what}: {}", text.get(..200).unwrap_or(text));
        let (thread, rest) = text.split_once(' ').ok_or_else(|| wrong("no thread"))?;
        let thread = thread.parse().map_err(|_| wrong("no thread"))?;
        let rest = rest.trim_start();
        // A signal, or the end of a thread.
        if rest.starts_with("---") || rest.starts_with("+++") {
            continue;
        }
        // The process ended while this thread was in its call: what the call did nobody was told.
        let (rest, cut_off) = rest.strip_suffix("<detached ...>").map_or((rest, false), |rest| (rest, true));
        let mut add = |event| events.push(Shown { line, thread, event });
        if cut_off && rest.starts_with("<... ") {
            continue;
        }
        if cut_off {
            add(Event::Begun(begun(rest).map_err(|what| wrong(&what))?));
        } else if rest.starts_with("<... ") {
            add(ended(rest).ok_or_else(|| wrong("no result"))?);
        } else if let Some(asked) = rest.strip_suffix("<unfinished ...>") {
            add(Event::Begun(begun(asked).map_err(|what| wrong(&what))?));
        } else {
            add(Event::Begun(begun(rest).map_err(|what| wrong(&what))?));
            add(ended(rest).ok_or_else(|| wrong("no result"))?);
        }
    }
    Ok(events)
}

/// `… = 16</path>`, `… = -1 ENOENT (No such file or directory)`, `… = ?` for a call that its thread's end cut off. No string
/// holds ` = `, as all are written in hex.
fn ended(text: &str) -> Option<Event> {
    let (_, result) = text.rsplit_once(" = ")?;
    let digits = result.split(|letter: char| !letter.is_ascii_digit() && letter != '-').next()?;
    let opened = match target(result) {
        Target::File(path) => Some(path),
        Target::Socket { .. } | Target::Else => None,
    };
    Some(Event::Ended { result: digits.parse().unwrap_or(-1), opened })
}

fn begun(text: &str) -> Result<Call, String> {
    let (name, arguments) = text.split_once('(').ok_or("no call")?;
    Ok(match name {
        "open" | "openat" | "creat" => {
            let flags = arguments.rsplit_once(" = ").map_or(arguments, |(before, _)| before);
            Call::Open { fresh: name == "creat" || flags.contains("O_TRUNC") || flags.contains("O_EXCL") }
        }
        "write" | "writev" | "sendto" | "sendmsg" => match strings(arguments) {
            Ok(bytes) => Call::Write { to: target(arguments), bytes: bytes.concat() },
            // Of no matter where nobody looks at the file.
            Err(Unread::Cut) => Call::Other(format!("{name} of more than `strace -s` shows"), target(arguments)),
            Err(other) => return Err(other.to_string()),
        },
        "fdatasync" | "fsync" => match target(arguments) {
            Target::File(path) => Call::Sync(path),
            other @ (Target::Socket { .. } | Target::Else) => Call::Other(name.to_owned(), other),
        },
        "rename" | "renameat" | "renameat2" => {
            let names = strings(arguments).map_err(|error| error.to_string())?;
            let [from, to] = names.as_slice() else { return Err("a rename of two names".to_owned()) };
            let path = |name: &Vec<u8>| PathBuf::from(String::from_utf8_lossy(name).into_owned());
            Call::Rename { from: path(from), to: path(to) }
        }
        // By a name instead of a descriptor.
        "truncate" => match strings(arguments).map_err(|error| error.to_string())?.first() {
            Some(name) => Call::Other(name_of(name), Target::File(String::from_utf8_lossy(name).into_owned().into())),
            None => Call::Other(name.to_owned(), Target::Else),
        },
        _ => Call::Other(name.to_owned(), target(arguments)),
    })
}

fn name_of(path: &[u8]) -> String {
    format!("truncate of {}", String::from_utf8_lossy(path))
}

/// What the first descriptor in the text stands for: `3<\x2f\x78>`, `9<TCP:[127.0.0.1:4000->127.0.0.1:50000]>`.
fn target(text: &str) -> Target {
    let after = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let Some(named) = after.strip_prefix('<').filter(|_| after.len() < text.len()) else { return Target::Else };
    if let Some(ends) = named.strip_prefix("TCP:[").and_then(|named| named.split_once("]>")) {
        let sides = ends.0.split_once("->").and_then(|(ours, theirs)| Some((ours.parse().ok()?, theirs.parse().ok()?)));
        return sides.map_or(Target::Else, |(ours, theirs)| Target::Socket { ours, theirs });
    }
    let path = named.split_once('>').and_then(|(name, _)| unhex(name));
    let path = path.and_then(|path| String::from_utf8(path).ok()).filter(|path| path.starts_with('/'));
    path.map_or(Target::Else, |path| Target::File(path.into()))
}

/// Why the strings of a call cannot be had.
enum Unread {
    /// Only their beginning is there.
    Cut,
    /// They are written in another way.
    NotHex,
    /// One has no end.
    NoEnd,
}

impl fmt::Display for Unread {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Cut => "a string was cut: give `strace` a larger `-s`",
            Self::NotHex => "a string that is not in hex: give `strace` an `-xx`",
            Self::NoEnd => "a string without end",
        })
    }
}

/// The strings among the arguments, in order.
fn strings(text: &str) -> Result<Vec<Vec<u8>>, Unread> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, from)) = rest.split_once('"') {
        let (string, after) = from.split_once('"').ok_or(Unread::NoEnd)?;
        if after.starts_with("...") {
            return Err(Unread::Cut);
        }
        found.push(unhex(string).ok_or(Unread::NotHex)?);
        rest = after;
    }
    Ok(found)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4);
    let mut rest = text.as_bytes();
    while let Some((escape, after)) = rest.split_first_chunk::<4>() {
        let [b'\\', b'x', high, low] = *escape else { return None };
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(digit(high)? << 4 | digit(low)?);
        rest = after;
    }
    rest.is_empty().then_some(bytes)
}
