//! Decisions in words, the same wherever they stand on the terminal.

use policy::{Denial, Hide, Outcome, Terms};

/// `permitted by floor; label ai-generated`, `refused by no-secret-outside (secret_outside)`.
pub(super) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Permitted(terms) => permission(terms),
        Outcome::Refused(denial) => refusal(denial),
    }
}

fn permission(terms: &Terms) -> String {
    let by = format!("permitted by {}", terms.rules.join(", "));
    std::iter::once(by).chain(asked(terms)).collect::<Vec<_>>().join("; ")
}

/// What a permission asks for.
pub(super) fn asked(terms: &Terms) -> Vec<String> {
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
