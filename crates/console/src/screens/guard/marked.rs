//! A text cut into pieces, each with what was found over it; and the findings as rows. Pure.

use std::collections::BTreeSet;

use inspect::{Finding, Findings, Kind, Strength};

/// Rows of findings that a page shows; the text marks them all.
const ROWS_MAX: usize = 500;

/// Part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) mark: Option<Mark>,
}

/// What was found over it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Names of the kinds: the operator's own may lie over others.
    pub(super) kinds: String,
    /// The surest of them.
    pub(super) strength: &'static str,
}

/// Equal findings.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) kind: String,
    /// Ends the name of the kind's message.
    pub(super) word: String,
    pub(super) strength: &'static str,
    pub(super) groups: Vec<&'static str>,
    pub(super) text: String,
    pub(super) count: u64,
}

/// The whole text, in order.
pub(super) fn pieces(text: &str, findings: &Findings) -> Vec<Piece> {
    let ends: BTreeSet<usize> =
        findings.iter().flat_map(|found| [found.range.start, found.range.end]).chain([text.len()]).collect();
    let mut pieces = Vec::new();
    let (mut from, mut next) = (0, 0);
    let list: Vec<&Finding> = findings.iter().collect();
    let mut over: Vec<&Finding> = Vec::new();
    for to in ends {
        if let Some(text) = text.get(from..to).filter(|text| !text.is_empty()) {
            pieces.push(Piece { text: text.to_owned(), mark: mark(&over) });
        }
        over.retain(|found| found.range.end > to);
        while let Some(found) = list.get(next).filter(|found| found.range.start <= to) {
            over.push(found);
            next += 1;
        }
        from = to;
    }
    pieces
}

fn mark(over: &[&Finding]) -> Option<Mark> {
    let strength = over.iter().map(|found| found.strength).max()?;
    let kinds: Vec<_> = over.iter().map(|found| found.kind.name()).collect();
    Some(Mark { kinds: kinds.join(" + "), strength: strength_word(strength) })
}

/// Equal findings once, in the order of the text.
pub(super) fn rows(text: &str, findings: &Findings) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for found in findings {
        let kind = found.kind.name();
        let (strength, text) = (strength_word(found.strength), text.get(found.range.clone()).unwrap_or_default());
        let same = |row: &&mut Row| row.kind == kind && row.text == text && row.strength == strength;
        if let Some(row) = rows.iter_mut().find(same) {
            row.count += 1;
        } else if rows.len() < ROWS_MAX {
            let groups = found.kind.groups().to_vec();
            let (kind, word) = (kind.into_owned(), word(&found.kind));
            rows.push(Row { kind, word, strength, groups, text: text.to_owned(), count: 1 });
        }
    }
    rows
}

/// Ends the name of the kind's message.
pub(super) fn word(kind: &Kind) -> String {
    if matches!(kind, Kind::Own(_)) { "own".to_owned() } else { kind.name().replace(['.', '_'], "-") }
}

fn strength_word(strength: Strength) -> &'static str {
    match strength {
        Strength::Form => "form",
        Strength::Context => "context",
        Strength::Checked => "checked",
    }
}

#[cfg(test)]
mod tests {
    use inspect::{Dictionary, Rules, scan};

    use super::*;

    #[test]
    fn a_text_is_marked_where_it_holds_something_and_stays_whole() {
        let text = "문의: kim@example.com, lee@example.com. kim@example.com!";
        let findings = scan(text, &Rules::default());
        let pieces = pieces(text, &findings);
        assert_eq!(pieces.iter().map(|piece| piece.text.as_str()).collect::<String>(), text);
        let marked: Vec<_> = pieces.iter().filter(|piece| piece.mark.is_some()).map(|piece| &*piece.text).collect();
        assert_eq!(marked, ["kim@example.com", "lee@example.com", "kim@example.com"]);
        let rows = rows(text, &findings);
        assert_eq!(
            rows.iter().map(|row| (&*row.text, row.count)).collect::<Vec<_>>(),
            [("kim@example.com", 2), ("lee@example.com", 1)]
        );
        assert_eq!((&*rows[0].kind, &*rows[0].word, &*rows[0].groups), ("email", "email", ["person"].as_slice()));
    }

    #[test]
    fn an_own_word_over_another_finding_marks_the_part_that_both_have() {
        let own = Dictionary { name: "names".into(), words: vec!["kim".to_owned()] };
        let rules = Rules::new(&[own], &[]).unwrap();
        let text = "to kim@example.com";
        let findings = scan(text, &rules);
        let told: Vec<_> =
            pieces(text, &findings).into_iter().map(|piece| (piece.text, piece.mark.map(|mark| mark.kinds))).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert_eq!(told[0], ("to ".to_owned(), None));
        assert!(
            told[1].0 == "kim"
                && told[1].1.as_deref().is_some_and(|kinds| kinds.contains("own.names") && kinds.contains("email"))
        );
        assert_eq!(told[2], ("@example.com".to_owned(), Some("email".to_owned())));
    }

    #[test]
    fn a_text_without_findings_is_one_piece() {
        let pieces = pieces("hello", &Findings::default());
        assert_eq!(pieces, [Piece { text: "hello".to_owned(), mark: None }]);
    }
}
