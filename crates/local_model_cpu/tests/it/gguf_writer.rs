//! Writes GGUF files for tests: good ones, and ones that lie. It must not know what the engine makes of them.

use std::path::Path;

/// Numbers of the format's value types.
const U32: u32 = 4;
const I32: u32 = 5;
const F32: u32 = 6;
const BOOL: u32 = 7;
const STRING: u32 = 8;
const ARRAY: u32 = 9;

/// A file in the making. What is not said is as in a good file: version 3, alignment 32.
#[derive(Clone)]
pub(crate) struct GgufWriter {
    entries: Vec<(String, Vec<u8>)>,
    tensors: Vec<Tensor>,
    /// The format's version.
    pub(crate) version: u32,
    /// What tensors are aligned to; the entry that says so is the caller's.
    pub(crate) alignment: usize,
    /// Claimed instead of the true number of tensors.
    pub(crate) tensor_count: Option<u64>,
    /// Claimed instead of the true number of entries.
    pub(crate) entry_count: Option<u64>,
}

#[derive(Clone)]
struct Tensor {
    name: String,
    dims: Vec<u64>,
    kind: u32,
    bytes: Vec<u8>,
    offset: Option<u64>,
}

impl Default for GgufWriter {
    fn default() -> Self {
        let (entries, tensors) = (Vec::new(), Vec::new());
        Self { entries, tensors, version: 3, alignment: 32, tensor_count: None, entry_count: None }
    }
}

impl GgufWriter {
    /// An entry of any type, its value already encoded; replaces one of the same key.
    pub(crate) fn raw(&mut self, key: &str, kind: u32, value: &[u8]) -> &mut Self {
        self.remove(key);
        self.entries.push((key.to_owned(), [&kind.to_le_bytes(), value].concat()));
        self
    }

    /// An entry that comes again, though its key is there.
    pub(crate) fn again(&mut self, key: &str) -> &mut Self {
        let entry = self.entries.iter().find(|entry| entry.0 == key).cloned();
        self.entries.extend(entry);
        self
    }

    pub(crate) fn remove(&mut self, key: &str) -> &mut Self {
        self.entries.retain(|entry| entry.0 != key);
        self
    }

    pub(crate) fn string(&mut self, key: &str, value: &str) -> &mut Self {
        self.raw(key, STRING, &encoded(value))
    }

    pub(crate) fn u32(&mut self, key: &str, value: u32) -> &mut Self {
        self.raw(key, U32, &value.to_le_bytes())
    }

    pub(crate) fn f32(&mut self, key: &str, value: f32) -> &mut Self {
        self.raw(key, F32, &value.to_le_bytes())
    }

    pub(crate) fn bool(&mut self, key: &str, value: bool) -> &mut Self {
        self.raw(key, BOOL, &[u8::from(value)])
    }

    pub(crate) fn strings<T: AsRef<str>>(&mut self, key: &str, values: &[T]) -> &mut Self {
        let elements: Vec<u8> = values.iter().flat_map(|value| encoded(value.as_ref())).collect();
        self.array(key, STRING, values.len() as u64, &elements)
    }

    pub(crate) fn i32s(&mut self, key: &str, values: &[i32]) -> &mut Self {
        let elements: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.array(key, I32, values.len() as u64, &elements)
    }

    /// An array that claims `count` elements.
    pub(crate) fn array(&mut self, key: &str, kind: u32, count: u64, elements: &[u8]) -> &mut Self {
        let value = [&kind.to_le_bytes()[..], &count.to_le_bytes(), elements].concat();
        self.raw(key, ARRAY, &value)
    }

    pub(crate) fn tensor(&mut self, name: &str, dims: &[u64], kind: u32, bytes: Vec<u8>) -> &mut Self {
        let (name, dims) = (name.to_owned(), dims.to_vec());
        self.tensors.push(Tensor { name, dims, kind, bytes, offset: None });
        self
    }

    /// A tensor that claims to begin at `offset`.
    pub(crate) fn tensor_at(&mut self, offset: u64, name: &str, dims: &[u64], kind: u32, bytes: Vec<u8>) -> &mut Self {
        let (name, dims) = (name.to_owned(), dims.to_vec());
        self.tensors.push(Tensor { name, dims, kind, bytes, offset: Some(offset) });
        self
    }

    pub(crate) fn remove_tensor(&mut self, name: &str) -> &mut Self {
        self.tensors.retain(|tensor| tensor.name != name);
        self
    }

    /// The file's bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        file.extend(self.version.to_le_bytes());
        file.extend(self.tensor_count.unwrap_or(self.tensors.len() as u64).to_le_bytes());
        file.extend(self.entry_count.unwrap_or(self.entries.len() as u64).to_le_bytes());
        for (key, value) in &self.entries {
            file.extend(encoded(key));
            file.extend(value);
        }
        let mut offset = 0_u64;
        for tensor in &self.tensors {
            file.extend(encoded(&tensor.name));
            file.extend((tensor.dims.len() as u32).to_le_bytes());
            file.extend(tensor.dims.iter().flat_map(|dim| dim.to_le_bytes()));
            file.extend(tensor.kind.to_le_bytes());
            file.extend(tensor.offset.unwrap_or(offset).to_le_bytes());
            offset = (offset + tensor.bytes.len() as u64).next_multiple_of(self.alignment as u64);
        }
        for tensor in &self.tensors {
            file.resize(file.len().next_multiple_of(self.alignment), 0);
            file.extend(&tensor.bytes);
        }
        file
    }

    /// Writes the file.
    #[expect(clippy::disallowed_methods, reason = "a test's own folder; nobody reads it before it is whole")]
    pub(crate) fn write(&self, path: &Path) {
        std::fs::write(path, self.bytes()).unwrap();
    }
}

fn encoded(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}
