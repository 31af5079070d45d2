//! The metadata entries: typed look-ups that read from the file's bytes when asked. It must not know which keys there are.

use std::collections::HashMap;
use std::ops::Range;

use super::cursor::Cursor;
use crate::LoadError;

/// Elements of an array; the largest known vocabulary has 262,144.
const ELEMENTS_MAX: u64 = 1 << 22;

/// Where an entry's value lies; checked when the header was read.
#[derive(Debug)]
pub(super) struct Entry {
    kind: ValueKind,
    /// For an array, the type of its elements and their number; `kind` is then [`ValueKind::Array`].
    elements: Option<(ValueKind, u64)>,
    bytes: Range<usize>,
}

/// The format's value types, in the order of their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueKind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Bool,
    String,
    Array,
    U64,
    I64,
    F64,
}

const VALUE_KINDS: [(ValueKind, &str, u64); 13] = [
    (ValueKind::U8, "an 8-bit number", 1),
    (ValueKind::I8, "a signed 8-bit number", 1),
    (ValueKind::U16, "a 16-bit number", 2),
    (ValueKind::I16, "a signed 16-bit number", 2),
    (ValueKind::U32, "a 32-bit number", 4),
    (ValueKind::I32, "a signed 32-bit number", 4),
    (ValueKind::F32, "a 32-bit floating-point number", 4),
    (ValueKind::Bool, "a truth value", 1),
    (ValueKind::String, "a text", 0),
    (ValueKind::Array, "an array", 0),
    (ValueKind::U64, "a 64-bit number", 8),
    (ValueKind::I64, "a signed 64-bit number", 8),
    (ValueKind::F64, "a 64-bit floating-point number", 8),
];

impl ValueKind {
    fn read(cursor: &mut Cursor<'_>, key: &str) -> Result<Self, LoadError> {
        let at = cursor.position();
        let number = cursor.u32("a value's type")?;
        let known = usize::try_from(number).ok().and_then(|number| VALUE_KINDS.get(number));
        let unknown = || LoadError::damaged(at, format!("the entry `{key}` has the unknown type {number}"));
        known.map(|known| known.0).ok_or_else(unknown)
    }

    /// The format's number for it.
    pub(super) fn number(self) -> u32 {
        self as u32
    }

    fn name(self) -> &'static str {
        VALUE_KINDS[self as usize].1
    }

    /// Bytes of one value; zero where that differs from value to value.
    fn bytes(self) -> u64 {
        VALUE_KINDS[self as usize].2
    }
}

impl Entry {
    pub(super) fn read(cursor: &mut Cursor<'_>, bytes: &[u8]) -> Result<(String, Self), LoadError> {
        let at = cursor.position();
        let key = cursor.string("an entry's key")?;
        let key = String::from_utf8_lossy(&bytes[key]).into_owned();
        if key.is_empty() {
            return Err(LoadError::damaged(at, "a metadata entry has no key"));
        }
        let kind = ValueKind::read(cursor, &key)?;
        let what = format!("the entry `{key}`");
        if kind == ValueKind::Array {
            let (element, count, bytes) = read_array(cursor, bytes, &key, &what)?;
            return Ok((key, Self { kind, elements: Some((element, count)), bytes }));
        }
        let value = read_value(cursor, bytes, kind, &what)?;
        Ok((key, Self { kind, elements: None, bytes: value }))
    }
}

fn read_array(
    cursor: &mut Cursor<'_>,
    bytes: &[u8],
    key: &str,
    what: &str,
) -> Result<(ValueKind, u64, Range<usize>), LoadError> {
    let element = ValueKind::read(cursor, key)?;
    let at = cursor.position();
    if element == ValueKind::Array {
        return Err(LoadError::damaged(at, format!("{what} is an array of arrays, which is not read")));
    }
    let count = cursor.u64(what)?;
    // A text takes at least the eight bytes of its length.
    let each_min = if element == ValueKind::String { 8 } else { element.bytes() };
    if count > ELEMENTS_MAX {
        return Err(LoadError::damaged(at, format!("{what} claims {count} elements; at most {ELEMENTS_MAX} are read")));
    }
    if count * each_min > cursor.remaining() as u64 {
        let remaining = cursor.remaining();
        return Err(LoadError::damaged(
            at,
            format!("{what} claims {count} elements, but only {remaining} bytes remain"),
        ));
    }
    let begin = cursor.position();
    if matches!(element, ValueKind::String | ValueKind::Bool) {
        for _ in 0..count {
            read_value(cursor, bytes, element, what)?;
        }
    } else {
        cursor.skip(count * each_min, what)?;
    }
    Ok((element, count, begin..cursor.position()))
}

