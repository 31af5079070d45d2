//! `cargo xtask tidy`: what the compiler and the linter can't check, and the figures of the code's size. Also a test, so
//! that no run of the tests passes without it. Reads files; changes none.

mod arrows;
mod figures;
mod lines;
mod policies;
mod rules;
mod sources;

use anyhow::Result;

use crate::repository::Repository;
use sources::Sources;

/// Prints what was found; whether nothing forbids.
pub(crate) fn run(repository: &Repository) -> Result<bool> {
    let sources = Sources::read(repository.root())?;
    let findings = check(&sources);
    println!("{}", figures::table(&sources));
    for warning in &findings.warnings {
        println!("warning: {warning}");
    }
    for problem in &findings.problems {
        println!("problem: {problem}");
    }
    println!("tidy: {} problems, {} warnings", findings.problems.len(), findings.warnings.len());
    Ok(findings.problems.is_empty())
}

/// What stands against the sources: one line each, beginning with the file's path.
#[derive(Debug, Default)]
struct Findings {
    problems: Vec<String>,
    warnings: Vec<String>,
}

fn check(sources: &Sources) -> Findings {
    let mut findings = Findings::default();
    for file in sources.files() {
        rules::each_file(file, &mut findings);
    }
    rules::test_modules_named(sources, &mut findings);
    rules::snapshots_are_read(sources, &mut findings);
    rules::crates_in_architecture(sources, &mut findings);
    arrows::check(sources, &mut findings);
    policies::check(sources, &mut findings);
    findings
}

#[cfg(test)]
mod tests;
