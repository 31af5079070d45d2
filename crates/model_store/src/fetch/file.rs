//! A model file that is already on this machine: copied, so that the store's is its own.

use std::{
    fs::{self, File},
    path::Path,
};

use crate::{Heard, Progress, StoreError, aside::Aside};

pub(super) fn copy(path: &Path, aside: &mut Aside, progress: Heard<'_>) -> Result<(), StoreError> {
    // Reading again costs less than knowing that the file is still the one of which some lies here.
    aside.restart()?;
    // Looked at before it is opened: a named pipe opens only once somebody writes to it.
    let metadata = fs::metadata(path).map_err(StoreError::disk("open", path))?;
    if !metadata.is_file() {
        let why = "it is not a file".to_owned();
        return Err(StoreError::NotUsable { what: path.display().to_string(), why });
    }
    let mut file = File::open(path).map_err(StoreError::disk("open", path))?;
    super::refuse_if_no_room(aside.folder(), metadata.len())?;
    let what = path.display().to_string();
    let mut tell = |done| progress(Progress::Fetching { what: &what, done, total: Some(metadata.len()) });
    aside.append_all(&mut file, &mut tell)?.map_err(StoreError::disk("read", path))
}
