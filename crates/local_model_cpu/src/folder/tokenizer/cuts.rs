//! How a `tokenizer.json` cuts texts into words, recognised among the ways that the engine knows.

use serde_json::Value;

use super::{File, wrong};
use crate::LoadError;
use crate::codec::entries::{GPT_2, name_of_cuts};

/// A way of cutting.
pub(super) struct Cutting {
    /// Its name in `tokenizer.ggml.pre`.
    pub(super) name: &'static str,
    /// Whether texts are brought to Unicode's form C first.
    pub(super) composes: bool,
}

/// A step of a sequence of steps, however deep.
pub(super) fn steps<'a>(step: &'a Value, list: &str, found: &mut Vec<&'a Value>) {
    match step.get(list).and_then(Value::as_array) {
        Some(inner) if kind(step) == "Sequence" => inner.iter().for_each(|step| steps(step, list, found)),
        _ => found.push(step),
    }
}

pub(super) fn kind(step: &Value) -> &str {
    step.get("type").and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn flag(step: &Value, name: &str, usual: bool) -> bool {
    step.get(name).and_then(Value::as_bool).unwrap_or(usual)
}

/// What changes texts before they are cut.
pub(super) fn normalizers(file: &File) -> Vec<&Value> {
    let mut found = Vec::new();
    let whole = file.normalizer.iter().filter(|value| !value.is_null());
    whole.for_each(|step| steps(step, "normalizers", &mut found));
    found
}

/// Recognises a file's way.
pub(super) fn read(file: &File) -> Result<Cutting, LoadError> {
    let normalizers = normalizers(file);
    if let Some(other) = normalizers.iter().find(|step| kind(step) != "NFC") {
        return Err(wrong(&format!("changes texts by `{}`, which is not done here; NFC is", kind(other))));
    }
    let Some(whole) = file.pre_tokenizer.as_ref().filter(|value| !value.is_null()) else {
        return Err(wrong("says no way of cutting texts (`pre_tokenizer`), which is not done here"));
    };
    let mut found = Vec::new();
    steps(whole, "pretokenizers", &mut found);
    let Some((last, before)) = found.split_last().filter(|(last, _)| kind(last) == "ByteLevel") else {
        return Err(wrong("does not cut texts into bytes (`ByteLevel`) at last, which is not done here"));
    };
    let mut cuts = before.iter().map(|step| cut(step)).collect::<Result<Vec<_>, _>>()?;
    if flag(last, "add_prefix_space", true) {
        return Err(wrong("puts a space before each text (`add_prefix_space`), which is not done here"));
    }
    if flag(last, "use_regex", true) {
        cuts.push(GPT_2);
    }
    let Some(name) = name_of_cuts(&cuts) else {
        return Err(wrong(&format!("cuts texts by `{}`, which this engine does not know", cuts.join("`, then `"))));
    };
    Ok(Cutting { name, composes: !normalizers.is_empty() })
}

/// The expression of a step.
fn cut(step: &Value) -> Result<&str, LoadError> {
    let isolates = step.get("behavior").and_then(Value::as_str) == Some("Isolated") && !flag(step, "invert", false);
    let pattern = step.get("pattern").and_then(|pattern| pattern.get("Regex")).and_then(Value::as_str);
    match (kind(step), pattern) {
        ("Digits", _) if flag(step, "individual_digits", false) => Ok(r"\p{N}"),
        ("Split", Some(pattern)) if isolates => Ok(pattern),
        (other, _) => Err(wrong(&format!("cuts texts by a step `{other}` in a way that is not done here"))),
    }
}

/// The token that is put before each text; an error for processors that do something else.
pub(super) fn first_token(processor: &Value) -> Result<Option<String>, LoadError> {
    if processor.is_null() {
        return Ok(None);
    }
    let mut found = Vec::new();
    steps(processor, "processors", &mut found);
    let mut first = None;
    for step in found {
        match kind(step) {
            "ByteLevel" => {}
            "TemplateProcessing" => {
                let token =
                    step.get("single").and_then(|single| single.get(0)).and_then(|piece| piece.get("SpecialToken"));
                first = token.and_then(|token| token.get("id")).and_then(Value::as_str).map(str::to_owned);
            }
            other => return Err(wrong(&format!("puts tokens round texts by `{other}`, which is not done here"))),
        }
    }
    Ok(first)
}
