//! What a template may take: steps, bytes of one value, bytes made in all. It must not know conversations.
//!
//! The library counts steps; but one step can double a text, so that some hundred would fill any memory, and what is
//! written into a variable or by a macro passes no writer. So a step that makes a value is followed by one that weighs it,
//! and one that writes by one that counts. Lists and maps hold no namespace: what was weighed once does not grow
//! afterwards.

use std::cell::Cell;
use std::time::{Duration, Instant};

use minijinja::machinery::{self, Instruction, Instructions, Token};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, Value, filters};

/// Steps that a rendering may take, those that weigh among them: some hundred for each turn are usual, and a conversation
/// has at most some thousand turns.
pub(super) const STEPS_MAX: u64 = 10_000_000;
/// Bytes that one value may have beside what was said.
const VALUE_BYTES_MAX: usize = 4 << 20;
/// Bytes that may be made for each that one value may have: a text that grows turn by turn is made anew each time.
const MADE_PER_VALUE: usize = 128;
/// What an element of a list counts for beside its text.
const ELEMENT_BYTES: usize = 16;
/// Lists within lists.
const DEPTH_MAX: usize = 32;
/// How long it may take: steps that look through a long text and make little of it cost time and nothing else.
const TIME_MAX: Duration = Duration::from_secs(30);
/// Macros within macros.
const CALLS_MAX: usize = 100;
/// Greatest number, and longest text or list, that may be multiplied, or that may say how often or how wide.
const FACTOR_MAX: usize = 4096;
/// The place of a filter that the library does not remember.
const NOT_REMEMBERED: u8 = u8::MAX;

// Filters of ours; no template can spell their names.
const MADE: &str = "made!";
const GROWN: &str = "grown!";
const FACTOR: &str = "factor!";
const STORED: &str = "stored!";
const WRITTEN: &str = "written!";
const COUNTED: &str = "counted!";

thread_local! {
    /// Bytes that one value may have in the rendering that this thread is at.
    static VALUE_BYTES: Cell<usize> = const { Cell::new(0) };
    /// Bytes that may still be made in it.
    static LEFT: Cell<usize> = const { Cell::new(0) };
    /// When it began.
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Sets an environment's bounds; its own filters must be there already.
pub(super) fn install(environment: &mut Environment<'_>) {
    environment.set_fuel(Some(STEPS_MAX));
    environment.set_recursion_limit(CALLS_MAX);
    environment.add_filter(MADE, made);
    environment.add_filter(GROWN, grown);
    environment.add_filter(FACTOR, factor);
    environment.add_filter(STORED, stored);
    environment.add_filter(WRITTEN, written);
    environment.add_filter(COUNTED, |bytes: usize| take(bytes));
    // Filters that make more of what they get than its length, each behind a check of its arguments.
    environment.add_filter("plain!replace", filters::replace);
    environment.add_filter("plain!join", filters::join);
    environment.add_filter("plain!indent", filters::indent);
    environment.add_filter("plain!format", filters::format);
    environment.add_filter("plain!batch", filters::batch);
    environment.add_filter("plain!slice", filters::slice);
    for (name, plain) in [
        ("replace", "plain!replace"),
        ("join", "plain!join"),
        ("indent", "plain!indent"),
        ("format", "plain!format"),
        ("batch", "plain!batch"),
        ("slice", "plain!slice"),
    ] {
        environment.add_filter(name, move |state: &mut State, arguments: Rest<Value>, named: Kwargs| {
            let mut arguments = arguments.0;
            if named.args().next().is_some() {
                arguments.push(named.into());
            }
            check_arguments(name, &arguments)?;
            state.apply_filter(plain, &arguments)
        });
    }
}

/// Refuses what would be computed without bounds before it runs: products of constants, other templates.
pub(super) fn check_source(source: &str, syntax: SyntaxConfig) -> Result<(), Error> {
    let tokens: Vec<Token<'_>> =
        machinery::tokenize(source, false, syntax).map(|token| Ok(token?.0)).collect::<Result<_, Error>>()?;
    let factor = |token: Option<&Token<'_>>| match token {
        Some(Token::Int(number)) => usize::try_from(*number).unwrap_or(usize::MAX).max(1),
        Some(Token::Int128(_)) => usize::MAX,
        _ => 1,
    };
    let mut product = 1_usize;
    for (index, _) in tokens.iter().enumerate().filter(|(_, token)| matches!(token, Token::Mul)) {
        let before = index.checked_sub(1).and_then(|index| tokens.get(index));
        product = product.saturating_mul(factor(before)).saturating_mul(factor(tokens.get(index + 1)));
    }
    if product > FACTOR_MAX {
        return Err(refusal(format!("its constant factors make more than {FACTOR_MAX}")));
    }
    Ok(())
}

