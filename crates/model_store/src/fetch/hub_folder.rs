//! A model that is a folder on a Hugging Face hub: the hub says which files the repository has and what the large ones hash to,
//! then each file that a model is read from is downloaded, all of one commit.
//!
//! The list is the documented answer of `HUB/api/models/OWNER/REPO/revision/REVISION?blobs=true`. Small files have no SHA-256
//! there; they are believed as the connection is. Files that are whole stay when the pull is cut, and are not fetched again.

use std::{cell::RefCell, path::Path};

use serde::Deserialize;

use super::{
    hub::{self, Address},
    refuse_if_no_room,
    web::{Web, Whole},
};
use crate::{Digest, Heard, Progress, Settings, StoreError, aside::Aside, folder};

/// Bytes of a list at most; that of a repository of a thousand files has some 300,000.
const LIST_BYTES_MAX: u64 = 4 << 20;

/// Files of a model at most; the largest known models have some hundreds.
const FILES_MAX: usize = 1024;

/// What a hub says of a repository, as far as it matters here.
#[derive(Deserialize)]
struct Repository {
    /// The commit.
    sha: String,
    siblings: Vec<Listed>,
}

/// A file of it.
#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "rfilename")]
    path: String,
    size: Option<u64>,
    lfs: Option<Large>,
}

/// What is said of a large file only.
#[derive(Deserialize)]
struct Large {
    sha256: String,
}

/// A file to fetch.
struct Wanted {
    path: String,
    bytes: u64,
    sha256: Option<Digest>,
}

/// Downloads a repository's model; weights without a hash only where the whole is `pinned`.
pub(super) fn download(
    settings: &Settings,
    address: (&str, &str),
    pinned: Option<Digest>,
    aside: &mut Aside,
    progress: Heard<'_>,
) -> Result<(), StoreError> {
    let (repository, revision) = address;
    let web = Web::new(settings);
    let url = hub::url(settings, &format!("api/models/{repository}/revision/{revision}?blobs=true"))?;
    let list = web.small(&url, LIST_BYTES_MAX, progress)?;
    let unexpected = |why: String| StoreError::NotUsable { what: url.to_string(), why };
    let told: Repository = serde_json::from_slice(&list)
        .map_err(|error| unexpected(format!("it is no list of a repository's files: {error}")))?;
    if told.sha.is_empty() || !told.sha.chars().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(unexpected("it names no commit".to_owned()));
    }
    let files = wanted(repository, told.siblings)?;
    let url_of = |file: &Wanted| {
        hub::resolve(settings, &Address { repository, file: &file.path, revision: &told.sha }, &told.sha)
    };
    if let Some(file) = files.iter().find(|file| pinned.is_none() && file.sha256.is_none() && is_weights(&file.path)) {
        return Err(StoreError::NoHash { url: url_of(file)?.to_string() });
    }
    let missing = take_in(&files, aside, progress)?;
    let total: u64 = files.iter().map(|file| file.bytes).fold(0, u64::saturating_add);
    refuse_if_no_room(aside.folder(), total.saturating_sub(aside.length()))?;
    let progress = RefCell::new(progress);
    let mut foreseen = false;
    for file in missing {
        if is_weights(&file.path) && !foreseen {
            let what = format!("hf:{repository}/");
            (settings.foresee)(&aside.part_path()).map_err(|why| StoreError::NotUsable { what, why })?;
            foreseen = true;
        }
        let url = url_of(file)?;
        let what = url.to_string();
        let retrying = |why: &str| (progress.borrow_mut())(Progress::Retrying { what: &what, why });
        let mut whole = Whole::new(&web, url, file.bytes, &retrying);
        let mut tell = |done| (progress.borrow_mut())(Progress::Fetching { what: &what, done, total: Some(total) });
        let added = aside.add_file(&file.path, file.bytes, &mut whole, &mut tell)?;
        added.map_err(|error| whole.trouble(&error))?;
        let found = aside.files().last().map(|kept| kept.sha256);
        if let (Some(expected), Some(found)) = (file.sha256, found)
            && expected != found
        {
            aside.drop_last_file()?;
            return Err(StoreError::WrongHash { what, expected, found });
        }
    }
    aside.sort_files();
    Ok(())
}

/// Takes in what an interrupted pull has left; what is still to be fetched, small files first.
fn take_in<'a>(files: &'a [Wanted], aside: &mut Aside, progress: Heard<'_>) -> Result<Vec<&'a Wanted>, StoreError> {
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    aside.begin_folder_anew_or_on(&paths)?;
    let mut missing = Vec::new();
    for file in files {
        let mut tell = || progress(Progress::Checking);
        if !aside.take_in(&file.path, file.bytes, file.sha256, &mut tell)? {
            missing.push(file);
        }
    }
    aside.all_taken_in();
    missing.sort_by_key(|file| is_weights(&file.path));
    Ok(missing)
}

fn is_weights(path: &str) -> bool {
    folder::is_weights(Path::new(path))
}

fn is_gguf(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|end| end.eq_ignore_ascii_case("gguf"))
}

/// Those of a repository's files that a model is read from, in the order of their paths.
fn wanted(repository: &str, listed: Vec<Listed>) -> Result<Vec<Wanted>, StoreError> {
    let not_usable = |why: String| StoreError::NotUsable { what: format!("hf:{repository}/"), why };
    let is_wanted = |file: &Listed| folder::is_wanted(&file.path) && is_plain(&file.path);
    if !listed.iter().any(|file| is_wanted(file) && is_weights(&file.path)) {
        let elsewhere = listed.iter().map(|file| file.path.as_str()).filter(|path| is_gguf(path) && is_plain(path));
        let elsewhere: Vec<&str> = elsewhere.take(5).collect();
        let gguf = match elsewhere.first() {
            Some(_) => format!("; it has GGUF files, which are pulled one by one: {}", elsewhere.join(", ")),
            None => String::new(),
        };
        return Err(not_usable(format!("it has no weights in safetensors files{gguf}")));
    }
    let mut files = Vec::new();
    for file in listed.into_iter().filter(is_wanted) {
        let Some(bytes) = file.size else {
            return Err(not_usable(format!("the hub does not say how large `{}` is", file.path)));
        };
        let sha256 = file.lfs.map(|large| large.sha256.parse()).transpose();
        let sha256 =
            sha256.map_err(|why: &str| not_usable(format!("the hub's hash of `{}` is none: {why}", file.path)))?;
        files.push(Wanted { path: file.path, bytes, sha256 });
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files.dedup_by(|one, other| one.path == other.path);
    if files.len() > FILES_MAX {
        return Err(not_usable(format!("it has {} files of a model; up to {FILES_MAX} are fetched", files.len())));
    }
    Ok(files)
}

/// Whether a path stands for itself in a URL, and in words that people read.
fn is_plain(path: &str) -> bool {
    path.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-/".contains(letter))
}