fn read_value(cursor: &mut Cursor<'_>, bytes: &[u8], kind: ValueKind, what: &str) -> Result<Range<usize>, LoadError> {
    if kind == ValueKind::String {
        return cursor.string(what);
    }
    let value = cursor.skip(kind.bytes(), what)?;
    if kind == ValueKind::Bool && bytes.get(value.start).is_some_and(|byte| *byte > 1) {
        return Err(LoadError::damaged(value.start, format!("{what} is a truth value that is neither 0 nor 1")));
    }
    Ok(value)
}

/// The metadata entries of an open file. A look-up gives nothing where there is no such entry, and an error where it is
/// of another type; `need_…` gives an error for both.
#[derive(Clone, Copy)]
pub(crate) struct Metadata<'a> {
    bytes: &'a [u8],
    entries: &'a HashMap<String, Entry>,
}

impl<'a> Metadata<'a> {
    pub(super) fn new(bytes: &'a [u8], entries: &'a HashMap<String, Entry>) -> Self {
        Self { bytes, entries }
    }

    /// A text.
    pub(crate) fn string(&self, key: &str) -> Result<Option<&'a str>, LoadError> {
        let Some(entry) = self.entries.get(key) else { return Ok(None) };
        match entry.kind {
            ValueKind::String => Ok(Some(text(&self.bytes[entry.bytes.clone()]))),
            _ => Err(wrong_type(key, entry, "a text")),
        }
    }

    /// A text that must be there.
    pub(crate) fn need_string(&self, key: &str) -> Result<&'a str, LoadError> {
        self.string(key)?.ok_or_else(|| missing(key))
    }

    /// A whole number of any width that is not negative.
    pub(crate) fn u64(&self, key: &str) -> Result<Option<u64>, LoadError> {
        let Some(entry) = self.entries.get(key) else { return Ok(None) };
        let value = integer(entry.kind, &self.bytes[entry.bytes.clone()]);
        let value = value.ok_or_else(|| wrong_type(key, entry, "a whole number"))?;
        match u64::try_from(value) {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(LoadError::metadata(key, format!("is {value}, but must not be negative"))),
        }
    }

    /// A whole number that must be there.
    pub(crate) fn need_u64(&self, key: &str) -> Result<u64, LoadError> {
        self.u64(key)?.ok_or_else(|| missing(key))
    }

    /// A finite floating-point number.
    pub(crate) fn f32(&self, key: &str) -> Result<Option<f32>, LoadError> {
        let Some(entry) = self.entries.get(key) else { return Ok(None) };
        let bytes = &self.bytes[entry.bytes.clone()];
        let value = match entry.kind {
            ValueKind::F32 => f32::from_le_bytes(fixed(bytes)),
            ValueKind::F64 => f64::from_le_bytes(fixed(bytes)) as f32,
            _ => return Err(wrong_type(key, entry, "a floating-point number")),
        };
        if value.is_finite() { Ok(Some(value)) } else { Err(LoadError::metadata(key, "is not a finite number")) }
    }

    /// A finite floating-point number that must be there.
    pub(crate) fn need_f32(&self, key: &str) -> Result<f32, LoadError> {
        self.f32(key)?.ok_or_else(|| missing(key))
    }

    /// A truth value.
    pub(crate) fn bool(&self, key: &str) -> Result<Option<bool>, LoadError> {
        let Some(entry) = self.entries.get(key) else { return Ok(None) };
        match entry.kind {
            ValueKind::Bool => Ok(Some(self.bytes.get(entry.bytes.start) == Some(&1))),
            _ => Err(wrong_type(key, entry, "a truth value")),
        }
    }

    /// The truth values of an array.
    pub(crate) fn bools(&self, key: &str) -> Result<Option<Vec<bool>>, LoadError> {
        let Some(entry) = self.entries.get(key) else { return Ok(None) };
        match self.elements(entry) {
            Some((ValueKind::Bool, elements)) => Ok(Some(elements.map(|bytes| bytes == [1]).collect())),
            _ => Err(wrong_type(key, entry, "an array of truth values")),
        }
    }

    /// The finite floating-point numbers of an array, each of 32 bits.
    pub(crate) fn floats(&self, key: &str) -> Result<Option<Vec<f32>>, LoadError> {
        let Some(entry) = self.entries.get(key) else { return Ok(None) };
        let Some((ValueKind::F32, elements)) = self.elements(entry) else {
            return Err(wrong_type(key, entry, "an array of 32-bit floating-point numbers"));
        };
        let floats: Vec<f32> = elements.map(|bytes| f32::from_le_bytes(fixed(bytes))).collect();
        if floats.iter().all(|float| float.is_finite()) {
            return Ok(Some(floats));
        }
        Err(LoadError::metadata(key, "holds a number that is not finite"))
    }

    /// Whether there is such an entry and it is an array.
    pub(crate) fn is_array(&self, key: &str) -> bool {
        self.entries.get(key).is_some_and(|entry| entry.elements.is_some())
    }

    /// The texts of an array.
    pub(crate) fn strings(&self, key: &str) -> Result<Option<Vec<&'a str>>, LoadError> {
        let Some(entry) = self.entries.get(key) else { return Ok(None) };
        let Some((ValueKind::String, count)) = entry.elements else {
            return Err(wrong_type(key, entry, "an array of texts"));
        };
        let mut cursor = Cursor::new(self.bytes, entry.bytes.start);
        let mut strings = Vec::with_capacity(count as usize);
        for _ in 0..count {
            strings.push(text(&self.bytes[cursor.string("a text")?]));
        }
        Ok(Some(strings))
    }

    /// The whole numbers of an array, of any width.
    pub(crate) fn integers(&self, key: &str) -> Result<Option<Vec<i64>>, LoadError> {
        let Some(entry) = self.entries.get(key) else { return Ok(None) };
        let numbers = self.elements(entry).and_then(|(kind, elements)| {
            elements.map(|bytes| integer(kind, bytes).and_then(|value| i64::try_from(value).ok())).collect()
        });
        numbers.map(Some).ok_or_else(|| wrong_type(key, entry, "an array of whole numbers"))
    }

    /// The elements' type and bytes, for an array of numbers.
    fn elements(&self, entry: &Entry) -> Option<(ValueKind, std::slice::ChunksExact<'a, u8>)> {
        let (kind, _) = entry.elements.filter(|(kind, _)| kind.bytes() > 0)?;
        Some((kind, self.bytes[entry.bytes.clone()].chunks_exact(kind.bytes() as usize)))
    }
}

