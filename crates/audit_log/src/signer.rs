//! The one thread that signs: at most once a second it reads what has become durable, writes tiles, persists what it is
//! about to sign, signs, and puts the checkpoint in place (`spec/audit_log.md`, section 3).
//!
//! It reads entries from the segments, as anybody else would: what is signed is what lies on the disk. An error of the disk
//! ends the whole log, as one of the writer's does. This file must not know what entries say.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tlog::{Checkpoint, Note, Signature, SignedCheckpoint, SigningKeys, VerifierKey};

use crate::cosigned::{Cosigned, merge};
use crate::disk::{Disk, explain, replace};
use crate::segment::{self, HEADER_BYTES, Record};
use crate::tiles::{Parts, TileWriter};
use crate::writer::{Clock, Shared, Stage};

/// Bytes read from a segment at once: many records, and always a whole one.
const READ_BYTES: usize = 1 << 20;

/// What the signer gives to everybody else.
pub(crate) struct Published {
    /// Held while files are replaced, so that nobody replaces one with an older; who only looks does not wait for the disk.
    replacing: Mutex<Cosigned>,
    /// The newest checkpoint.
    newest: Mutex<Arc<SignedCheckpoint>>,
    /// The newest that witnesses have cosigned.
    cosigned: Mutex<Option<Arc<SignedCheckpoint>>>,
    /// New keys, waiting to take over.
    rotation: Mutex<Option<SigningKeys>>,
    /// The keys that verify what is signed now.
    public: Mutex<Arc<[VerifierKey; 2]>>,
}

impl Published {
    pub(crate) fn new(newest: SignedCheckpoint, cosigned: Cosigned, public: [VerifierKey; 2]) -> Published {
        let (newest, kept) = (Mutex::new(Arc::new(newest)), Mutex::new(cosigned.kept()));
        Published {
            replacing: Mutex::new(cosigned),
            newest,
            cosigned: kept,
            rotation: Mutex::new(None),
            public: Mutex::new(Arc::new(public)),
        }
    }