/// Renders a template, `said` being the bytes that its context holds.
pub(super) fn render(environment: &Environment<'_>, name: &str, context: Value, said: usize) -> Result<String, Error> {
    let template = environment.get_template(name)?;
    let compiled = machinery::get_compiled_template(&template);
    let instructions = guarded(&compiled.instructions)?;
    let blocks = compiled.blocks.iter().map(|(name, block)| Ok((*name, guarded(block)?)));
    let blocks = blocks.collect::<Result<_, Error>>()?;
    let value_bytes = said.saturating_add(VALUE_BYTES_MAX);
    VALUE_BYTES.set(value_bytes);
    BEGAN.set(Some(now()));
    LEFT.set(value_bytes.saturating_mul(MADE_PER_VALUE));
    let mut text = String::new();
    let mut output = machinery::make_string_output(&mut text);
    machinery::eval(environment, &instructions, context, &blocks, &mut output, AutoEscape::None)?;
    drop(output);
    if text.len() > value_bytes {
        return Err(refusal(format!("it writes more than {value_bytes} bytes")));
    }
    Ok(text)
}

/// The same steps with those that weigh and count between them.
fn guarded<'source>(plain: &Instructions<'source>) -> Result<Instructions<'source>, Error> {
    let mut guarded = Instructions::new(plain.name(), plain.source());
    // Where each plain step, or what comes before it, has come to stand, and the end.
    let mut places = Vec::new();
    let mut end = 0;
    for step in (0..).map_while(|index| plain.get(index)) {
        places.push(end);
        let Guards { before, after } = guards(step)?;
        for step in before.iter().chain([step]).chain(after.iter()) {
            guarded.add(step.clone());
            end += 1;
        }
    }
    for index in 0..end {
        if let Some(
            Instruction::Jump(target)
            | Instruction::JumpIfFalse(target)
            | Instruction::JumpIfFalseOrPop(target)
            | Instruction::JumpIfTrueOrPop(target)
            | Instruction::Iterate(target)
            | Instruction::BuildMacro(_, target, _),
        ) = guarded.get_mut(index)
        {
            *target = places.get(*target as usize).copied().unwrap_or(end);
        }
    }
    Ok(guarded)
}

/// Steps that a step is put between.
#[derive(Default)]
struct Guards {
    before: Vec<Instruction<'static>>,
    after: Vec<Instruction<'static>>,
}

fn guards(step: &Instruction<'_>) -> Result<Guards, Error> {
    let filter = |name| Instruction::ApplyFilter(name, Some(1), NOT_REMEMBERED);
    let both = |name| vec![filter(name), Instruction::Swap, filter(name), Instruction::Swap];
    let beneath = |name| vec![Instruction::Swap, filter(name), Instruction::Swap];
    let made = || vec![filter(MADE)];
    Ok(match step {
        Instruction::Mul => Guards { before: both(FACTOR), after: made() },
        Instruction::Add | Instruction::StringConcat => Guards { before: both(GROWN), after: made() },
        // Below the namespace lies what is stored in it.
        Instruction::SetAttr(_) => Guards { before: beneath(STORED), after: Vec::new() },
        Instruction::ApplyFilter(_, Some(1), _) => Guards { before: vec![filter(GROWN)], after: made() },
        // Above it may lie named arguments, which are no value.
        Instruction::ApplyFilter(_, Some(2), _) => Guards { before: beneath(GROWN), after: made() },
        Instruction::ApplyFilter(..)
        | Instruction::Slice
        | Instruction::CallFunction(..)
        | Instruction::CallMethod(..)
        | Instruction::CallObject(_)
        | Instruction::BuildMap(_)
        | Instruction::BuildList(_)
        | Instruction::BuildTuple(_)
        | Instruction::EndCapture => Guards { before: Vec::new(), after: made() },
        Instruction::Eq
        | Instruction::Ne
        | Instruction::Gt
        | Instruction::Gte
        | Instruction::Lt
        | Instruction::Lte
        | Instruction::In
        | Instruction::CompareAndPreserve(_) => Guards { before: both(GROWN), after: Vec::new() },
        Instruction::Emit => Guards { before: vec![filter(WRITTEN)], after: Vec::new() },
        Instruction::EmitRaw(text) => {
            let counted = [Instruction::LoadConst(Value::from(text.len())), filter(COUNTED), Instruction::DiscardTop];
            Guards { before: counted.into(), after: Vec::new() }
        }
        Instruction::Include(_) | Instruction::LoadBlocks => {
            return Err(refusal("it asks for other templates, of which there are none".to_owned()));
        }
        _ => Guards::default(),
    })
}

/// What a step has made: not too large, and no namespace in it.
fn made(value: Value) -> Result<Value, Error> {
    check_time()?;
    if value.kind() == ValueKind::String || is_container(&value) {
        let length = value.as_str().map_or_else(|| ELEMENT_BYTES * value.len().unwrap_or(0), str::len);
        take(length)?;
        weigh(&value)?;
    }
    Ok(value)
}

/// A namespace, which may have grown, where it is made a text of or compared.
fn grown(value: Value) -> Result<Value, Error> {
    check_time()?;
    if is_namespace(&value) {
        weigh(&value)?;
    }
    Ok(value)
}

