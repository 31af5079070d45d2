//! The keys of sealed payloads: the secret that wraps, the data keys of a team and month, the key of each file.
//!
//! Pure: bytes in, bytes out; chance comes in as arguments, but for what makes new keys. Knows nothing of databases or files.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk};
use jiff::Timestamp;
use jiff::tz::Offset;
use sha2::{Digest, Sha256};

use super::form::FileHeader;

/// Bytes of every key here.
const KEY_BYTES: usize = 32;
const WRAPPED_FOR: &[u8] = b"gwanmun-payload-key-1\0";
const FILE_KEY_FOR: &[u8] = b"gwanmun-payload-file-1\0";

/// What wraps the data keys: the data directory's `payload.secret`. It never shows.
#[derive(Clone)]
pub struct PayloadSecret(Arc<Wiped>);

/// Bytes that are overwritten when nobody needs them any more.
struct Wiped([u8; KEY_BYTES]);

/// SHA-256 of the log's origin: binds keys and files to their log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OriginHash(pub(super) [u8; 32]);

/// A data key's name: 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct KeyId(pub(super) [u8; 16]);

/// A calendar month in UTC, years 0 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Month {
    year: u16,
    month: u8,
}

/// A text that does not name a month.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a month: write it as year and month, such as `2026-11`", .0.escape_debug())]
pub struct NotAMonth(String);

/// Whose key it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner<'a> {
    pub(super) team: &'a str,
    pub(super) month: Month,
}

/// The key of a team and month. The library wipes its bytes when it is dropped.
pub(super) struct DataKey(Prk);

/// The key of a data key in one file: what seals.
pub(super) struct FileKey(LessSafeKey);

/// The cipher refuses: bytes that do not open under this key in this place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cipher refuses")]
pub(super) struct CipherError;

impl PayloadSecret {
    /// Bytes of the secret.
    pub const BYTES: usize = KEY_BYTES;

    /// Takes the secret's bytes.
    pub fn new(bytes: &[u8; Self::BYTES]) -> Self {
        Self(Arc::new(Wiped(*bytes)))
    }

    fn cipher(&self) -> Result<LessSafeKey, CipherError> {
        UnboundKey::new(&AES_256_GCM, &self.0.0).map(LessSafeKey::new).map_err(|_| CipherError)
    }

    /// Makes a key, of the system's chance, and wraps it.
    pub(super) fn make(&self, origin: OriginHash, id: KeyId, owner: Owner<'_>) -> io::Result<(DataKey, Vec<u8>)> {
        let (mut key, mut nonce) = (Wiped([0; KEY_BYTES]), [0; NONCE_LEN]);
        getrandom::fill(&mut key.0).and_then(|()| getrandom::fill(&mut nonce)).map_err(io::Error::other)?;
        let wrapped = self.wrap(nonce, origin, id, owner, &key.0).map_err(io::Error::other)?;
        Ok((DataKey::new(&key.0), wrapped))
    }

    /// Wraps `key`. The same `nonce` must not come twice.
    pub(super) fn wrap(
        &self,
        nonce: [u8; NONCE_LEN],
        origin: OriginHash,
        id: KeyId,
        owner: Owner<'_>,
        key: &[u8; KEY_BYTES],
    ) -> Result<Vec<u8>, CipherError> {
        let mut sealed = Wiped(*key);
        let bound = Aad::from(bound(origin, id, owner));
        let nonce_taken = Nonce::assume_unique_for_key(nonce);
        let tag = self.cipher()?.seal_in_place_separate_tag(nonce_taken, bound, &mut sealed.0);
        let tag = tag.map_err(|_| CipherError)?;
        Ok([&nonce[..], &sealed.0, tag.as_ref()].concat())
    }