    pub(crate) fn newest(&self) -> Arc<SignedCheckpoint> {
        Arc::clone(&self.newest.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn cosigned(&self) -> Option<Arc<SignedCheckpoint>> {
        self.cosigned.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn public(&self) -> Arc<[VerifierKey; 2]> {
        Arc::clone(&self.public.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn rotate(&self, keys: SigningKeys) {
        *self.rotation.lock().unwrap_or_else(PoisonError::into_inner) = Some(keys);
    }

    fn take_rotation(&self) -> Option<SigningKeys> {
        self.rotation.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn rotation_waits(&self) -> bool {
        self.rotation.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn replace(&self, disk: &dyn Disk, dir: &Path, signed: SignedCheckpoint) -> io::Result<()> {
        let _replacing = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        self.put(disk, dir, signed)
    }

    fn put(&self, disk: &dyn Disk, dir: &Path, signed: SignedCheckpoint) -> io::Result<()> {
        replace(disk, &dir.join("checkpoint"), signed.to_string().as_bytes(), false)?;
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(signed);
        Ok(())
    }

    /// Keeps signatures of `asked` by witnesses: with the newest checkpoint, if it is still this one, and in `cosigned`.
    pub(crate) fn add_signatures(
        &self,
        disk: &dyn Disk,
        dir: &Path,
        asked: &SignedCheckpoint,
        signatures: &[Signature],
    ) -> io::Result<()> {
        let mut cosigned = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = self.newest();
        if newest.note.text == asked.note.text {
            let mut signed = SignedCheckpoint::clone(&newest);
            merge(&mut signed, signatures);
            self.put(disk, dir, signed)?;
        }
        if let Some(signed) = cosigned.add(asked, signatures) {
            replace(disk, &dir.join("cosigned"), signed.to_string().as_bytes(), false)?;
            cosigned.keep(signed);
            *self.cosigned.lock().unwrap_or_else(PoisonError::into_inner) = cosigned.kept();
        }
        Ok(())
    }
}

/// What the signer's thread owns.
pub(crate) struct Signer {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) clock: Clock,
    pub(crate) every: Duration,
    pub(crate) keys: SigningKeys,
    /// The next record to read: the first index of its segment, and the byte in it.
    pub(crate) position: (u64, u64),
    pub(crate) parts: Parts,
}

impl Signer {
    /// Runs until the log is closed and all of it is signed, or it fails.
    pub(crate) fn run(self, shared: &Shared, published: &Published) {
        let Signer { disk, dir, clock, every, mut keys, mut position, parts } = self;
        let mut tiles = TileWriter::resume(&*disk, &dir, parts);
        let origin = published.newest().checkpoint.origin.clone();
        while let Some(durable) = wait_for_more(shared, published, tiles.grown().size()) {
            let begun = clock();
            let mut step = || -> io::Result<()> {
                if let Some(new) = published.take_rotation() {
                    replace_keys(&*disk, &dir, tiles.grown().size(), &keys, &new)?;
                    keys = new;
                    *published.public.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys.public().clone());
                }
                read_until(&*disk, &dir, &mut position, durable, &mut tiles, &origin)?;
                tiles.write_partial()?;
                let checkpoint = Checkpoint { origin: origin.clone(), size: durable, root: tiles.grown().edge.root() };
                let signed = persist_then_sign(&*disk, &dir, &keys, checkpoint, clock().as_secs())?;
                published.replace(&*disk, &dir, signed)?;
                shared.tell_of_checkpoint();
                // The time until the next checkpoint is there for what no checkpoint waits for.
                tiles.unsettled.work(&*disk, &dir, || clock().saturating_sub(begun) < every)
            };
            if let Err(error) = step() {
                shared.fail(&format!("`{}`: {}", dir.display(), explain(&error)));
                return;
            }
            pause(shared, every.saturating_sub(clock().saturating_sub(begun)));
        }
        if shared.state().stage == Stage::Closing
            && let Err(error) = tiles.unsettled.finish(&*disk, &dir)
        {
            shared.fail(&format!("`{}`: {}", dir.display(), explain(&error)));
        }
    }
}

/// Persists the size and the root, and only then signs them.
pub(crate) fn persist_then_sign(
    disk: &dyn Disk,
    dir: &Path,
    keys: &SigningKeys,
    checkpoint: Checkpoint,
    seconds: u64,
) -> io::Result<SignedCheckpoint> {
    let text = checkpoint.to_string();
    replace(disk, &dir.join("signed"), text.as_bytes(), false)?;
    let signatures = keys.sign(&text, &checkpoint, seconds).map_err(io::Error::other)?.into();
    Ok(SignedCheckpoint { checkpoint, note: Note { text, signatures } })
}

/// Sleeps until more is durable than signed, or new keys wait; none when there will be no more.
fn wait_for_more(shared: &Shared, published: &Published, signed: u64) -> Option<u64> {
    let mut state = shared.state();
    loop {
        match state.stage {
            Stage::Failed(_) => return None,
            Stage::Closing if state.writer_ended && state.durable == signed => return None,
            Stage::Running | Stage::Closing => {}
        }
        // The writer goes first: its last batch belongs under the last checkpoint.
        let ready = state.stage == Stage::Running || state.writer_ended;
        if ready && (state.durable > signed || published.rotation_waits()) {
            return Some(state.durable);
        }
        state.signer_sleeps = true;
        state = shared.progress.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Waits until the next checkpoint may follow; an ending log does not wait.
fn pause(shared: &Shared, every: Duration) {
    let state = shared.state();
    let waited = shared.progress.wait_timeout_while(state, every, |state| state.stage == Stage::Running);
    drop(waited.unwrap_or_else(PoisonError::into_inner));
}

/// Reads records from the segments into the tree until it has this size.
fn read_until(
    disk: &dyn Disk,
    dir: &Path,
    (first, offset): &mut (u64, u64),
    size: u64,
    tiles: &mut TileWriter<'_>,
    origin: &str,
) -> io::Result<()> {
    while tiles.grown().size() < size {
        let path = dir.join("segments").join(segment::file_name(*first));
        let bytes = disk.read(&path, *offset, READ_BYTES)?;
        let mut rest = bytes.as_slice();
        while tiles.grown().size() < size
            && let Some(record) = Record::read(rest)
        {
            tiles.add(record.leaf, record.entry)?;
            rest = rest.get(record.bytes()..).unwrap_or_default();
        }
        let taken = bytes.len() - rest.len();
        *offset += taken as u64;
        if taken == 0 {
            if !bytes.is_empty() || *first == tiles.grown().size() {
                let what = format!("`{}`, byte {offset}: a durable entry can't be read back", path.display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            // The segment ends here, and the next is named by the entry that comes.
            tiles.end_segment(origin);
            (*first, *offset) = (tiles.grown().size(), HEADER_BYTES as u64);
        }
    }
    Ok(())
}

/// Puts new keys in the place of the old. The secret one decides: a start that finds the other files behind completes them.
fn replace_keys(disk: &dyn Disk, dir: &Path, size: u64, old: &SigningKeys, new: &SigningKeys) -> io::Result<()> {
    replace(disk, &dir.join(format!("key.pub.{size}")), old.to_public_file().as_bytes(), false)?;
    replace(disk, &dir.join("key"), new.to_file().as_bytes(), true)?;
    replace(disk, &dir.join("key.pub"), new.to_public_file().as_bytes(), false)
}
