//! Requests as comma-separated values (RFC 4180). What callers could have written is never a formula in somebody's spreadsheet. Pure.

use audit_entry::Class;
use request_index::Request;

use super::at;

const HEAD: [&str; 22] = [
    "entry",
    "at",
    "request",
    "team",
    "key",
    "surface",
    "model",
    "class",
    "state",
    "reason",
    "served",
    "processed_in",
    "controlled_by",
    "degraded",
    "attempts",
    "findings",
    "rules",
    "duration_us",
    "prompt_tokens",
    "completion_tokens",
    "status",
    "outcome_entry",
];

/// The head. Without the mark before it, spreadsheets in Korea and Japan read UTF-8 as an older encoding.
pub(super) fn head() -> String {
    format!("\u{feff}{}", row(&HEAD.map(str::to_owned)))
}

/// A row for each.
pub(super) fn rows(requests: &[Request]) -> String {
    requests.iter().map(|request| row(&cells(request))).collect()
}

fn cells(request: &Request) -> [String; HEAD.len()] {
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let axes = request.served.as_ref().map(|served| served.axes.clone()).unwrap_or_default();
    let findings = request.findings.iter().map(|it| format!("{} {}+{}", it.kind, it.in_request, it.in_answer));
    [
        request.entry.to_string(),
        at(request.at).to_string(),
        request.request.clone(),
        request.team.clone(),
        request.key.clone(),
        request.surface.clone(),
        request.model.clone().unwrap_or_default(),
        request.class.map(Class::word).unwrap_or_default().to_owned(),
        request.state.word().to_owned(),
        request.reason.clone().unwrap_or_default(),
        request.served.as_ref().map(|served| served.label.clone()).unwrap_or_default(),
        axes.processed_in.join(" "),
        axes.controlled_by.join(" "),
        request.degraded.to_string(),
        request.attempts.to_string(),
        findings.collect::<Vec<_>>().join("; "),
        request.rules.join("; "),
        number(request.duration),
        number(request.prompt_tokens),
        number(request.completion_tokens),
        request.status.map(|status| status.to_string()).unwrap_or_default(),
        number(request.outcome_entry),
    ]
}

fn row(cells: &[String]) -> String {
    let cells: Vec<_> = cells.iter().map(|text| cell(text)).collect();
    cells.join(",") + "\r\n"
}

/// A cell that a spreadsheet takes as text: what would begin a formula gets an apostrophe before it (OWASP, "CSV injection").
pub(super) fn cell(text: &str) -> String {
    let formula = text
        .trim_start_matches([' ', '\u{a0}', '\u{3000}'])
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let guard = if formula { "'" } else { "" };
    let quoted = text.contains([',', '"', '\r', '\n', ';', '\t']) || formula;
    if quoted { format!("\"{guard}{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