    /// Opens a wrapped key.
    pub(super) fn unwrap(
        &self,
        origin: OriginHash,
        id: KeyId,
        owner: Owner<'_>,
        wrapped: &[u8],
    ) -> Result<DataKey, CipherError> {
        let (nonce, sealed) = wrapped.split_first_chunk::<NONCE_LEN>().ok_or(CipherError)?;
        let (sealed, tag) = sealed.split_first_chunk::<KEY_BYTES>().ok_or(CipherError)?;
        let (bound, mut key) = (Aad::from(bound(origin, id, owner)), Wiped([0; KEY_BYTES]));
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.cipher()?.open_separate_gather(nonce, bound, sealed, tag, &mut key.0);
        opened.map_err(|_| CipherError)?;
        Ok(DataKey::new(&key.0))
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.fill(0);
        // Keeps the compiler from leaving out a write that nobody reads.
        std::hint::black_box(&self.0);
    }
}

impl DataKey {
    fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        Self(Prk::new_less_safe(HKDF_SHA256, bytes))
    }

    /// The key for the file of that header.
    pub(super) fn file_key(&self, origin: OriginHash, id: KeyId, header: &FileHeader) -> Result<FileKey, CipherError> {
        let header = header.to_bytes();
        let info: [&[u8]; 4] = [FILE_KEY_FOR, &origin.0, &id.0, &header];
        let key = self.0.expand(&info, &AES_256_GCM).map_err(|_| CipherError)?;
        Ok(FileKey(LessSafeKey::new(UnboundKey::from(key))))
    }
}

impl FileKey {
    /// Seals `text` where it lies and puts the tag behind it. `number` must not come twice in a file.
    pub(super) fn seal(&self, number: u64, bound: &[u8], text: &mut Vec<u8>, from: usize) -> Result<(), CipherError> {
        let plain = text.get_mut(from..).ok_or(CipherError)?;
        let sealed = self.0.seal_in_place_separate_tag(nonce(number), Aad::from(bound), plain);
        let tag = sealed.map_err(|_| CipherError)?;
        text.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// Opens what was sealed; gives the text.
    pub(super) fn open<'a>(&self, number: u64, bound: &[u8], sealed: &'a mut [u8]) -> Result<&'a [u8], CipherError> {
        let opened = self.0.open_in_place(nonce(number), Aad::from(bound), sealed);
        opened.map(|text| &*text).map_err(|_| CipherError)
    }
}

impl OriginHash {
    pub(super) fn of(origin: &str) -> Self {
        Self(Sha256::digest(origin.as_bytes()).into())
    }
}

impl KeyId {
    pub(super) fn make() -> Result<Self, getrandom::Error> {
        let mut id = [0; 16];
        getrandom::fill(&mut id)?;
        Ok(Self(id))
    }

    /// Reads the text of the database.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut id = [0; 16];
        hex::decode_to_slice(text, &mut id).ok()?;
        Some(Self(id))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl Month {
    /// The month of that time.
    pub fn of(at: Timestamp) -> Self {
        let date = Offset::UTC.to_datetime(at).date();
        // What is before the year 0 counts as in it: no clock says so, and no payload is that old.
        Self { year: u16::try_from(date.year()).unwrap_or(0), month: u8::try_from(date.month()).unwrap_or(1) }
    }

    /// How many months lie between the two.
    pub(super) fn distance(self, other: Self) -> u32 {
        let count = |month: Self| u32::from(month.year) * 12 + u32::from(month.month);
        count(self).abs_diff(count(other))
    }
}

impl FromStr for Month {
    type Err = NotAMonth;

    fn from_str(text: &str) -> Result<Self, NotAMonth> {
        let parse = || {
            let (year, month) = text.split_once('-')?;
            let digits =
                |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
            let proper = digits(year, 4) && digits(month, 2);
            let (year, month) = (year.parse().ok()?, month.parse().ok()?);
            (proper && (1..=12).contains(&month)).then_some(Self { year, month })
        };
        parse().ok_or_else(|| NotAMonth(text.to_owned()))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl fmt::Debug for PayloadSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PayloadSecret(hidden)")
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(hidden)")
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKey(hidden)")
    }
}

/// What a wrapped key is bound to. All but the team have one length, so no two owners give the same bytes.
fn bound(origin: OriginHash, id: KeyId, owner: Owner<'_>) -> Vec<u8> {
    let month = owner.month.to_string();
    [WRAPPED_FOR, &origin.0, &id.0, month.as_bytes(), owner.team.as_bytes()].concat()
}

fn nonce(number: u64) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce.split_at_mut(4).1.copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}
