//! What stands before a log runs: its lock, its files held against each other, its entries read back, its last state signed.
//!
//! This file must not know threads. It overwrites nothing that it has not understood.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tlog::{Checkpoint, NOTE_BYTES_MAX, NoteError, Role, SignedCheckpoint, SigningKeys, parse_public_file};

use crate::cosigned::Cosigned;
use crate::disk::{Disk, read_whole, replace};
use crate::error::LogError;
use crate::log::Settings;
use crate::recover::{Resumed, Vouched, recover};
use crate::signer::persist_then_sign;
use crate::tiles::TileWriter;

/// Origins and key files are short; a checkpoint's limit is a note's.
pub(crate) const SMALL_BYTES_MAX: usize = 16 << 10;

/// A log that is sound and signed up to its last entry.
pub(crate) struct Opened {
    pub(crate) lock: Box<dyn Send + Sync>,
    pub(crate) origin: Arc<str>,
    pub(crate) keys: SigningKeys,
    pub(crate) newest: SignedCheckpoint,
    pub(crate) cosigned: Cosigned,
    pub(crate) resumed: Resumed,
}

/// Locks the directory, reads it and signs what it holds.
pub(crate) fn open_files(dir: &Path, settings: &Settings) -> Result<Opened, LogError> {
    let disk = &*settings.disk;
    let origin = read_origin(dir, disk)?;
    let lock_path = dir.join("lock");
    let lock = disk.lock(&lock_path).map_err(LogError::disk(&lock_path))?;
    let lock = lock.ok_or_else(|| LogError::Locked(dir.to_owned()))?;

    let newest = read_checkpoint(dir, disk, &origin)?;
    let keys = open_keys(dir, disk, &origin)?;
    check_signatures(dir, disk, &newest)?;
    let signed = read_signed(dir, disk, &origin)?;
    let vouched = [
        Vouched { path: dir.join("checkpoint"), checkpoint: newest.checkpoint.clone() },
        Vouched { path: dir.join("signed"), checkpoint: signed },
    ];
    let resumed = recover(disk, dir, &origin, &vouched, settings.scan_all)?;
    let now = (settings.clock)();
    let (newest, resumed) = sign_recovered(dir, disk, &keys, newest, resumed, now).map_err(LogError::disk(dir))?;
    // What witnesses have said can be asked for again: no reason not to start.
    let cosigned = match read_cosigned(dir, disk, &origin) {
        Err(LogError::File { .. }) => None,
        read => read?,
    };
    let cosigned = Cosigned::new(cosigned);
    Ok(Opened { lock, origin, keys, newest, cosigned, resumed })
}

/// The log's name; a directory without one is no log.
pub(crate) fn read_origin(dir: &Path, disk: &dyn Disk) -> Result<Arc<str>, LogError> {
    let path = dir.join("origin");
    let bytes = match disk.read(&path, 0, SMALL_BYTES_MAX) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(LogError::NotALog(dir.to_owned())),
        read => read.map_err(LogError::disk(&path))?,
    };
    let line = String::from_utf8(bytes).ok().and_then(|text| text.strip_suffix('\n').map(str::to_owned));
    let line = line.filter(|line| !line.is_empty() && !line.contains('\n'));
    line.map(Arc::from).ok_or_else(|| LogError::file(&path)(NoteError::new("it is not one line")))
}

/// The secret keys. Where a rotation was cut off after it had replaced them, the public file is completed.
fn open_keys(dir: &Path, disk: &dyn Disk, origin: &str) -> Result<SigningKeys, LogError> {
    let path = dir.join("key");
    let keys = SigningKeys::parse(origin, Role::Log, &read_text(disk, &path, SMALL_BYTES_MAX)?);
    let keys = keys.map_err(LogError::file(&path))?;
    let public_path = dir.join("key.pub");
    let public = read_text(disk, &public_path, SMALL_BYTES_MAX)?;
    if public == keys.to_public_file() {
        return Ok(keys);
    }
    for (_, old) in old_key_files(dir, disk)? {
        if read_text(disk, &old, SMALL_BYTES_MAX)? == public {
            replace(disk, &public_path, keys.to_public_file().as_bytes(), false)
                .map_err(LogError::disk(&public_path))?;
            return Ok(keys);
        }
    }
    Err(LogError::file(&public_path)(NoteError::new("its keys do not belong to those in `key`")))
}

