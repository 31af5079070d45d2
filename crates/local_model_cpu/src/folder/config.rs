//! `config.json` as it stands: its fields by name, each checked for its type when it is asked for. It must not know which
//! fields there are.

use std::path::Path;

use serde_json::{Map, Value};

use crate::LoadError;
use crate::small_file::{DESCRIPTION_BYTES_MAX, small_json};

pub(super) const CONFIG_FILE: &str = "config.json";

/// The fields of a JSON object. One that is `null` is absent.
pub(super) struct Config {
    fields: Map<String, Value>,
    /// What leads to them from the file's top, such as `rope_scaling.`.
    path: String,
    /// Fields that the file calls otherwise: as they are usually called, as they are called here.
    own_names: OwnNames,
}

/// What is usually called so: what a class calls it.
pub(super) type OwnNames = &'static [(&'static str, &'static str)];

/// What a class calls the field that is usually called `field`.
pub(super) fn own_name(names: OwnNames, field: &str) -> &str {
    names.iter().find(|(usual, _)| *usual == field).map_or(field, |(_, own)| *own)
}

impl Config {
    pub(super) fn read(folder: &Path) -> Result<Self, LoadError> {
        let read: Option<Map<String, Value>> = small_json(folder, CONFIG_FILE, DESCRIPTION_BYTES_MAX)?;
        let fields = read.ok_or_else(|| {
            LoadError::Unsupported(format!("the folder has no `{CONFIG_FILE}`, which says what the model is"))
        })?;
        Ok(Self { fields, path: String::new(), own_names: &[] })
    }

    /// The same, some of its fields being called otherwise than usually.
    pub(super) fn with_own_names(self, own_names: OwnNames) -> Self {
        Self { own_names, ..self }
    }

    /// An error about a field, worded to follow its name.
    pub(super) fn wrong(&self, field: &str, problem: &str) -> LoadError {
        let field = own_name(self.own_names, field);
        LoadError::Unsupported(format!("`{CONFIG_FILE}`: `{}{field}` {problem}", self.path))
    }

    /// A field, where it says something.
    pub(super) fn value(&self, field: &str) -> Option<&Value> {
        self.fields.get(own_name(self.own_names, field)).filter(|value| !value.is_null())
    }

    /// Whether a field is there, be it `null`.
    pub(super) fn says(&self, field: &str) -> bool {
        self.fields.contains_key(own_name(self.own_names, field))
    }

    /// A whole number that is not negative.
    pub(super) fn size(&self, field: &str) -> Result<Option<u64>, LoadError> {
        self.typed(field, "a whole number that is not negative", Value::as_u64)
    }

    pub(super) fn need_size(&self, field: &str) -> Result<u64, LoadError> {
        self.size(field)?.ok_or_else(|| self.missing(field))
    }

    /// A finite number.
    pub(super) fn number(&self, field: &str) -> Result<Option<f32>, LoadError> {
        let finite = |value: &Value| value.as_f64().map(|number| number as f32).filter(|number| number.is_finite());
        self.typed(field, "a number of 32 bits", finite)
    }

    pub(super) fn need_number(&self, field: &str) -> Result<f32, LoadError> {
        self.number(field)?.ok_or_else(|| self.missing(field))
    }

    pub(super) fn flag(&self, field: &str) -> Result<Option<bool>, LoadError> {
        self.typed(field, "true or false", Value::as_bool)
    }

    pub(super) fn text(&self, field: &str) -> Result<Option<&str>, LoadError> {
        let Some(value) = self.value(field) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| self.wrong(field, "must be a text"))
    }

    pub(super) fn texts(&self, field: &str) -> Result<Option<Vec<&str>>, LoadError> {
        let Some(value) = self.value(field) else { return Ok(None) };
        let texts = value.as_array().and_then(|list| list.iter().map(Value::as_str).collect());
        texts.map(Some).ok_or_else(|| self.wrong(field, "must be a list of texts"))
    }

    /// A whole number, or a list of some.
    pub(super) fn sizes(&self, field: &str) -> Result<Vec<u64>, LoadError> {
        let Some(value) = self.value(field) else { return Ok(Vec::new()) };
        let sizes = match value.as_array() {
            Some(list) => list.iter().map(Value::as_u64).collect(),
            None => value.as_u64().map(|size| vec![size]),
        };
        sizes.ok_or_else(|| self.wrong(field, "must be a whole number, or a list of some"))
    }

    /// The fields of an object within.
    pub(super) fn object(&self, field: &str) -> Result<Option<Self>, LoadError> {
        let Some(value) = self.value(field) else { return Ok(None) };
        let fields = value.as_object().cloned().ok_or_else(|| self.wrong(field, "must be an object"))?;
        Ok(Some(Self { fields, path: format!("{}{field}.", self.path), own_names: &[] }))
    }

    pub(super) fn missing(&self, field: &str) -> LoadError {
        self.wrong(field, "is missing; the model cannot be computed without it")
    }

    fn typed<T>(&self, field: &str, what: &str, read: fn(&Value) -> Option<T>) -> Result<Option<T>, LoadError> {
        let Some(value) = self.value(field) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| self.wrong(field, &format!("must be {what}")))
    }
}
