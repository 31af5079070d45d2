//! `--out`: a new file, written aside and put in place whole, so that half a proof never lies around under a proof's name.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use crate::{failure::Failure, terminal::Terminal};

/// Hands `write` a new file at `path`, or standard output where there is none. Whatever is at `path` stays as it is.
pub(super) fn to(
    path: Option<&Path>,
    terminal: &mut Terminal,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let Some(path) = path else {
        let mut out = BufWriter::with_capacity(1 << 16, terminal.out());
        write(&mut out)?;
        return Ok(out.flush()?);
    };
    must_be_new(path)?;
    let told = |error: io::Error| told(path, &error);
    let aside = aside(path).map_err(told)?;
    let written = fill(&aside, write).and_then(|()| {
        // A link, unlike a rename, replaces nothing that came there meanwhile; but not every file system has links.
        fs::hard_link(&aside, path).or_else(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                return Err(told(error));
            }
            fs::rename(&aside, path).map_err(told)
        })
    });
    // Also after a failure: nothing half-written is left, if the disk still lets us.
    let _ = fs::remove_file(&aside);
    written
}

/// Refuses a file that is there already.
pub(super) fn must_be_new(path: &Path) -> Result<(), Failure> {
    if path.exists() { Err(told(path, &io::ErrorKind::AlreadyExists.into())) } else { Ok(()) }
}

fn told(path: &Path, error: &io::Error) -> Failure {
    let shown = path.display();
    if error.kind() == io::ErrorKind::AlreadyExists {
        return Failure::trouble(format!("`{shown}` is there already")).hint("name another file, or remove that one");
    }
    Failure::trouble(format!("cannot write `{shown}`: {error}"))
}

fn aside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut aside = std::ffi::OsString::from(".");
    aside.push(name);
    aside.push(format!(".{}", std::process::id()));
    Ok(path.with_file_name(aside))
}

fn fill(aside: &Path, write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>) -> Result<(), Failure> {
    let told = |error: io::Error| Failure::trouble(format!("cannot write `{}`: {error}", aside.display()));
    let file = OpenOptions::new().write(true).create_new(true).open(aside).map_err(told)?;
    let mut out = BufWriter::with_capacity(1 << 16, file);
    write(&mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file: File| file.sync_all()).map_err(told)
}
