//! Decisions in words, the same wherever they stand on the terminal.

use policy::{Denial, Hide, Outcome, Terms};

/// `permitted by floor; label ai-generated`, `refused by no-secret-outside (secret_outside)`.
pub(crate) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Permitted(terms) => permission(terms),
        Outcome::Refused(denial) => refusal(denial),
    }
}

/// What callers notice of an outcome, without the rules: where requests are told together, these differ from one to another.
pub(crate) fn noticed(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Permitted(terms) => {
            std::iter::once("permitted".to_owned()).chain(asked(terms)).collect::<Vec<_>>().join("; ")
        }
        Outcome::Refused(_) => "refused".to_owned(),
    }
}

fn permission(terms: &Terms) -> String {
    let by = format!("permitted by {}", terms.rules.join(", "));
    std::iter::once(by).chain(asked(terms)).collect::<Vec<_>>().join("; ")
}

/// What a permission asks for.
pub(crate) fn asked(terms: &Terms) -> Vec<String> {
    let mut asked = Vec::new();
    for (hide, done) in [(Hide::Mask, "masked"), (Hide::Pseudonymise, "pseudonymised")] {
        let kinds = terms.edits.iter().filter(|(_, how)| **how == hide).map(|(kind, _)| kind.as_ref());
        let kinds: Vec<&str> = kinds.map(|kind| if kind == "*" { "all that is found" } else { kind }).collect();
        if !kinds.is_empty() {
            asked.push(format!("{} {done}", kinds.join(", ")));
        }
    }
    if !terms.answer.is_empty() {
        asked.push("the same masked in the answer".to_owned());
    }
    asked.extend(terms.labels.iter().map(|label| format!("label {label}")));
    if terms.review {
        asked.push("reviewed by a person".to_owned());
    }
    asked
}

fn refusal(denial: &Denial) -> String {
    match &denial.rule {
        Some(rule) => format!("refused by {rule} ({})", denial.code),
        None => format!("refused: no rule permits it ({})", denial.code),
    }
}

/// A fact that a difference depends on, `no findings=email|card`, in words.
pub(crate) fn fact(fact: &str) -> String {
    let (not, asked) = fact.strip_prefix("no ").map_or((false, fact), |asked| (true, asked));
    let Some((name, values)) = asked.split_once('=') else { return fact.to_owned() };
    let values = values.replace('|', " or ").replace("(any other)", "any other");
    let (no, does) = if not { ("no ", "does not need") } else { ("", "needs") };
    match (name, values.as_str()) {
        ("findings", _) => format!("{no}{values} found"),
        ("signals", "any other") => format!("{no}{}signal", if not { "" } else { "a " }),
        ("signals", _) => format!("{no}{values}"),
        ("needs", _) => format!("{does} {values}"),
        ("high_impact", "true") => "high impact".to_owned(),
        ("high_impact", _) => "no high impact".to_owned(),
        ("unread", "true") => "not all of it read".to_owned(),
        ("unread", _) => "all of it read".to_owned(),
        _ if not => format!("{name} not {values}"),
        _ => format!("{name} {values}"),
    }
}

/// How many of a thing.
pub(crate) fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// The same, with thousands apart.
pub(crate) fn counted_large(number: u64, what: &str) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    format!("{shown} {what}{}", if number == 1 { "" } else { "s" })
}
