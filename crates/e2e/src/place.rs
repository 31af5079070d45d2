//! Where a test's gateway keeps what it keeps: an audit log, and the keys of its witness. It outlives the gateway, can be
//! copied, and be gone on from.

use std::path::PathBuf;

use gateway::clock::Clock;
use gateway::data_dir;
use gateway::record::Recorder;

use crate::command::copy_folder;

/// A folder with a log and a witness's key in it, as a data directory has them.
#[derive(Debug)]
pub struct Place(tempfile::TempDir);

impl Place {
    /// Makes a log and a witness.
    pub fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a folder for the log"));
        Recorder::begin(&place.log_dir(), &Clock::system()).expect("a log begins");
        data_dir::make_witness(&place.witness_dir(), &place.origin()).expect("a witness's key");
        place
    }

    /// The same at another place. No gateway may run here meanwhile.
    #[must_use]
    pub fn copy(&self) -> Self {
        let copy = Self(tempfile::tempdir().expect("a folder for the log"));
        copy_folder(self.0.path(), copy.0.path());
        copy
    }

    /// Where the audit log lies.
    pub fn log_dir(&self) -> PathBuf {
        self.0.path().join("log")
    }

    /// The database, made where there is none.
    pub fn database(&self) -> PathBuf {
        let path = self.0.path().join("gwanmun.db");
        if path.exists() { path } else { self.write("gwanmun.db", "") }
    }

    /// The request index; need not be there.
    pub fn request_index(&self) -> PathBuf {
        self.0.path().join("requests.sqlite")
    }

    /// Where the witness keeps its key and its memory.
    pub fn witness_dir(&self) -> PathBuf {
        self.0.path().join("witness")
    }

    /// The log's name.
    pub fn origin(&self) -> String {
        std::fs::read_to_string(self.log_dir().join("origin")).expect("a log has a name").trim_end().to_owned()
    }

    /// `log` lines of a policy: the keys that sign here.
    pub fn log_lines(&self) -> String {
        let keys = std::fs::read_to_string(self.log_dir().join("key.pub")).expect("a log has keys");
        keys.lines().flat_map(|key| ["log ", key, "\n"]).collect()
    }

    /// Writes a file beside them.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(self.0.path())).expect("a folder of our own");
        std::fs::write(&path, text).expect("a folder of our own");
        path
    }
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}