fn integer(kind: ValueKind, bytes: &[u8]) -> Option<i128> {
    Some(match kind {
        ValueKind::U8 => u8::from_le_bytes(fixed(bytes)).into(),
        ValueKind::I8 => i8::from_le_bytes(fixed(bytes)).into(),
        ValueKind::U16 => u16::from_le_bytes(fixed(bytes)).into(),
        ValueKind::I16 => i16::from_le_bytes(fixed(bytes)).into(),
        ValueKind::U32 => u32::from_le_bytes(fixed(bytes)).into(),
        ValueKind::I32 => i32::from_le_bytes(fixed(bytes)).into(),
        ValueKind::U64 => u64::from_le_bytes(fixed(bytes)).into(),
        ValueKind::I64 => i64::from_le_bytes(fixed(bytes)).into(),
        ValueKind::F32 | ValueKind::F64 | ValueKind::Bool | ValueKind::String | ValueKind::Array => return None,
    })
}

/// As many bytes as the type has; the header's reading has checked that they are there.
fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

/// Checked to be UTF-8 when the header was read.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

fn missing(key: &str) -> LoadError {
    LoadError::metadata(key, "is missing; the file is incomplete or was converted by an old program, convert it anew")
}

fn wrong_type(key: &str, entry: &Entry, wanted: &str) -> LoadError {
    let found = match entry.elements {
        Some((element, count)) => format!("an array of {count}, each {}", element.name()),
        None => entry.kind.name().to_owned(),
    };
    LoadError::metadata(key, format!("is {found}, but must be {wanted}"))
}
