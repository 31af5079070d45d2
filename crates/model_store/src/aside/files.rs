//! A model on its way in that is a folder: its files one by one, and those that an interrupted pull has left. It must not know
//! where they come from.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use super::{Aside, CHUNK_BYTES, PART_FOLDER, sync_folder};
use crate::{
    Digest, KeptFile, StoreError,
    digest::{self, Hasher},
    folder,
};

impl Aside {
    /// Forgets all bytes; what comes from here on are the files of a folder, in the order of their paths.
    pub(crate) fn begin_folder(&mut self) -> Result<(), StoreError> {
        self.restart()?;
        self.files = Some(Vec::new());
        self.length = 0;
        self.left_weights = false;
        let path = self.part_path();
        if path.exists() {
            fs::remove_dir_all(&path).map_err(StoreError::disk("delete", &path))?;
        }
        fs::create_dir(&path).map_err(StoreError::disk("create", &path))
    }

    /// As [`Aside::begin_folder`], but of these files those that an interrupted pull of the same source has left can be taken
    /// in, and stay when this one is interrupted.
    pub(crate) fn begin_folder_anew_or_on(&mut self, paths: &[&str]) -> Result<(), StoreError> {
        let left = self.folder.join(PART_FOLDER);
        if left.exists() {
            remove_others(&left, "", paths)?;
            self.restart()?;
            self.files = Some(Vec::new());
            self.length = 0;
        } else {
            self.begin_folder()?;
        }
        self.keeps_files = true;
        Ok(())
    }

    /// Takes in a file that an interrupted pull has left, where it is what it should be; otherwise it is deleted. `after_each`
    /// may stop it.
    pub(crate) fn take_in(
        &mut self,
        relative: &str,
        bytes: u64,
        sha256: Option<Digest>,
        after_each: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<bool, StoreError> {
        let path = self.part_path().join(relative);
        let Ok(found) = fs::metadata(&path) else { return Ok(false) };
        let expected = sha256.filter(|_| found.len() == bytes);
        let is_it = match expected {
            Some(expected) => digest::of_file(&path, after_each)? == expected,
            None => false,
        };
        let (Some(sha256), true) = (expected, is_it) else {
            fs::remove_file(&path).map_err(StoreError::disk("delete", &path))?;
            return Ok(false);
        };
        self.length += bytes;
        self.files.get_or_insert_default().push(KeptFile { path: relative.to_owned(), bytes, sha256 });
        Ok(true)
    }

    /// All that was left has been looked at: what is here now is what counts.
    pub(crate) fn all_taken_in(&mut self) {
        self.left_weights = false;
    }

    /// Puts the files into the order of their paths.
    pub(crate) fn sort_files(&mut self) {
        if let Some(files) = &mut self.files {
            files.sort_by(|one, other| one.path.cmp(&other.path));
        }
    }

    /// Deletes the file that came last.
    pub(crate) fn drop_last_file(&mut self) -> Result<(), StoreError> {
        let Some(kept) = self.files.as_mut().and_then(Vec::pop) else { return Ok(()) };
        self.length = self.length.saturating_sub(kept.bytes);
        let path = self.part_path().join(kept.path);
        fs::remove_file(&path).map_err(StoreError::disk("delete", &path))
    }

    /// Writes one file of a folder from all that a reader gives, at most `bytes_max`; `after_each` hears how many bytes of the
    /// model are here, and may stop it. A reader's failure is given back apart from the disk's.
    pub(crate) fn add_file(
        &mut self,
        relative: &str,
        bytes_max: u64,
        reader: &mut dyn Read,
        after_each: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<io::Result<()>, StoreError> {
        let path = self.part_path().join(relative);
        let home = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(home).map_err(StoreError::disk("create", home))?;
        let mut file = File::create_new(&path).map_err(StoreError::disk("create", &path))?;
        let (mut hasher, mut bytes) = (Hasher::default(), 0);
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut limited = reader.take(bytes_max);
        loop {
            let read = match limited.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => buffer.get(..count).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Ok(Err(error)),
            };
            file.write_all(read).map_err(StoreError::disk("write", &path))?;
            hasher.update(read);
            bytes += read.len() as u64;
            self.length += read.len() as u64;
            if after_each(self.length).is_break() {
                return Err(StoreError::Stopped);
            }
        }
        file.sync_all().map_err(StoreError::disk("write", &path))?;
        sync_folder(home)?;
        let kept = KeptFile { path: relative.to_owned(), bytes, sha256: hasher.finish() };
        self.files.get_or_insert_default().push(kept);
        Ok(Ok(()))
    }
}

/// The files of weights in a folder: of what an interrupted pull has left, what is worth keeping.
pub(super) fn weights_in(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| folder::is_weights(path))
}

/// Deletes all of a folder but the files with these paths; `inside` is the folder's own path, with a `/` at its end.
fn remove_others(folder: &Path, inside: &str, paths: &[&str]) -> Result<(), StoreError> {
    let entries = fs::read_dir(folder).map_err(StoreError::disk("read", folder))?;
    for entry in entries {
        let path = entry.map_err(StoreError::disk("read", folder))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let relative = format!("{inside}{name}");
        if path.is_dir() {
            remove_others(&path, &format!("{relative}/"), paths)?;
        } else if !paths.contains(&relative.as_str()) {
            fs::remove_file(&path).map_err(StoreError::disk("delete", &path))?;
        }
    }
    Ok(())
}
