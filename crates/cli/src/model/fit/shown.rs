//! What fits, on the terminal: the machine in a line, a table, and what the numbers mean.

use ::catalog::fit::OVERHEAD_BYTES;
use anstyle::Style;

use super::{
    candidate::From,
    judged::{Judged, JudgedForm, Word},
    machine::Machine,
};
use crate::{
    failure::Failure,
    model::count,
    paragraph,
    table::{self, Cell},
    terminal::{BAD, FAINT, GOOD, STRONG, Terminal},
};

/// What part of the plain reader's speed writing was measured to reach: `docs/measurements.md`, the floor. More than all of it where
/// the kernels read better than the reader.
const REACHED: &str = "84 to 116 %";

/// All models in a table; `unknown` are those of the catalogue that cannot be judged.
pub(super) fn all(
    machine: &Machine,
    judged: &[Judged],
    unknown: usize,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    write_machine(machine, terminal)?;
    if let Some(any) = judged.first() {
        let each = if any.sequences == 1 { String::new() } else { format!(" of each of {} sequences", any.sequences) };
        let most = judged.iter().map(|model| model.context_tokens).max().unwrap_or_default();
        writeln!(terminal.out(), "{FAINT}with {most} tokens of context{each}, or as many as a model takes{FAINT:#}\n")?;
    }
    let rows: Vec<[Cell; 6]> = judged.iter().map(row).collect();
    let headings = ["model", "weights / a token", "fits as", "needs", "about tokens/s", "computed by"];
    table::write_styled(terminal.out(), headings, &rows)?;
    writeln!(terminal.out())?;
    if unknown > 0 {
        let told = format!("{unknown} models of the catalogue are not judged: nobody says how many weights they have.");
        write_faint(&told, terminal)?;
    }
    write_faint(
        "Shown is the form with the most bits that fits; fewer are faster (`gwanmun model fit NAME`).",
        terminal,
    )?;
    write_meaning(judged.iter().any(|model| model.cache_is_estimated), terminal)
}

/// One model, form by form.
pub(super) fn one(machine: &Machine, judged: &Judged, terminal: &mut Terminal) -> Result<(), Failure> {
    write_machine(machine, terminal)?;
    let title = judged.title.as_ref().map(|title| format!("  {title}")).unwrap_or_default();
    writeln!(terminal.out(), "\n{STRONG}{}{STRONG:#}{title}", judged.name)?;
    let cache = format!(
        "{}{} a token; {} for {} tokens{}",
        if judged.cache_is_estimated { "about " } else { "" },
        table::bytes(judged.cache_bytes_a_token),
        table::bytes(judged.cache_bytes),
        judged.context_tokens,
        if judged.sequences == 1 { String::new() } else { format!(" of each of {} sequences", judged.sequences) },
    );
    let architecture = judged.architecture.as_deref().unwrap_or("not known");
    let computed = match judged.floor {
        Some(true) => format!("the floor, in this process (`{architecture}`)"),
        Some(false) => format!("a server as a destination: the floor does not compute `{architecture}`"),
        None => "not known: nobody says which architecture it has".to_owned(),
    };
    let mut lines = vec![("weights", weights(judged)), ("keys and values", cache), ("computed by", computed)];
    lines.extend(settings(judged).map(|needed| ("needs", needed)));
    for (what, value) in lines {
        writeln!(terminal.out(), "  {FAINT}{what:<16}{FAINT:#} {}", paragraph::hanging(&value, 19))?;
    }
    writeln!(terminal.out())?;
    let rows: Vec<[Cell; 6]> = judged.forms.iter().map(form).collect();
    let headings = ["stored as", "weights", "needs", "fits", "about tokens/s", "with a full context"];
    table::write_styled(terminal.out(), headings, &rows)?;
    writeln!(terminal.out())?;
    write_meaning(judged.cache_is_estimated, terminal)
}

fn write_machine(machine: &Machine, terminal: &mut Terminal) -> Result<(), Failure> {
    let memory = table::bytes(machine.memory_bytes);
    let speed = gigabytes(machine.bandwidth_bytes_per_second);
    let told = match (machine.memory_is_this_machines, machine.bandwidth_is_measured) {
        (true, true) => format!(
            "this machine: {memory} of memory can be taken, read at {speed} GB/s by {} threads ({})",
            machine.threads, machine.kernels
        ),
        (true, false) => format!("this machine: {memory} of memory can be taken; told: it is read at {speed} GB/s"),
        (false, true) => format!("a machine with {memory} of memory, read as fast as this one's: {speed} GB/s"),
        (false, false) => format!("a machine with {memory} of memory, read at {speed} GB/s"),
    };
    writeln!(terminal.out(), "{STRONG}{told}{STRONG:#}")?;
    Ok(())
}

