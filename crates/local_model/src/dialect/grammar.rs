//! A grammar, in the notation of `llguidance`'s Lark, of what an answer may be. It must not know tokens.

mod messages;

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{CallSyntax, Dialect, Thought};
use crate::{Reasoning, Tool, Wanted};

/// A grammar as text, and the grammars that it refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grammar {
    /// The grammar itself.
    pub(crate) lark: String,
    /// What it calls `@answer`.
    pub(crate) answer: Option<String>,
}

/// Why there is no grammar of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The form of the answer is at fault.
    Answer(String),
    /// The tool at this place is.
    Tool(usize, String),
}

/// Names that models make up for calls, as Solar Open's template asks for them.
const ID: &str = "/[a-z0-9]{10}/";

/// Blanks that models put round calls and after reasoning.
const BLANKS: &str = "/[ \\n]{0,4}/";

impl Grammar {
    /// What an answer may be that is wanted so.
    pub(crate) fn of(wanted: &Wanted, dialect: &Dialect, reasoning: Reasoning) -> Self {
        let mut answer = None;
        let mut rules = String::from("%llguidance {}\n");
        if let Some(messages) = dialect.messages {
            messages::rules(wanted, (dialect, messages), reasoning, (&mut rules, &mut answer));
            return Self { lark: rules, answer };
        }
        let thought = dialect.thought.map_or("", |thought| thought_rule(thought, reasoning, &mut rules));
        // Where reasoning may come, what begins as it does is no answer yet.
        let possible = dialect.thought.filter(|_| reasoning == Reasoning::Possible);
        let body = body(wanted, (&dialect.calls, possible), &mut rules, &mut answer);
        let _ = writeln!(rules, "answer: {body}\nstart: {thought}answer\nTEXT: /(.|\\n)*/\nBLANKS: {BLANKS}");
        Self { lark: rules, answer }
    }

    /// A tool's arguments alone, to find out which of several is at fault.
    pub(crate) fn of_arguments(tool: &Tool) -> Self {
        let schema = guided(&arguments(tool), tool.strict);
        Self { lark: format!("%llguidance {{}}\nstart: %json {schema}\n"), answer: None }
    }
}

/// What stands for the answer in a rule; rules that it needs are added.
fn body(
    wanted: &Wanted,
    (syntax, thought): (&CallSyntax, Option<Thought>),
    rules: &mut String,
    answer: &mut Option<String>,
) -> String {
    match wanted {
        Wanted::Json { schema, strict } => format!("%json {}", guided(schema, *strict)),
        Wanted::Regex(regex) => format!("/{}/", slashed(regex)),
        Wanted::OneOf(texts) => texts.iter().map(|text| literal(text)).collect::<Vec<_>>().join(" | "),
        Wanted::Lark(grammar) => {
            *answer = Some(grammar.clone());
            "@answer".to_owned()
        }
        Wanted::Calls { tools, required, several, words } => {
            call_rules((syntax, &literal), tools, *several, rules);
            match words {
                _ if *required => "calls".to_owned(),
                Some(words) => {
                    let words = body(words, (syntax, thought), rules, answer);
                    let _ = writeln!(rules, "words: {words}");
                    "calls | words".to_owned()
                }
                None => calls_or_words(syntax, thought, rules),
            }
        }
    }
}

/// Reasoning before the answer: needed where it is open, else as the model likes.
fn thought_rule(thought: Thought, reasoning: Reasoning, rules: &mut String) -> &'static str {
    if reasoning == Reasoning::Done {
        return "";
    }
    let _ = writeln!(rules, "thought[lazy]: TEXT {}", literal(thought.close));
    if reasoning == Reasoning::Open {
        return "thought BLANKS ";
    }
    let _ = writeln!(rules, "whole_thought: {} thought BLANKS", literal(thought.open));
    "whole_thought? "
}

