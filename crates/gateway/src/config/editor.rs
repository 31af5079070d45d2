//! Changes of the configuration from within the process. They go through the task that follows the file: what is wrong is told and
//! nothing is written, what is right is written as a whole and then in force as any change of the file is.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use tokio::sync::{mpsc, oneshot};
use toml_edit::TomlError;

use super::reload::{Looked, Source};
use super::{Config, Edit, Mistakes, read_file};
use crate::record::{RecordError, Recorder};

/// Changes that wait at once; the next waits to be heard.
const WAITING_MAX: usize = 16;
/// Where secrets lie that were given on a page, beside the configuration. It is ours: what is not used there any more is removed.
const SECRETS: &str = "secrets";
/// For its owner alone.
const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_FOLDER: u32 = 0o700;

/// Where the configuration can be changed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Editor {
    wanted: mpsc::Sender<Wanted>,
}

/// What is to be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// In the configuration's text.
    pub edits: Vec<Edit>,
    /// Files that the edits name, to be made beside the configuration: path and text. None is written over.
    pub files: Vec<(PathBuf, String)>,
    /// By whom, as the log says it.
    pub by: String,
}

/// Why a change was not made, or is not in force.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// What stands in the file now is not TOML.
    #[error("the configuration is not TOML: {0}")]
    NotToml(#[from] TomlError),
    /// It would be wrong; nothing was written.
    #[error("{0}")]
    Mistakes(Mistakes),
    /// A file could not be read or written; nothing has changed.
    #[error("`{}` could not be written: {error}", path.display())]
    Disk {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// It is written, and will be in force when the log takes it.
    #[error("the change is written, and comes into force when the audit log has it: {0}")]
    Unrecorded(RecordError),
    /// The process is stopping.
    #[error("the process is stopping")]
    Ended,
}

/// A change on its way.
#[derive(Debug)]
pub(super) struct Wanted {
    change: Change,
    told: oneshot::Sender<Result<Vec<&'static str>, ChangeError>>,
}

impl Editor {
    /// An editor, and where its changes arrive.
    pub(super) fn new() -> (Self, mpsc::Receiver<Wanted>) {
        let (wanted, arrive) = mpsc::channel(WAITING_MAX);
        (Self { wanted }, arrive)
    }

    /// The path of a file for a secret called `name`, beside the configuration: another one each time.
    ///
    /// # Errors
    /// Where the system gives no chance.
    pub fn secret_path(name: &str) -> Result<PathBuf, getrandom::Error> {
        let mut chance = [0; 8];
        getrandom::fill(&mut chance)?;
        Ok(Path::new(SECRETS).join(format!("{name}-{}", hex::encode(chance))))
    }

    /// Makes the change; when this returns it is in force, but for the settings named, which wait for a restart.
    ///
    /// # Errors
    /// Why it is not.
    pub async fn change(&self, change: Change) -> Result<Vec<&'static str>, ChangeError> {
        let (told, done) = oneshot::channel();
        self.wanted.send(Wanted { change, told }).await.map_err(|_| ChangeError::Ended)?;
        done.await.map_err(|_| ChangeError::Ended)?
    }
}

impl Wanted {
    /// Makes the change in the file that `source` follows, and tells whoever asked.
    pub(super) async fn carry_out(self, source: &mut Source, recorder: &Recorder) {
        let Self { change, told } = self;
        let done = carried_out(change, source, recorder).await;
        // Who asked may be gone.
        drop(told.send(done));
    }
}

async fn carried_out(
    change: Change,
    source: &mut Source,
    recorder: &Recorder,
) -> Result<Vec<&'static str>, ChangeError> {
    let Change { edits, files, by } = change;
    let path = source.path().to_owned();
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    let before = source.in_force();
    let text = match read_file(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read.map_err(disk(&path))?,
    };
    let text = Edit::all(&edits, &text)?;
    let made = New::make(files.into_iter().map(|(name, text)| (folder.join(name), text)).collect()).await?;
    let config = source.parse(text.clone()).await.map_err(ChangeError::Mistakes)?;
    write_whole(path, text).await?;
    made.keep();
    let looked = source.take(config, &by, recorder).await;
    source.tell(&looked, false);
    let done = match looked {
        Looked::Same => Ok(Vec::new()),
        Looked::Applied { waiting } => Ok(waiting),
        Looked::Refused(mistakes) => Err(ChangeError::Mistakes(mistakes)),
        Looked::Unrecorded(error) => Err(ChangeError::Unrecorded(error)),
    };
    if done.is_ok() {
        forget_unused(&folder.join(SECRETS), &before, &source.in_force());
    }
    done
}

/// Files that were made for a change; they go with it where it is not made.
struct New(Vec<PathBuf>);

impl New {
    async fn make(files: Vec<(PathBuf, String)>) -> Result<Self, ChangeError> {
        blocking(move || {
            let mut made = Self(Vec::new());
            for (path, text) in files {
                // The same text under a name that is made of it is there already.
                if fs::read_to_string(&path).is_ok_and(|there| there == text) {
                    continue;
                }
                make_private(&path, &text).map_err(disk(&path))?;
                made.0.push(path);
            }
            Ok(made)
        })
        .await
    }

    fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for New {
    fn drop(&mut self) {
        for path in &self.0 {
            if let Err(error) = fs::remove_file(path) {
                let path = path.display();
                tracing::warn!(%path, %error, "`{path}` was made for a change that was not made, and cannot be removed: {error}");
            }
        }
    }
}

/// Makes a file, and its folder, that only its owner can read.
fn make_private(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(PRIVATE_FOLDER).create(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Writes the file aside and renames it into place, with the rights that it had; where it is a link, what it leads to.
async fn write_whole(path: PathBuf, text: String) -> Result<(), ChangeError> {
    blocking(move || {
        let path = fs::canonicalize(&path).unwrap_or(path);
        let mode = fs::metadata(&path).map_or(PRIVATE_FILE, |about| about.mode() & 0o777);
        let mut aside = path.clone().into_os_string();
        aside.push(".new");
        let write = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&aside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&aside, &path)?;
            path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        };
        write().map_err(disk(&path))
    })
    .await
}

/// Removes the secrets that only the configuration before named.
fn forget_unused(folder: &Path, before: &Config, after: &Config) {
    let used: Vec<_> = after.secrets().filter_map(|(_, secret)| secret.file()).collect();
    let of_before = before.secrets().filter_map(|(_, secret)| secret.file());
    for unused in of_before.filter(|file| file.parent() == Some(folder) && !used.contains(file)) {
        if let Err(error) = fs::remove_file(unused) {
            let path = unused.display();
            tracing::warn!(%path, %error, "the secret `{path}` is not used any more and cannot be removed: {error}");
        }
    }
}

fn disk(path: &Path) -> impl FnOnce(io::Error) -> ChangeError {
    let path = path.to_owned();
    |error| ChangeError::Disk { path, error }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ChangeError> + Send + 'static,
) -> Result<T, ChangeError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(ChangeError::Ended))
}