fn row(judged: &Judged) -> [Cell; 6] {
    let plain = |text: String| (text, Style::new());
    let best = judged.best();
    let fits = match best.map(|form| (form, form.context_tokens_at_most)) {
        Some((form, None)) => (form.name.clone(), GOOD),
        Some((form, Some(tokens))) => (format!("{}, {tokens} tokens", form.name), Style::new()),
        None => ("does not fit".to_owned(), BAD),
    };
    // Of what does not fit, the least that it would need.
    let needs = best.or_else(|| judged.forms.first());
    let computed = match judged.floor {
        Some(true) => "the floor",
        Some(false) => "a server",
        None => "not known",
    };
    let name = match judged.from {
        From::Store | From::File => format!("{} (here)", judged.name),
        From::Catalogue => judged.name.clone(),
    };
    [
        plain(name),
        plain(short_weights(judged)),
        fits,
        plain(needs.map_or_else(String::new, |form| about(judged, form.needed_bytes))),
        plain(best.map_or_else(|| "-".to_owned(), |form| speed(form.tokens_per_second_estimate.with_full_context))),
        (computed.to_owned(), if judged.floor == Some(true) { Style::new() } else { FAINT }),
    ]
}

fn form(form: &JudgedForm) -> [Cell; 6] {
    let plain = |text: String| (text, Style::new());
    let fits = match (form.verdict, form.context_tokens_at_most) {
        (Word::Fits, _) => ("yes".to_owned(), GOOD),
        (Word::FitsWithContext, tokens) => (format!("with {} tokens", tokens.unwrap_or_default()), Style::new()),
        (Word::DoesNotFit, _) => ("no".to_owned(), BAD),
    };
    [
        plain(form.name.clone()),
        plain(table::bytes(form.weight_bytes)),
        plain(table::bytes(form.needed_bytes)),
        fits,
        plain(speed(form.tokens_per_second_estimate.at_the_start)),
        plain(speed(form.tokens_per_second_estimate.with_full_context)),
    ]
}

/// Settings without which the floor holds less than was asked for; none where its defaults do.
fn settings(judged: &Judged) -> Option<String> {
    let cache = judged.needs_cache_mib.map(|mib| format!("`[local] cache_mib = {mib}`"));
    let context = judged.needs_context_tokens_max.map(|tokens| format!("`[local] context_tokens_max = {tokens}`"));
    let needed: Vec<String> = cache.into_iter().chain(context).collect();
    (!needed.is_empty()).then(|| format!("{} where the floor computes it: the defaults are less", needed.join(" and ")))
}

fn weights(judged: &Judged) -> String {
    if judged.active_parameters == judged.parameters {
        format!("{}, all read for a token", count(judged.parameters))
    } else {
        format!("{}, {} of them read for a token", count(judged.parameters), count(judged.active_parameters))
    }
}

fn short_weights(judged: &Judged) -> String {
    if judged.active_parameters == judged.parameters {
        count(judged.parameters)
    } else {
        format!("{} / {}", count(judged.parameters), count(judged.active_parameters))
    }
}

fn about(judged: &Judged, bytes: u64) -> String {
    format!("{}{}", if judged.cache_is_estimated { "~ " } else { "" }, table::bytes(bytes))
}

/// Two digits, or as many as stand before the point.
pub(super) fn speed(tokens_per_second: f64) -> String {
    match tokens_per_second {
        slow if slow < 1.0 => format!("{slow:.2}"),
        some if some < 10.0 => format!("{some:.1}"),
        many => format!("{many:.0}"),
    }
}

/// GB with one digit after the point.
fn gigabytes(bytes: u64) -> String {
    format!("{}.{}", bytes / 1_000_000_000, bytes % 1_000_000_000 / 100_000_000)
}

fn write_meaning(is_estimated: bool, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut told = format!(
        "Speeds are estimates for one sequence, not promises: memory's speed, as a plain reader reads it, by the weights that a token \
         goes through and its sequence's keys and values. Writing with the floor reached {REACHED} of that where it was measured \
         (docs/measurements.md): its kernels can read better than the reader. Faster is what fits into the processor's caches, or \
         repeats what stands before it. Needed are weights, keys and values, and {} for the process.",
        table::bytes(OVERHEAD_BYTES)
    );
    if is_estimated {
        told += " ~: what keys and values take is estimated from the number of weights, because the network's sizes are not known; \
                 of a mixture that is too much.";
    }
    write_faint(&told, terminal)
}

pub(super) fn write_faint(text: &str, terminal: &mut Terminal) -> Result<(), Failure> {
    for line in paragraph::wrapped(text, paragraph::WIDTH) {
        writeln!(terminal.out(), "{FAINT}{line}{FAINT:#}")?;
    }
    Ok(())
}
