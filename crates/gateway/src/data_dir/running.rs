//! How another command on the machine finds the running server, and a key that is good for as long as it runs.
//!
//! What a server left that died is not believed: only a server that holds the lock is running.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{DataDir, DataDirError, LOCK, PRIVATE_FOLDER, RUN, told, write_private};
use crate::keys::KeyText;

const SERVER: &str = "server.json";
const ASK_KEY: &str = "ask.key";

/// A server that runs on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Where its API is, such as `http://127.0.0.1:4000`.
    pub url: String,
    /// Its process.
    pub pid: u32,
    /// A key that it takes for as long as it runs.
    pub key: KeyText,
}

/// The announcement of this process; taken back when dropped.
#[derive(Debug)]
pub struct Announced {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Server {
    url: String,
    pid: u32,
}

impl DataDir {
    /// Tells other commands on the machine that this process serves at `url`, and gives them `key`.
    pub fn announce(&self, url: &str, key: &KeyText) -> Result<Announced, DataDirError> {
        let folder = self.path.join(RUN);
        let aside = self.path.join(".run.making");
        let server = Server { url: url.to_owned(), pid: std::process::id() };
        let fill = || {
            forget_folder(&aside)?;
            forget_folder(&folder)?;
            DirBuilder::new().mode(PRIVATE_FOLDER).create(&aside)?;
            write_private(&aside.join(ASK_KEY), key.reveal().as_bytes())?;
            write_private(&aside.join(SERVER), &serde_json::to_vec(&server)?)?;
            fs::rename(&aside, &folder)
        };
        fill().map_err(|error| told(&folder, error))?;
        Ok(Announced { folder })
    }

    /// The server that runs from the data directory at `path`, if one does.
    pub fn running(path: &Path) -> Option<Running> {
        // A running server holds the lock; whoever can take it has shown that there is none.
        let lock = File::open(path.join(LOCK)).ok()?;
        if !matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)) {
            return None;
        }
        let folder = path.join(RUN);
        let server: Server = serde_json::from_slice(&fs::read(folder.join(SERVER)).ok()?).ok()?;
        let key = KeyText::parse(&fs::read(folder.join(ASK_KEY)).ok()?).ok()?;
        Some(Running { url: server.url, pid: server.pid, key })
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        // If it stays, it is not believed.
        let _ = forget_folder(&self.folder);
    }
}

/// Removes what a server left that died.
pub(super) fn forget(folder: &Path) -> Result<(), DataDirError> {
    forget_folder(folder).map_err(|error| told(folder, error))
}

fn forget_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
