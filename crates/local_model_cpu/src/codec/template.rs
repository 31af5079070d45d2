//! A model's chat template: a conversation as the text that the model was taught. It must not know tokens.
//!
//! Templates are Jinja as Python's `jinja2` renders it under Hugging Face's settings; the goldens hold ours against it.

use std::io;

use jiff::Zoned;
use local_model::{CodecError, Speaker};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind, Value, context};
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use crate::LoadError;

/// Steps a rendering may take: some hundred for each turn are usual, and a conversation has at most some thousand turns.
const STEPS_MAX: u64 = 5_000_000;
/// Bytes that a template may add to what was said.
const ADDED_BYTES_MAX: usize = 4 << 20;
const NAME: &str = "chat";
const KEY: &str = "tokenizer.chat_template";

/// A template, compiled.
pub(super) struct Template {
    environment: Environment<'static>,
    /// Spelling of the begin-of-text token.
    begin: String,
    /// Spelling of the end-of-text token.
    end: String,
}

impl Template {
    pub(super) fn compile(source: &str, begin: &str, end: &str, now: fn() -> Zoned) -> Result<Self, LoadError> {
        let unusable = |error: Error| {
            LoadError::metadata(KEY, format!("cannot be understood: {error}; take a file with a corrected template"))
        };
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(unusable)?;
        environment.set_syntax(syntax);
        environment.set_fuel(Some(STEPS_MAX));
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", raise_exception);
        environment.add_function("strftime_now", move |format: String| strftime(&now(), &format));
        environment.add_filter("tojson", to_json);
        let source = without_generation_marks(source);
        environment.add_template_owned(NAME, source).map_err(unusable)?;
        Ok(Self { environment, begin: begin.to_owned(), end: end.to_owned() })
    }

    /// The conversation's text, up to where the assistant speaks.
    pub(super) fn render(&self, turns: &[(Speaker, String)]) -> Result<String, CodecError> {
        let messages: Vec<Value> =
            turns.iter().map(|(speaker, text)| context! { role => speaker.role(), content => text }).collect();
        let said: usize = turns.iter().map(|(_, text)| text.len()).sum();
        let mut output = Bounded { bytes: Vec::new(), room: said.saturating_add(ADDED_BYTES_MAX) };
        let context = context! {
            messages,
            add_generation_prompt => true,
            bos_token => &self.begin,
            eos_token => &self.end,
            tools => Value::from(()),
            documents => Value::from(()),
        };
        let template = self.environment.get_template(NAME).map_err(|error| refusal(&error))?;
        template.render_captured_to(context, &mut output).map_err(|error| refusal(&error))?;
        String::from_utf8(output.bytes).map_err(|error| CodecError::Template(error.to_string()))
    }
}

/// Takes what a template writes, up to a bound.
struct Bounded {
    bytes: Vec<u8>,
    room: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.room {
            return Err(io::Error::other(format!("it writes more than {} bytes", self.room)));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The template's own words where it refuses by `raise_exception`.
fn refusal(error: &Error) -> CodecError {
    if matches!(error.kind(), ErrorKind::OutOfFuel) {
        return CodecError::Template(format!("it takes more than {STEPS_MAX} steps"));
    }
    let cause = std::error::Error::source(error).map(ToString::to_string);
    let words = cause.or_else(|| error.detail().map(str::to_owned));
    CodecError::Template(words.unwrap_or_else(|| error.to_string()))
}

fn raise_exception(message: String) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

fn strftime(now: &Zoned, format: &str) -> Result<String, Error> {
    let written = jiff::fmt::strtime::format(format, now);
    written.map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
}

/// As Python's `json.dumps` writes: a space after commas and colons, nothing escaped that need not be.
#[expect(clippy::needless_pass_by_value, reason = "the signature of a filter")]
fn to_json(value: &Value, arguments: Kwargs) -> Result<String, Error> {
    struct Spaced;
    impl Formatter for Spaced {
        fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
            if first { Ok(()) } else { writer.write_all(b", ") }
        }
        fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
            if first { Ok(()) } else { writer.write_all(b", ") }
        }
        fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
            writer.write_all(b": ")
        }
    }
    /// Indents above this only serve to fill memory.
    const INDENT_MAX: usize = 16;
    let indent: Option<usize> = arguments.get("indent")?;
    let mut json = Vec::new();
    let written = match indent {
        None => value.serialize(&mut Serializer::with_formatter(&mut json, Spaced)),
        Some(indent) => {
            let indent = " ".repeat(indent.min(INDENT_MAX));
            let formatter = PrettyFormatter::with_indent(indent.as_bytes());
            value.serialize(&mut Serializer::with_formatter(&mut json, formatter))
        }
    };
    let failed = |problem: String| Error::new(ErrorKind::BadSerialization, problem);
    written.map_err(|error| failed(error.to_string()))?;
    String::from_utf8(json).map_err(|error| failed(error.to_string()))
}

/// Hugging Face's `{% generation %}` marks what a training loss counts and renders as what it encloses.
fn without_generation_marks(source: &str) -> String {
    let mut rest = source;
    let mut kept = String::with_capacity(source.len());
    while let Some((before, tag)) = rest.split_once("{%") {
        kept.push_str(before);
        let Some((inside, after)) = tag.split_once("%}") else {
            kept.push_str("{%");
            rest = tag;
            continue;
        };
        let word = inside.trim_start_matches(['-', '+']).trim_end_matches(['-', '+']).trim();
        let inside = match word {
            "generation" => inside.replace(word, "if true"),
            "endgeneration" => inside.replace(word, "endif"),
            _ => inside.to_owned(),
        };
        kept.push_str("{%");
        kept.push_str(&inside);
        kept.push_str("%}");
        rest = after;
    }
    kept.push_str(rest);
    kept
}
