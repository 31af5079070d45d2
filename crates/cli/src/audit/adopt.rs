//! `gwanmun audit adopt`: a data directory of the earlier form, which kept a plain record, gets a log whose first entry says what
//! that record was. The record stays as it is.
//!
//! All that is new is made aside, and the log comes last: until then the directory is of the earlier form, and this may be
//! run again. A log is never made where one may have been lost.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use audit_log::{Action, Administration, Body, Text, Word};
use clap::Args;
use gateway::{clock::Clock, data_dir::DataDir};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    lines::{counted, grouped},
    opened,
    place::{EARLIER, LOG},
};
use crate::{
    failure::{Answer, Failure},
    place::Place,
    terminal::Terminal,
};

/// Where the new parts are made; it is gone when they are in their place.
const ASIDE: &str = ".adopting";
/// What the form before did not have. The log last: it makes the rest count.
const NEW: [&str; 4] = ["payload.secret", "payloads", "witness", LOG];
/// Held by whoever serves from the directory.
const LOCK: &str = "lock";

/// Make the log of a data directory that kept a plain record, and say in it what that record was
#[derive(Args)]
pub(super) struct Adopt {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What the earlier record is, as the log's first entry says it.
#[derive(Serialize)]
struct Adopted {
    index: u64,
    record: &'static str,
    sha256: String,
    bytes: u64,
    lines: u64,
}

impl Adopt {
    pub(super) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let data_dir = place.data_dir();
        let record = data_dir.join(EARLIER);
        check(&data_dir, &record)?;
        let _held = hold(&data_dir)?;
        let mut adopted = read(&record).map_err(told("read", &record))?;
        let aside = data_dir.join(ASIDE);
        clear(&data_dir, &aside).map_err(told("clear", &aside))?;
        DataDir::join(&aside, &Clock::system())?;
        adopted.index = write_entry(&aside.join(LOG), &adopted)?;
        let moved = NEW.iter().try_for_each(|part| fs::rename(aside.join(part), data_dir.join(part)));
        moved
            .and_then(|()| File::open(&data_dir)?.sync_all())
            .and_then(|()| fs::remove_dir_all(&aside))
            .map_err(told("finish", &data_dir))?;
        if self.json {
            terminal.json(&adopted)?;
            return Ok(Answer::Yes);
        }
        let lines = counted(adopted.lines, "line", "lines");
        writeln!(
            terminal.out(),
            "the log begins with what {} was: {lines}, SHA-256 {}",
            record.display(),
            adopted.sha256
        )?;
        terminal.note(&format!(
            "entry {} says so; the record stays as it is: keep it ({} bytes)",
            adopted.index,
            grouped(adopted.bytes)
        ));
        Ok(Answer::Yes)
    }
}

/// Whether the directory is of the earlier form, and has no log that could have been lost.
fn check(data_dir: &Path, record: &Path) -> Result<(), Failure> {
    let shown = data_dir.display();
    if data_dir.join(LOG).exists() {
        return Err(Failure::trouble(format!("`{shown}` has a log already")).hint("`gwanmun audit show` shows it"));
    }
    if !record.is_file() {
        return Err(Failure::trouble(format!("`{shown}` holds no earlier record: there is no file `{EARLIER}`"))
            .hint("name the data directory with `--data-dir`; a new one needs no adopting"));
    }
    let later = NEW.iter().map(|part| data_dir.join(part)).find(|part| part.exists());
    match later.filter(|_| !unfinished(data_dir)) {
        None => Ok(()),
        Some(part) => Err(Failure::trouble(format!(
            "`{shown}` has lost its log: `{}` is there, which came with one",
            part.display()
        ))
        .hint("restore the data directory from a copy; a log is never made anew over a lost one")),
    }
}

/// Whether an adoption did not come to its end: the log is the last to leave the place where it was made.
fn unfinished(data_dir: &Path) -> bool {
    data_dir.join(ASIDE).join(LOG).exists()
}

/// Keeps servers out, also those of the version before.
fn hold(data_dir: &Path) -> Result<File, Failure> {
    let path = data_dir.join(LOCK);
    let lock = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let lock = lock.map_err(told("open", &path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            Err(Failure::trouble(format!("`{}` is in use by a server", data_dir.display()))
                .hint("end it first: the record must be whole"))
        }
        Err(TryLockError::Error(error)) => Err(told("lock", &path)(error)),
    }
}

/// Hash, length and lines of the earlier record.
fn read(record: &Path) -> io::Result<Adopted> {
    let mut file = File::open(record)?;
    let mut hash = Sha256::new();
    let (mut bytes, mut lines) = (0_u64, 0_u64);
    let mut room = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut room)?;
        let read = room.get(..count).unwrap_or_default();
        if read.is_empty() {
            break;
        }
        hash.update(read);
        bytes += read.len() as u64;
        lines += read.split(|byte| *byte == b'\n').skip(1).count() as u64;
    }
    Ok(Adopted { index: 0, record: EARLIER, sha256: hex::encode(hash.finalize()), bytes, lines })
}

/// Removes what an adoption left that did not come to its end. Nothing of it was ever in use: the log comes last.
fn clear(data_dir: &Path, aside: &Path) -> io::Result<()> {
    if !aside.exists() {
        return Ok(());
    }
    for part in NEW.iter().filter(|_| unfinished(data_dir)).map(|part| data_dir.join(part)) {
        if part.is_dir() {
            fs::remove_dir_all(&part)?;
        } else if part.exists() {
            fs::remove_file(&part)?;
        }
    }
    fs::remove_dir_all(aside)
}

/// Writes the first entry of the new log; gives its index.
fn write_entry(log: &Path, adopted: &Adopted) -> Result<u64, Failure> {
    let detail = [
        ("sha256", adopted.sha256.clone()),
        ("bytes", adopted.bytes.to_string()),
        ("lines", adopted.lines.to_string()),
    ];
    let named = |(name, value): (&str, String)| Some((Word::new(name).ok()?, Text::of(&value)));
    let entry = Body::Administration(Administration {
        action: Action::RecordAdopt,
        subject: Text::of(adopted.record),
        by: opened::by(),
        detail: detail.into_iter().filter_map(named).collect(),
    });
    let Some((opened, _)) = opened::open(log, opened::settings())? else {
        return Err(Failure::trouble(format!("`{}` is held by another process", log.display())));
    };
    let appended = opened.append_and_wait(&entry)?;
    opened::close(&opened)?;
    Ok(appended.index)
}

fn told(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Failure + use<> {
    let path: PathBuf = path.to_owned();
    move |error| Failure::trouble(format!("cannot {doing} `{}`: {error}", path.display()))
}
