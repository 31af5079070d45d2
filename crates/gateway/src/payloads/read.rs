//! Reading a payload back: for an operator's command, beside the process that may be writing (`spec/payloads.md`, section 6).
//!
//! Takes nothing on trust but the keys: bytes come out only if they open in their place. Writes nothing.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::ANSWER_BYTES_MAX;
use super::form::{
    FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FileHeader, FrameHeader, Part, Place, RequestTag, file_number,
};
use super::keys::{FileKey, KeyId, Month, OriginHash, PayloadSecret};
use super::table::{Row, State, Table};
use crate::database::{Database, DatabaseError};

/// How long a serving process may seal under a key that is destroyed: the second it has to learn of it, and another for its
/// clock.
const FORGETTING: SignedDuration = SignedDuration::from_secs(2);

/// Which payload: what the decision's entry says of it.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The request's id.
    pub request_id: &'a str,
    /// The team.
    pub team: &'a str,
    /// When it was decided.
    pub at: Timestamp,
}

/// A payload, read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The request's body.
    pub request: KeptPart,
    /// The answer's body; none if there are no bytes of one.
    pub answer: Option<KeptPart>,
    /// What was found damaged on the way, where a part is not whole or not there: it may be why.
    pub damage: Option<Damage>,
}

/// A request or an answer.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptPart {
    /// What is there, from its beginning.
    pub bytes: Vec<u8>,
    /// Whether that is all: the part's end is there. It is not when the process died before.
    pub whole: bool,
}

/// Bytes of a sealed file that are not as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// Where in it.
    pub offset: u64,
    /// What is wrong there.
    pub what: &'static str,
}

/// Why there is nothing to give.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Its key was destroyed.
    #[error("the payload was erased at {at:.0}: its key is destroyed, and nobody can read it any more")]
    Erased {
        /// When.
        at: Timestamp,
    },
    /// There is none.
    #[error("no payload of the request `{}` is kept: `[audit_log] payloads` was not `sealed` then, or its files were taken away", request_id.escape_debug())]
    NotKept {
        /// As it was asked for.
        request_id: String,
    },
    /// There may be one, but not to be read.
    #[error("`{}` is damaged at byte {} ({}): restore it from a copy", .0.path.display(), .0.offset, .0.what)]
    Damaged(Damage),
    /// Its key was wrapped by another secret.
    #[error(
        "the payload key {id} does not open with `payload.secret`: restore the secret or the database from the same copy"
    )]
    Foreign {
        /// The key.
        id: String,
    },
    /// A file could not be read.
    #[error("`{}` cannot be read: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Reads the payload of one request from `folder`, the data directory's `payloads/`, for the log of that origin. It reads
/// files where it is called: not for a thread that must not block.
pub async fn read(
    folder: &Path,
    secret: &PayloadSecret,
    database: &Database,
    origin: &str,
    wanted: Wanted<'_>,
) -> Result<Kept, ReadError> {
    let origin = OriginHash::of(origin);
    let table = Table { database: database.clone(), secret: secret.clone(), origin };
    let rows = table.of_team(wanted.team).await?;
    let at = Month::of(wanted.at);
    let mut months: Vec<Month> = rows.iter().map(|row| row.month).collect();
    months.sort_by_key(|month| (month.distance(at), *month));
    months.dedup();
    let tag = RequestTag::of(wanted.request_id);
    let keys: HashMap<KeyId, Row> = rows.into_iter().map(|row| (row.id, row)).collect();
    let mut search = Search { origin, tag, keys: &keys, found: Found::default() };
    for month in months {
        search.month(&folder.join(month.to_string()))?;
        if search.found.anything() {
            break;
        }
    }
    let found = search.found;
    if let Some(error) = found.locked {
        return Err(error);
    }
    let Found { request: Some(request), answer, damage, .. } = found else {
        // What was sealed after its key had been destroyed was not even written.
        let erased = |row: &Row| match row.state {
            State::Destroyed(gone) if row.month == at && row.created_at <= wanted.at => {
                gone.checked_add(FORGETTING).is_ok_and(|gone| gone >= wanted.at).then_some(gone)
            }
            State::Destroyed(_) | State::InForce(_) | State::Foreign => None,
        };
        return Err(match (found.damage, keys.values().filter_map(erased).min()) {
            (Some(damage), _) => ReadError::Damaged(damage),
            (None, Some(at)) => ReadError::Erased { at },
            (None, None) => ReadError::NotKept { request_id: wanted.request_id.to_owned() },
        });
    };
    let complete = request.whole && answer.as_ref().is_some_and(|answer| answer.whole);
    Ok(Kept { request, answer, damage: damage.filter(|_| !complete) })
}

struct Search<'a> {
    origin: OriginHash,
    tag: RequestTag,
    keys: &'a HashMap<KeyId, Row>,
    found: Found,
}

#[derive(Default)]
struct Found {
    request: Option<KeptPart>,
    answer: Option<KeptPart>,
    /// The numbers of the next frames of request and answer.
    next: (u32, u32),
    /// A frame is there that no key opens: why.
    locked: Option<ReadError>,
    /// The first damage.
    damage: Option<Damage>,
}

impl Found {
    fn anything(&self) -> bool {
        self.request.is_some() || self.answer.is_some() || self.locked.is_some()
    }

    fn complete(&self) -> bool {
        [&self.request, &self.answer].into_iter().all(|part| part.as_ref().is_some_and(|part| part.whole))
    }

