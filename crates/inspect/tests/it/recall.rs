//! Recall: of two thousand made-up identifiers of each kind, in every setting, at least 999 in a thousand are found, whole
//! and under their own name.

use std::io::Write as _;

use inspect::{Rules, scan};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::made_up::MAKERS;
use crate::settings::put;

const SEED: u64 = 20_201_005;
const EACH: u32 = 2_000;

/// Of a thousand, how many must be found.
const LEAST_PER_MILLE: u32 = 999;

#[test]
fn structured_identifiers_are_found() {
    let rules = Rules::default();
    let mut failures = Vec::new();
    let mut report = String::new();
    for (name, make) in MAKERS {
        let mut random = StdRng::seed_from_u64(SEED);
        let (mut found, mut shown) = (0, 0);
        for _ in 0..EACH {
            let made_up = make(&mut random);
            let setting = put(&made_up, &mut random);
            let findings = scan(&setting.text, &rules);
            let hit = findings.iter().any(|finding| {
                let kind = finding.kind.name();
                let is_named = kind == made_up.kind || made_up.twins.contains(&kind.as_ref());
                is_named && covers(&setting.text, &finding.range, &setting.range)
            });
            found += u32::from(hit);
            if !hit && shown < 3 {
                shown += 1;
                failures.push(format!("{name}: `{}` {}: {findings:?}", setting.text, setting.how));
            }
        }
        report = format!("{report}{name}: {found} of {EACH}\n");
        if found * 1000 < EACH * LEAST_PER_MILLE {
            failures.push(format!("{name}: only {found} of {EACH}, seed {SEED}"));
        }
    }
    let _ = std::io::stdout().write_all(report.as_bytes());
    assert!(failures.iter().all(|failure| !failure.contains(": only ")), "{}", failures.join("\n"));
}

/// Whether every digit and letter of the identifier lies in what was found; a bracket or a plus before it need not.
fn covers(text: &str, found: &std::ops::Range<usize>, wanted: &std::ops::Range<usize>) -> bool {
    text[wanted.clone()]
        .char_indices()
        .filter(|(_, character)| character.is_alphanumeric())
        .all(|(offset, _)| found.contains(&(wanted.start + offset)))
}