/// What a namespace is to keep: no namespace, lest one comes to lie in itself.
fn stored(value: Value) -> Result<Value, Error> {
    if is_namespace(&value) {
        return Err(refusal("it keeps a namespace in a namespace".to_owned()));
    }
    weigh(&value)?;
    Ok(value)
}

/// One side of a multiplication.
fn factor(value: Value) -> Result<Value, Error> {
    let size = match value.as_usize() {
        Some(number) => number,
        None => value.as_str().map(str::len).or_else(|| value.len()).unwrap_or(0),
    };
    if size > FACTOR_MAX {
        return Err(refusal(format!("it multiplies by more than {FACTOR_MAX}")));
    }
    Ok(value)
}

/// What is written.
fn written(value: Value) -> Result<Value, Error> {
    take(weigh(&value)?)?;
    Ok(value)
}

fn check_time() -> Result<(), Error> {
    match BEGAN.get() {
        Some(began) if now().duration_since(began) > TIME_MAX => {
            Err(refusal(format!("it takes more than {} s", TIME_MAX.as_secs())))
        }
        Some(_) | None => Ok(()),
    }
}

#[expect(clippy::disallowed_methods, reason = "the library's steps bring no clock; what is told does not depend on it")]
fn now() -> Instant {
    Instant::now()
}

fn take(bytes: usize) -> Result<(), Error> {
    match LEFT.get().checked_sub(bytes) {
        Some(left) => {
            LEFT.set(left);
            Ok(())
        }
        None => Err(refusal(format!("it makes more than {} bytes", VALUE_BYTES.get().saturating_mul(MADE_PER_VALUE)))),
    }
}

/// Bytes of a value written out, roughly; refused where they are too many or lie too deep.
fn weigh(value: &Value) -> Result<usize, Error> {
    let bytes_max = VALUE_BYTES.get();
    let mut bytes = 0_usize;
    let mut rest = vec![(value.clone(), 0)];
    while let Some((value, depth)) = rest.pop() {
        let elements = if is_container(&value) { value.len().unwrap_or(0) } else { 0 };
        bytes = bytes.saturating_add(value.as_str().map_or(elements.saturating_mul(ELEMENT_BYTES), str::len));
        if bytes > bytes_max {
            return Err(refusal(format!("it makes a value of more than {bytes_max} bytes")));
        }
        if depth > DEPTH_MAX {
            return Err(refusal(format!("it puts lists into lists more than {DEPTH_MAX} deep")));
        }
        if depth > 0 && is_namespace(&value) {
            return Err(refusal("it puts a namespace into a list or a map".to_owned()));
        }
        if elements == 0 {
            continue;
        }
        for element in value.try_iter()? {
            if value.kind() == ValueKind::Map {
                rest.push((value.get_item(&element)?, depth + 1));
            }
            rest.push((element, depth + 1));
        }
    }
    Ok(bytes)
}

fn is_container(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable | ValueKind::Map)
}

/// The library keeps the type to itself, but not its name.
fn is_namespace(value: &Value) -> bool {
    value.kind() == ValueKind::Map && value.as_object().is_some_and(|object| object.type_name().ends_with("Namespace"))
}

/// Refuses arguments, the value itself first, of which a filter or method would make too much.
pub(super) fn check_arguments(name: &str, arguments: &[Value]) -> Result<(), Error> {
    for namespace in arguments.iter().filter(|value| is_namespace(value)) {
        weigh(namespace)?;
    }
    let text = |index: usize| arguments.get(index).and_then(Value::as_str).unwrap_or_default();
    let length = match name {
        "replace" => {
            let times = if text(1).is_empty() { text(0).len() + 1 } else { text(0).matches(text(1)).count() };
            times.saturating_mul(text(2).len())
        }
        "join" => {
            let is_method = arguments.first().is_some_and(|value| value.kind() == ValueKind::String);
            let joiner = usize::from(!is_method);
            let list = arguments.get(1 - joiner).and_then(Value::len).unwrap_or(0);
            list.saturating_mul(text(joiner).len())
        }
        _ => 0,
    };
    if length > VALUE_BYTES.get() {
        return Err(refusal(format!("it makes a value of more than {} bytes", VALUE_BYTES.get())));
    }
    if name == "format" && text(0).split(|letter: char| !letter.is_ascii_digit()).any(|digits| digits.len() > 3) {
        return Err(refusal("it writes something more than 999 wide".to_owned()));
    }
    let named = arguments.iter().filter(|value| value.is_kwargs());
    let named =
        named.flat_map(|value| value.try_iter().into_iter().flatten().filter_map(|key| value.get_item(&key).ok()));
    match arguments.iter().skip(1).cloned().chain(named).filter_map(|value| value.as_usize()).max() {
        Some(number) if number > FACTOR_MAX => Err(refusal(format!("it asks `{name}` for more than {FACTOR_MAX}"))),
        _ => Ok(()),
    }
}

fn refusal(words: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, words)
}