    /// Takes what a frame holds, if it is the next of its part; otherwise says what is wrong.
    fn take(&mut self, place: Place, text: &[u8]) -> Result<(), &'static str> {
        let (part, next) = match place.part {
            Part::Request => (&mut self.request, &mut self.next.0),
            Part::Answer => (&mut self.answer, &mut self.next.1),
        };
        if place.number != *next || part.as_ref().is_some_and(|part| part.whole) {
            return Err("a piece is missing before this one, or it comes twice");
        }
        let part = part.get_or_insert_with(|| KeptPart { bytes: Vec::new(), whole: false });
        if (part.bytes.len() + text.len()) as u64 > ANSWER_BYTES_MAX {
            return Err("more than is ever kept of a request");
        }
        part.bytes.extend_from_slice(text);
        part.whole = place.last;
        *next += 1;
        Ok(())
    }
}

impl Search<'_> {
    /// Looks through the files of a month, in their order.
    fn month(&mut self, folder: &Path) -> Result<(), ReadError> {
        let told = |error| ReadError::Io { path: folder.to_owned(), error };
        let names = match fs::read_dir(folder) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(told(error)),
        };
        let mut files = BTreeMap::new();
        for entry in names {
            let entry = entry.map_err(told)?;
            if let Some(number) = file_number(&entry.file_name().to_string_lossy()) {
                files.insert(number, entry.path());
            }
        }
        let mut before = 0;
        for (number, path) in files {
            if number != before + 1 {
                self.damaged(&path, 0, "the file before it is missing");
            }
            before = number;
            if self.found.complete() {
                break;
            }
            let lost = self.file(number, &path).map_err(|error| ReadError::Io { path: path.clone(), error })?;
            if let Some((offset, what)) = lost {
                self.damaged(&path, offset, what);
            }
        }
        Ok(())
    }

    /// Looks through a file, to its end or to where it cannot be followed; gives where that is, and why.
    fn file(&mut self, number: u64, path: &Path) -> io::Result<Option<(u64, &'static str)>> {
        let mut reader = BufReader::new(File::open(path)?);
        let length = reader.get_ref().metadata()?.len();
        let mut first = [0; FILE_HEADER_BYTES];
        if !fill(&mut reader, &mut first)? || first == [0; FILE_HEADER_BYTES] {
            // A process that died while it began the file.
            return Ok(None);
        }
        let header = match FileHeader::parse(&first, self.origin) {
            Some(header) if header.number == number => header,
            Some(_) => return Ok(Some((0, "the number in it is not that of its name"))),
            None => return Ok(Some((0, "it does not begin as a sealed file of this log"))),
        };
        let (mut opened, mut sealed) = (HashMap::new(), Vec::new());
        let (mut offset, mut bytes) = (FILE_HEADER_BYTES as u64, [0; FRAME_HEADER_BYTES]);
        for expected in 0.. {
            if !fill(&mut reader, &mut bytes)? {
                break;
            }
            let Some(frame) = FrameHeader::parse(&bytes) else {
                let torn = bytes == [0; FRAME_HEADER_BYTES] && zeros_to_the_end(&mut reader)?;
                return Ok((!torn).then_some((offset, "no piece begins here")));
            };
            if frame.number != expected {
                return Ok(Some((offset, "a piece is missing before this one, or it comes twice")));
            }
            let after = offset + FRAME_HEADER_BYTES as u64 + u64::from(frame.sealed_bytes);
            if after > length {
                // A process that died while it wrote this.
                break;
            }
            if let Some(row) = self.keys.get(&frame.key).filter(|_| frame.request == self.tag) {
                sealed.resize(usize::try_from(frame.sealed_bytes).map_err(io::Error::other)?, 0);
                reader.read_exact(&mut sealed)?;
                if let Err(what) = self.open(row, &header, &frame, &bytes, &mut sealed, &mut opened) {
                    // The pieces behind it can still be followed.
                    self.damaged(path, offset, what);
                }
            } else {
                reader.seek_relative(i64::from(frame.sealed_bytes))?;
            }
            offset = after;
        }
        Ok(None)
    }

    /// Opens a frame of the request that is wanted, and takes what it holds; otherwise says what is wrong.
    fn open(
        &mut self,
        row: &Row,
        file: &FileHeader,
        frame: &FrameHeader,
        bound: &[u8],
        sealed: &mut [u8],
        opened: &mut HashMap<KeyId, FileKey>,
    ) -> Result<(), &'static str> {
        const NOT_OPEN: &str = "the piece does not open: it was changed or moved";
        let key = match &row.state {
            State::InForce(key) => key,
            State::Destroyed(at) => {
                self.found.locked = Some(ReadError::Erased { at: *at });
                return Ok(());
            }
            State::Foreign => {
                self.found.locked = Some(ReadError::Foreign { id: row.id.to_string() });
                return Ok(());
            }
        };
        let key = match opened.entry(row.id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(key.file_key(self.origin, row.id, file).map_err(|_| NOT_OPEN)?),
        };
        let text = key.open(frame.number, bound, sealed).map_err(|_| NOT_OPEN)?;
        self.found.take(frame.place, text)
    }

    fn damaged(&mut self, path: &Path, offset: u64, what: &'static str) {
        self.found.damage.get_or_insert_with(|| Damage { path: path.to_owned(), offset, what });
    }
}

impl std::fmt::Debug for KeptPart {
    /// Its length only: what was said is for whoever asked for it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptPart").field("bytes", &self.bytes.len()).field("whole", &self.whole).finish()
    }
}

/// Reads as many bytes as `bytes` holds; false if the file ends before.
fn fill(reader: &mut impl io::Read, bytes: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    }
}

/// Whether nothing but zeros follows: what a file system leaves that lost its power before the bytes were written.
fn zeros_to_the_end(reader: &mut impl io::BufRead) -> io::Result<bool> {
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(true);
        }
        if bytes.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        let read = bytes.len();
        reader.consume(read);
    }
}