/// `calls`: one call or more, from the trigger on; `calls_after`: the same without the trigger. What is the dialect's own is written
/// as `own` does.
fn call_rules(
    (syntax, own): (&CallSyntax, &dyn Fn(&str) -> String),
    tools: &[Tool],
    several: bool,
    rules: &mut String,
) {
    let optional = |text: &str| if text.is_empty() { String::new() } else { own(text) + " " };
    let names: Vec<String> = (0..tools.len()).map(|index| format!("call_{index}")).collect();
    for (name, tool) in names.iter().zip(tools) {
        let before =
            syntax.after_id.map_or(String::new(), |after_id| format!("{} ID {} ", own(syntax.head), own(after_id)));
        let head = if before.is_empty() { syntax.head } else { "" };
        let head = own(&format!("{head}{}{}", tool.name, syntax.middle));
        let schema = guided(&arguments(tool), tool.strict);
        let tail = own(syntax.tail);
        let _ = writeln!(rules, "{name}: {before}{head} {name}_arguments {tail}\n{name}_arguments: %json {schema}");
    }
    if syntax.after_id.is_some() {
        let _ = writeln!(rules, "ID: {ID}");
    }
    let _ = writeln!(rules, "call: {}", names.join(" | "));
    let (open, close) = (optional(syntax.open), optional(syntax.close));
    let one = match (syntax.separator, several) {
        (Some(separator), true) => format!("{open}call ({}call)* {close}", optional(separator)),
        (Some(_) | None, _) => format!("{open}call {close}"),
    };
    let gap = if syntax.close.is_empty() { "" } else { "BLANKS " };
    let one = if syntax.separator.is_none() { one.replace("call ", &format!("call {gap}")) } else { one };
    let before = if syntax.trigger.is_empty() { "" } else { "BLANKS " };
    let more = match syntax.separator {
        None if several && !syntax.trigger.is_empty() => format!("(BLANKS {} {before}{one})*", literal(syntax.trigger)),
        None | Some(_) => String::new(),
    };
    let _ = writeln!(rules, "calls_after: {before}{one}{more}");
    let _ = writeln!(rules, "calls: {}calls_after", optional(syntax.trigger));
}

/// Text, or text and then calls.
fn calls_or_words(syntax: &CallSyntax, thought: Option<Thought>, rules: &mut String) -> String {
    if syntax.trigger.is_empty() {
        // Only what begins with a brace is a call, whatever blanks come first.
        let _ = writeln!(rules, "words: /([ \\n\\r\\t]*[^{{ \\n\\r\\t](.|\\n)*)?/");
        return "calls | words".to_owned();
    }
    let but = thought.map_or(String::new(), |thought| format!(" & ~/{}(.|\\n)*/", escaped(thought.open)));
    let _ = writeln!(rules, "WORDS: /(.|\\n)*/{but}");
    let _ = writeln!(rules, "before_calls[lazy]: WORDS {}\nwords: WORDS", literal(syntax.trigger));
    "before_calls calls_after | words".to_owned()
}

/// The schema of a tool's arguments: always an object.
fn arguments(tool: &Tool) -> Value {
    match &tool.parameters {
        None => json!({ "type": "object", "properties": {}, "additionalProperties": false }),
        Some(Value::Object(schema)) if !schema.contains_key("type") => {
            let mut schema = schema.clone();
            schema.insert("type".to_owned(), json!("object"));
            Value::Object(schema)
        }
        Some(schema) if schema.get("type").is_some_and(|kind| kind == "object") => schema.clone(),
        Some(schema) => json!({ "allOf": [schema, { "type": "object" }] }),
    }
}

/// The schema, with how it is to be written: as Python's `json.dumps` writes, which is what models have seen most.
fn guided(schema: &Value, strict: bool) -> Value {
    let whole = || Map::from_iter([("allOf".to_owned(), json!([schema]))]);
    let mut guided = schema.as_object().cloned().unwrap_or_else(whole);
    let manner =
        json!({ "whitespace_flexible": false, "item_separator": ", ", "key_separator": ": ", "lenient": !strict });
    guided.insert("x-guidance".to_owned(), manner);
    Value::Object(guided)
}

/// A regular expression as the notation takes it between slashes: those inside are escaped where they are not.
fn slashed(regex: &str) -> String {
    let mut escaped = String::with_capacity(regex.len());
    let mut after_backslash = false;
    for letter in regex.chars() {
        if letter == '/' && !after_backslash {
            escaped.push('\\');
        }
        after_backslash = letter == '\\' && !after_backslash;
        escaped.push(letter);
    }
    escaped
}

/// A marker as a regular expression that matches it: each letter that is none is escaped.
fn escaped(marker: &str) -> String {
    let letter = |letter: char| {
        if letter.is_ascii_alphanumeric() { letter.to_string() } else { format!("\\x{{{:x}}}", u32::from(letter)) }
    };
    marker.chars().map(letter).collect()
}

/// A text as the notation quotes it: as JSON does.
fn literal(text: &str) -> String {
    Value::from(text).to_string()
}