/// The files `key.pub.<size>`, each with the size until which its keys signed.
fn old_key_files(dir: &Path, disk: &dyn Disk) -> Result<Vec<(u64, PathBuf)>, LogError> {
    let names = disk.list(dir).map_err(LogError::disk(dir))?;
    let sizes = names.iter().filter_map(|name| Some((name.strip_prefix("key.pub.")?.parse().ok()?, dir.join(name))));
    Ok(sizes.collect())
}

/// The newest checkpoint, not yet verified.
pub(crate) fn read_checkpoint(dir: &Path, disk: &dyn Disk, origin: &str) -> Result<SignedCheckpoint, LogError> {
    read_signed_checkpoint(&dir.join("checkpoint"), disk, origin)
}

/// The newest checkpoint that witnesses have cosigned, not yet verified; none before the first.
pub(crate) fn read_cosigned(dir: &Path, disk: &dyn Disk, origin: &str) -> Result<Option<SignedCheckpoint>, LogError> {
    match read_signed_checkpoint(&dir.join("cosigned"), disk, origin) {
        Err(LogError::Disk { error, .. }) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

fn read_signed_checkpoint(path: &Path, disk: &dyn Disk, origin: &str) -> Result<SignedCheckpoint, LogError> {
    let signed = SignedCheckpoint::parse(&read_text(disk, path, NOTE_BYTES_MAX)?).map_err(LogError::file(path))?;
    check_origin(&signed.checkpoint, origin).map_err(LogError::file(path))?;
    Ok(signed)
}

/// Whether both of a checkpoint's signatures hold under the keys of its time.
fn check_signatures(dir: &Path, disk: &dyn Disk, signed: &SignedCheckpoint) -> Result<(), LogError> {
    let path = dir.join("checkpoint");
    let mut files = vec![dir.join("key.pub")];
    let old = old_key_files(dir, disk)?.into_iter().filter(|(size, _)| *size >= signed.checkpoint.size);
    files.extend(old.map(|(_, file)| file));
    for file in files {
        let keys = parse_public_file(&read_text(disk, &file, SMALL_BYTES_MAX)?).map_err(LogError::file(&file))?;
        if signed.verify(&keys).map_err(LogError::file(&path))?.len() == 2 {
            return Ok(());
        }
    }
    Err(LogError::file(&path)(NoteError::new("it is not signed by both of the log's keys")))
}

fn read_signed(dir: &Path, disk: &dyn Disk, origin: &str) -> Result<Checkpoint, LogError> {
    let path = dir.join("signed");
    let signed = Checkpoint::parse(&read_text(disk, &path, SMALL_BYTES_MAX)?).map_err(LogError::file(&path))?;
    check_origin(&signed, origin).map_err(LogError::file(&path))?;
    Ok(signed)
}

fn check_origin(checkpoint: &Checkpoint, origin: &str) -> Result<(), NoteError> {
    if checkpoint.origin == origin {
        return Ok(());
    }
    Err(NoteError::new(format!("it is of the log `{}`, not of `{origin}`", checkpoint.origin)))
}

pub(crate) fn read_text(disk: &dyn Disk, path: &Path, limit: usize) -> Result<String, LogError> {
    let bytes = read_whole(disk, path, limit).map_err(LogError::disk(path))?;
    String::from_utf8(bytes).map_err(|_| LogError::file(path)(NoteError::new("it is not UTF-8")))
}

/// Brings the partial tiles and the checkpoint up to the last entry, so that all that was recovered can be proved at once.
fn sign_recovered(
    dir: &Path,
    disk: &dyn Disk,
    keys: &SigningKeys,
    newest: SignedCheckpoint,
    resumed: Resumed,
    now: Duration,
) -> io::Result<(SignedCheckpoint, Resumed)> {
    let mut tiles = TileWriter::resume(disk, dir, resumed.parts);
    tiles.write_partial()?;
    let (size, root) = (tiles.grown().size(), tiles.grown().edge.root());
    let (grown, mut unsettled) = tiles.into_parts();
    let newest = if newest.checkpoint.size < size {
        let checkpoint = Checkpoint { origin: newest.checkpoint.origin, size, root };
        let signed = persist_then_sign(disk, dir, keys, checkpoint, now.as_secs())?;
        replace(disk, &dir.join("checkpoint"), signed.to_string().as_bytes(), false)?;
        signed
    } else {
        newest
    };
    if resumed.whole {
        unsettled.finish(disk, dir)?;
    }
    Ok((newest, Resumed { parts: (grown, unsettled), ..resumed }))
}
