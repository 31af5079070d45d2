//! A model that is a folder on a Hugging Face hub: the hub says which files the repository has and what the large ones hash to,
//! then each file that a model is read from is downloaded, all of one commit.
//!
//! The list is the documented answer of `HUB/api/models/OWNER/REPO/revision/REVISION?blobs=true`. Small files have no SHA-256
//! there; they are believed as the connection is. Files that are whole stay when the pull is cut, and are not fetched again.

use std::path::Path;

use serde::Deserialize;

use super::{
    hub::{self, Address},
    refuse_if_no_room,
    web::{Web, Whole},
};
use crate::{Digest, Heard, Progress, Settings, StoreError, aside::Aside, folder};

/// Bytes of a list at most; that of a repository of a thousand files has some 300,000.
const LIST_BYTES_MAX: u64 = 4 << 20;

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

/// Downloads a repository's model.
pub(super) fn download(
    settings: &Settings,
    repository: &str,
    revision: &str,
    aside: &mut Aside,
    progress: Heard<'_>,
) -> Result<(), StoreError> {
    let web = Web::new(settings);
    let url = hub::url(settings, &format!("api/models/{repository}/revision/{revision}?blobs=true"))?;
    let list = web.small(&url, LIST_BYTES_MAX)?;
    let unexpected = |why: String| StoreError::NotUsable { what: url.to_string(), why };
    let told: Repository = serde_json::from_slice(&list)
        .map_err(|error| unexpected(format!("it is no list of a repository's files: {error}")))?;
    if told.sha.is_empty() || !told.sha.chars().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(unexpected("it names no commit".to_owned()));
    }
    let files = wanted(repository, told.siblings)?;
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    aside.begin_folder_anew_or_on(&paths)?;
    let total: u64 = files.iter().map(|file| file.bytes).fold(0, u64::saturating_add);
    for file in &files {
        if aside.take_in(&file.path, file.bytes, file.sha256)? {
            continue;
        }
        refuse_if_no_room(aside.folder(), total.saturating_sub(aside.length()))?;
        let address = Address { repository, file: &file.path, revision: &told.sha };
        let url = hub::resolve(settings, &address, &told.sha)?;
        let what = url.to_string();
        let mut whole = Whole::new(&web, url, file.bytes);
        let mut tell = |done| progress(Progress::Fetching { what: &what, done, total: Some(total) });
        let added = aside.add_file(&file.path, file.bytes, &mut whole, &mut tell)?;
        added.map_err(|error| whole.trouble(&error))?;
        let kept = aside.files().last().filter(|kept| kept.bytes == file.bytes);
        let kept = kept.ok_or_else(|| whole.trouble(&std::io::ErrorKind::UnexpectedEof.into()))?;
        if let Some(expected) = file.sha256.filter(|expected| *expected != kept.sha256) {
            let found = kept.sha256;
            aside.drop_last_file()?;
            return Err(StoreError::WrongHash { what, expected, found });
        }
    }
    Ok(())
}

/// Those of a repository's files that a model is read from, in the order of their paths.
fn wanted(repository: &str, listed: Vec<Listed>) -> Result<Vec<Wanted>, StoreError> {
    let not_usable = |why: String| StoreError::NotUsable { what: format!("hf:{repository}/"), why };
    let ends = |path: &str, with: &str| Path::new(path).extension().is_some_and(|end| end.eq_ignore_ascii_case(with));
    let elsewhere: Vec<&str> =
        listed.iter().map(|file| file.path.as_str()).filter(|path| ends(path, "gguf")).take(5).collect();
    let has_weights = listed.iter().any(|file| folder::is_wanted(&file.path) && ends(&file.path, "safetensors"));
    if !has_weights {
        let gguf = match elsewhere.first() {
            Some(_) => format!("; it has GGUF files, which are pulled one by one: {}", elsewhere.join(", ")),
            None => String::new(),
        };
        return Err(not_usable(format!("it has no weights in safetensors files{gguf}")));
    }
    let mut files = Vec::new();
    for file in listed.into_iter().filter(|file| folder::is_wanted(&file.path)) {
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
    Ok(files)
}
