//! The bytes of a sealed file: its header, and the headers of frames (`spec/payloads.md`, sections 3 and 4).
//!
//! Pure: no files, no keys.

use sha2::{Digest, Sha256};

use super::keys::{KeyId, OriginHash};

/// Bytes of a file's header.
pub(super) const FILE_HEADER_BYTES: usize = 64;
/// Bytes of a frame's header.
pub(super) const FRAME_HEADER_BYTES: usize = 56;
/// The checksum is over what is before it.
const CHECKED_BYTES: usize = FRAME_HEADER_BYTES - 4;
/// Bytes of a tag behind what is sealed.
pub(super) const TAG_BYTES: usize = 16;
/// Bytes of text in one frame: what a reader has to hold to know that they are right.
pub(super) const FRAME_TEXT_BYTES_MAX: usize = 64 * 1024;

const MAGIC: &[u8; 16] = b"gwanmun-sealed-1";
const REQUEST_FOR: &[u8] = b"gwanmun-payload-request-1\0";

/// How a sealed file begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileHeader {
    pub(super) origin: OriginHash,
    /// As in the file's name.
    pub(super) number: u64,
    pub(super) salt: [u8; 32],
}

/// What stands in front of sealed bytes, and what they are bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    /// Bytes that follow: the text's and the tag's.
    pub(super) sealed_bytes: u32,
    /// Its number in its file.
    pub(super) number: u64,
    pub(super) key: KeyId,
    pub(super) request: RequestTag,
    pub(super) place: Place,
}

/// Where a frame belongs in its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) part: Part,
    /// Its number in its part.
    pub(super) number: u32,
    /// Whether the part ends with it.
    pub(super) last: bool,
}

/// What was said: by the caller, or to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Request,
    Answer,
}

/// A request's id, hashed to one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestTag(pub(super) [u8; 16]);

impl FileHeader {
    pub(super) fn to_bytes(&self) -> [u8; FILE_HEADER_BYTES] {
        let mut bytes = [0; FILE_HEADER_BYTES];
        let parts: [&[u8]; 4] = [MAGIC, head(&self.origin), &self.number.to_be_bytes(), &self.salt];
        put(&mut bytes, &parts);
        bytes
    }

    /// Reads a header; none if it is not one of the log of that origin.
    pub(super) fn parse(bytes: &[u8; FILE_HEADER_BYTES], origin: OriginHash) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<16>()?;
        let (of, rest) = rest.split_first_chunk::<8>()?;
        let (number, salt) = rest.split_first_chunk::<8>()?;
        let header = Self { origin, number: u64::from_be_bytes(*number), salt: salt.try_into().ok()? };
        (magic == MAGIC && of.as_slice() == head(&origin)).then_some(header)
    }
}

impl FrameHeader {
    pub(super) fn to_bytes(self) -> [u8; FRAME_HEADER_BYTES] {
        let part = match self.place.part {
            Part::Request => 1,
            Part::Answer => 2,
        };
        let mut bytes = [0; FRAME_HEADER_BYTES];
        let parts: [&[u8]; 6] = [
            &self.sealed_bytes.to_be_bytes(),
            &self.number.to_be_bytes(),
            &self.key.0,
            &self.request.0,
            &self.place.number.to_be_bytes(),
            &[part, u8::from(self.place.last), 0, 0],
        ];
        put(&mut bytes, &parts);
        if let Some((checked, checksum)) = bytes.split_last_chunk_mut::<4>() {
            *checksum = crc32c::crc32c(checked).to_be_bytes();
        }
        bytes
    }

    /// Reads a header; none if it is not one.
    pub(super) fn parse(bytes: &[u8; FRAME_HEADER_BYTES]) -> Option<Self> {
        let (checked, checksum) = bytes.split_first_chunk::<CHECKED_BYTES>()?;
        let (sealed_bytes, rest) = checked.split_first_chunk::<4>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (key, rest) = rest.split_first_chunk::<16>()?;
        let (request, rest) = rest.split_first_chunk::<16>()?;
        let (in_part, rest) = rest.split_first_chunk::<4>()?;
        let (part, last) = match rest {
            [1, last @ (0 | 1), 0, 0] => (Part::Request, *last == 1),
            [2, last @ (0 | 1), 0, 0] => (Part::Answer, *last == 1),
            _ => return None,
        };
        let header = Self {
            sealed_bytes: u32::from_be_bytes(*sealed_bytes),
            number: u64::from_be_bytes(*number),
            key: KeyId(*key),
            request: RequestTag(*request),
            place: Place { part, number: u32::from_be_bytes(*in_part), last },
        };
        let length = usize::try_from(header.sealed_bytes).ok()?;
        let proper = (TAG_BYTES..=TAG_BYTES + FRAME_TEXT_BYTES_MAX).contains(&length);
        (proper && checksum == crc32c::crc32c(checked).to_be_bytes()).then_some(header)
    }
}

impl RequestTag {
    pub(super) fn of(request_id: &str) -> Self {
        let hash: [u8; 32] = Sha256::new().chain_update(REQUEST_FOR).chain_update(request_id).finalize().into();
        let mut tag = [0; 16];
        put(&mut tag, &[hash.split_at(16).0]);
        Self(tag)
    }
}

/// What the file of that number is called.
pub(super) fn file_name(number: u64) -> String {
    format!("{number:08}.sealed")
}

/// The number of the file called so; none if it is not one of ours.
pub(super) fn file_number(name: &str) -> Option<u64> {
    let number = name.strip_suffix(".sealed")?.parse().ok()?;
    (number > 0 && file_name(number) == name).then_some(number)
}

/// What a file's header says of the origin.
fn head(origin: &OriginHash) -> &[u8] {
    origin.0.split_at(8).0
}

/// Fills `bytes` with the parts, one behind another.
fn put(bytes: &mut [u8], parts: &[&[u8]]) {
    let all = parts.iter().copied().flatten();
    bytes.iter_mut().zip(all).for_each(|(to, from)| *to = *from);
}
