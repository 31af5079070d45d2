//! Reads a file's header once: what entries and tensors there are and where. It must not know what any entry means,
//! but for the alignment, which places the tensors.

use std::collections::HashMap;
use std::ops::Range;

use super::cursor::Cursor;
use super::metadata::{Entry, Metadata};
use super::tensor_kind::TensorKind;
use crate::LoadError;

/// Tensors a file may hold; the largest known models have some thousands.
const TENSORS_MAX: u64 = 65_536;
/// Metadata entries a file may hold; usual files have some dozens.
const ENTRIES_MAX: u64 = 65_536;
/// The least bytes of a tensor's description: name's length, number of sizes, one size, kind, offset.
const TENSOR_BYTES_MIN: u64 = 8 + 4 + 8 + 4 + 8;
/// The least bytes of an entry: key's length, type, a value of one byte.
const ENTRY_BYTES_MIN: u64 = 8 + 4 + 1;
/// Sizes of a tensor.
const DIMS_MAX: u32 = 4;
/// Where a file does not say, tensors begin at multiples of this.
const ALIGNMENT_DEFAULT: u64 = 32;
/// Alignments above this serve no machine.
const ALIGNMENT_MAX: u64 = 65_536;

/// What a file's header says, checked.
pub(crate) struct Header {
    entries: HashMap<String, Entry>,
    pub(super) tensors: Vec<TensorPlace>,
    by_name: HashMap<String, usize>,
}

/// Where a tensor lies.
#[derive(Debug)]
pub(super) struct TensorPlace {
    pub(super) name: String,
    pub(super) dims: Vec<u64>,
    pub(super) kind: TensorKind,
    pub(super) bytes: Range<usize>,
}

impl Header {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, LoadError> {
        let mut cursor = Cursor::new(bytes, 0);
        read_magic(&mut cursor, bytes)?;
        let tensor_count = read_count(&mut cursor, "tensors", TENSORS_MAX, TENSOR_BYTES_MIN)?;
        let entry_count = read_count(&mut cursor, "metadata entries", ENTRIES_MAX, ENTRY_BYTES_MIN)?;

        let mut header = Self { entries: HashMap::new(), tensors: Vec::new(), by_name: HashMap::new() };
        for _ in 0..entry_count {
            let at = cursor.position();
            let (key, entry) = Entry::read(&mut cursor, bytes)?;
            if header.entries.contains_key(&key) {
                return Err(LoadError::damaged(at, format!("the entry `{key}` comes twice")));
            }
            header.entries.insert(key, entry);
        }
        let alignment = alignment(header.metadata(bytes))?;

        for index in 0..tensor_count as usize {
            let at = cursor.position();
            let place = read_tensor(&mut cursor, bytes)?;
            if header.by_name.insert(place.name.clone(), index).is_some() {
                return Err(LoadError::damaged(at, format!("the tensor `{}` comes twice", place.name)));
            }
            header.tensors.push(place);
        }
        let data_begin = cursor.position().next_multiple_of(alignment);
        place_tensors(&mut header.tensors, alignment, data_begin, bytes.len())?;
        Ok(header)
    }

    pub(crate) fn metadata<'a>(&'a self, bytes: &'a [u8]) -> Metadata<'a> {
        Metadata::new(bytes, &self.entries)
    }

    pub(super) fn tensor(&self, name: &str) -> Option<&TensorPlace> {
        self.by_name.get(name).and_then(|index| self.tensors.get(*index))
    }
}

fn read_magic(cursor: &mut Cursor<'_>, bytes: &[u8]) -> Result<(), LoadError> {
    if !bytes.starts_with(b"GGUF") {
        let beginning = bytes.get(..bytes.len().min(4)).unwrap_or_default().escape_ascii();
        return Err(LoadError::NotGguf(format!(
            "this is no GGUF file: it begins with `{beginning}` instead of `GGUF`; take the model's `.gguf` file"
        )));
    }
    cursor.u32("the file's mark")?;
    let version = cursor.u32("the version")?;
    match version {
        2 | 3 => Ok(()),
        _ if matches!(version.swap_bytes(), 1..=3) => Err(LoadError::NotGguf(
            "this GGUF file is big-endian, which is not read; take the little-endian file of the model".to_owned(),
        )),
        1 => Err(LoadError::NotGguf(
            "this GGUF file has version 1, which is no longer read; convert the model anew (version 3)".to_owned(),
        )),
        _ => Err(LoadError::NotGguf(format!("this GGUF file has version {version}; versions 2 and 3 are read"))),
    }
}

