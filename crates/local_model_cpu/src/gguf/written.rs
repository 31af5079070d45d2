//! Metadata entries that come from no file: written in memory as a file would have them, and read as a file's. It must not
//! know which keys there are.

use std::collections::HashMap;

use super::cursor::Cursor;
use super::metadata::{Entry, Metadata, ValueKind};
use crate::LoadError;

/// Entries in the making.
#[derive(Default)]
pub(crate) struct EntryWriter {
    bytes: Vec<u8>,
}

/// Written entries, to be read.
#[derive(Default)]
pub(crate) struct Written {
    bytes: Vec<u8>,
    entries: HashMap<String, Entry>,
}

impl EntryWriter {
    pub(crate) fn string(&mut self, key: &str, value: &str) {
        self.begin(key, ValueKind::String);
        self.text(value);
    }

    pub(crate) fn u64(&mut self, key: &str, value: u64) {
        self.begin(key, ValueKind::U64);
        self.bytes.extend(value.to_le_bytes());
    }

    pub(crate) fn f32(&mut self, key: &str, value: f32) {
        self.begin(key, ValueKind::F32);
        self.bytes.extend(value.to_le_bytes());
    }

    pub(crate) fn bool(&mut self, key: &str, value: bool) {
        self.begin(key, ValueKind::Bool);
        self.bytes.push(value.into());
    }

    pub(crate) fn strings<T: AsRef<str>>(&mut self, key: &str, values: &[T]) {
        self.begin_array(key, ValueKind::String, values.len());
        for value in values {
            self.text(value.as_ref());
        }
    }

    pub(crate) fn i32s(&mut self, key: &str, values: &[i32]) {
        self.begin_array(key, ValueKind::I32, values.len());
        self.bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    pub(crate) fn bools(&mut self, key: &str, values: &[bool]) {
        self.begin_array(key, ValueKind::Bool, values.len());
        self.bytes.extend(values.iter().map(|value| u8::from(*value)));
    }

    /// Reads what was written, with a file's checks; of entries with the same key the last holds.
    pub(crate) fn finish(self) -> Result<Written, LoadError> {
        let mut entries = HashMap::new();
        let mut cursor = Cursor::new(&self.bytes, 0);
        while cursor.remaining() > 0 {
            let (key, entry) = Entry::read(&mut cursor, &self.bytes)?;
            entries.insert(key, entry);
        }
        Ok(Written { bytes: self.bytes, entries })
    }

    fn begin(&mut self, key: &str, kind: ValueKind) {
        self.text(key);
        self.bytes.extend(kind.number().to_le_bytes());
    }

    fn begin_array(&mut self, key: &str, kind: ValueKind, length: usize) {
        self.begin(key, ValueKind::Array);
        self.bytes.extend(kind.number().to_le_bytes());
        self.bytes.extend((length as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.bytes.extend((text.len() as u64).to_le_bytes());
        self.bytes.extend(text.as_bytes());
    }
}

impl Written {
    pub(crate) fn metadata(&self) -> Metadata<'_> {
        Metadata::new(&self.bytes, &self.entries)
    }
}