fn read_count(cursor: &mut Cursor<'_>, what: &str, most: u64, bytes_each_min: u64) -> Result<u64, LoadError> {
    let at = cursor.position();
    let count = cursor.u64(&format!("the number of {what}"))?;
    if count > most {
        return Err(LoadError::damaged(at, format!("the file claims {count} {what}; at most {most} are read")));
    }
    if count * bytes_each_min > cursor.remaining() as u64 {
        let remaining = cursor.remaining();
        return Err(LoadError::damaged(
            at,
            format!("the file claims {count} {what}, but only {remaining} bytes remain"),
        ));
    }
    Ok(count)
}

fn alignment(metadata: Metadata<'_>) -> Result<usize, LoadError> {
    const KEY: &str = "general.alignment";
    let alignment = metadata.u64(KEY)?.unwrap_or(ALIGNMENT_DEFAULT);
    if !alignment.is_power_of_two() || !(8..=ALIGNMENT_MAX).contains(&alignment) {
        return Err(LoadError::metadata(
            KEY,
            format!("is {alignment}, but must be a power of two from 8 to {ALIGNMENT_MAX}"),
        ));
    }
    Ok(alignment as usize)
}

/// A tensor's description; its range is still relative to the beginning of the data.
fn read_tensor(cursor: &mut Cursor<'_>, bytes: &[u8]) -> Result<TensorPlace, LoadError> {
    let at = cursor.position();
    let name = cursor.string("a tensor's name")?;
    let name = String::from_utf8_lossy(&bytes[name]).into_owned();
    if name.is_empty() {
        return Err(LoadError::damaged(at, "a tensor has no name"));
    }
    let at = cursor.position();
    let count = cursor.u32("a tensor's number of sizes")?;
    if !(1..=DIMS_MAX).contains(&count) {
        return Err(LoadError::damaged(at, format!("the tensor `{name}` has {count} sizes; 1 to {DIMS_MAX} are read")));
    }
    let mut dims = Vec::with_capacity(count as usize);
    for _ in 0..count {
        dims.push(cursor.u64("a tensor's size")?);
    }
    let kind = cursor.u32("a tensor's kind")?;
    let kind = TensorKind::from_number(kind).map_err(|problem| LoadError::tensor(&name, problem))?;
    let offset = cursor.u64("a tensor's offset")?;
    let length = length(&name, &dims, kind)?;
    let range = usize::try_from(offset).ok().zip(usize::try_from(length).ok());
    let range = range.and_then(|(offset, length)| Some(offset..offset.checked_add(length)?));
    let bytes = range
        .ok_or_else(|| LoadError::tensor(&name, format!("claims {length} bytes at {offset}, more than can exist")))?;
    Ok(TensorPlace { name, dims, kind, bytes })
}

fn length(name: &str, dims: &[u64], kind: TensorKind) -> Result<u64, LoadError> {
    if dims.contains(&0) {
        return Err(LoadError::tensor(name, format!("has the sizes {dims:?}; none may be zero")));
    }
    let block = kind.block_weights() as u64;
    if dims.first().is_some_and(|columns| columns % block != 0) {
        let problem =
            format!("has rows of {} weights, but {} stores {block} together", dims.first().unwrap_or(&0), kind.name());
        return Err(LoadError::tensor(name, problem));
    }
    dims.iter()
        .try_fold(1_u64, |product, dim| product.checked_mul(*dim))
        .and_then(|weights| kind.bytes_of(weights))
        .ok_or_else(|| LoadError::tensor(name, format!("has the sizes {dims:?}, more weights than can exist")))
}

/// Moves the tensors' ranges to where they lie in the file; refuses what is misaligned, outside, or lies on another.
fn place_tensors(
    tensors: &mut [TensorPlace],
    alignment: usize,
    data_begin: usize,
    file_bytes: usize,
) -> Result<(), LoadError> {
    for tensor in &mut *tensors {
        let Range { start, end } = tensor.bytes;
        if !start.is_multiple_of(alignment) {
            let problem = format!("begins at {start} in the data, which is no multiple of the alignment {alignment}");
            return Err(LoadError::tensor(&tensor.name, problem));
        }
        let moved = start.checked_add(data_begin).zip(end.checked_add(data_begin));
        let Some((start, end)) = moved.filter(|(_, end)| *end <= file_bytes) else {
            let problem = format!(
                "needs {} bytes at {}, but the file ends at {file_bytes}; the file is incomplete, fetch it again",
                end - start,
                start.saturating_add(data_begin),
            );
            return Err(LoadError::tensor(&tensor.name, problem));
        };
        tensor.bytes = start..end;
    }
    let mut in_order: Vec<&TensorPlace> = tensors.iter().collect();
    in_order.sort_by_key(|tensor| tensor.bytes.start);
    for pair in in_order.windows(2) {
        if let [first, second] = pair
            && second.bytes.start < first.bytes.end
        {
            return Err(LoadError::tensor(&second.name, format!("lies on the tensor `{}`", first.name)));
        }
    }
    Ok(())
}
