//! `gwanmun policy test`: runs the cases of policies, and tells of each that fails what was asked, expected and decided.

use clap::Args;
use policy::{CaseResult, Policy};
use serde::Serialize;

use super::{configured::Configured, proved, told, written::Written};
use crate::{
    failure::{Answer, Failure},
    paragraph,
    place::Place,
    terminal::{BAD, FAINT, GOOD, STRONG, Terminal},
};

/// Run the cases of policies
///
/// Each policy is proved as well, for the destinations of its cases and of the configuration. Exit status 1 where a case is not
/// decided as expected, or the policy could not come into force.
#[derive(Args)]
pub(super) struct Test {
    /// Which [default: every shipped one]
    #[arg(value_name = "NAME|FILE")]
    policies: Vec<String>,
    #[command(flatten)]
    configured: Configured,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// A policy's cases, for programs.
#[derive(Serialize)]
struct Tested {
    policy: String,
    hash: String,
    rules: usize,
    /// What the proof finds wrong, each with file and line.
    mistakes: Vec<String>,
    cases: Vec<Told>,
}

#[derive(Serialize)]
struct Told {
    name: String,
    file: String,
    line: usize,
    passed: bool,
    class: &'static str,
    to: String,
    decided: String,
    wrong: Vec<String>,
}

impl Test {
    pub(super) fn run(&self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let config = self.configured.read(place)?;
        let shipped = || Policy::SHIPPED.iter().map(|name| (*name).to_owned()).collect();
        let named: Vec<String> = if self.policies.is_empty() { shipped() } else { self.policies.clone() };
        let configured = config.destinations().unwrap_or_default();
        let mut tested = Vec::new();
        let mut good = true;
        for name in &named {
            let (policy, written) = (config.policy(name)?, Written::of(name));
            let results = policy.test();
            let everywhere = policy.compile(proved::destinations([&policy], configured.clone()));
            let mistakes = proved::mistakes(&everywhere);
            good &= mistakes.is_empty() && results.iter().all(CaseResult::passed);
            if self.json {
                tested.push(for_programs(&policy, mistakes, &written, &results));
            } else {
                write_head(&policy, &mistakes, &results, terminal)?;
                for result in results.iter().filter(|result| !self.policies.is_empty() || !result.passed()) {
                    case(result, &written, terminal)?;
                }
            }
        }
        if self.json {
            terminal.json(&tested)?;
        }
        Ok(if good { Answer::Yes } else { Answer::No })
    }
}

fn write_head(
    policy: &Policy,
    mistakes: &[String],
    results: &[CaseResult],
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let failed = results.iter().filter(|result| !result.passed()).count();
    let (style, mark) = if failed == 0 && mistakes.is_empty() { (GOOD, "✓") } else { (BAD, "✗") };
    let counts = match failed {
        0 => format!("{}, {}", told::counted(results.len(), "case"), told::counted(policy.rules().len(), "rule")),
        1 => format!("1 of {} is not decided as expected", told::counted(results.len(), "case")),
        failed => format!("{failed} of {} are not decided as expected", told::counted(results.len(), "case")),
    };
    let unproved = match mistakes.len() {
        0 => String::new(),
        found => format!("; it could not come into force: {}", told::counted(found, "mistake")),
    };
    writeln!(terminal.out(), "{style}{mark}{style:#} {STRONG}{:<16}{STRONG:#} {counts}{unproved}", policy.name())?;
    if results.is_empty() {
        writeln!(
            terminal.out(),
            "  {FAINT}it has none: write some into its `.toml` (spec/policy.md, section 4){FAINT:#}"
        )?;
    }
    proved::write(mistakes, terminal)
}

fn case(result: &CaseResult, written: &Written, terminal: &mut Terminal) -> Result<(), Failure> {
    let (style, mark) = if result.passed() { (GOOD, "✓") } else { (BAD, "✗") };
    writeln!(terminal.out(), "  {style}{mark}{style:#} {}", paragraph::hanging(&result.case.name, 4))?;
    let decided = format!("{}, {}: {}", result.class, result.case.to, told::outcome(&result.outcome));
    writeln!(terminal.out(), "    {FAINT}{}{FAINT:#}", paragraph::hanging(&decided, 6))?;
    if result.passed() {
        return Ok(());
    }
    for wrong in &result.wrong {
        writeln!(terminal.out(), "    {BAD}{wrong}{BAD:#}")?;
    }
    writeln!(terminal.out(), "    {}:{}", written.file, result.case.line)?;
    for line in written.case(result.case.line) {
        writeln!(terminal.out(), "      {FAINT}{line}{FAINT:#}")?;
    }
    Ok(())
}

fn for_programs(policy: &Policy, mistakes: Vec<String>, written: &Written, results: &[CaseResult]) -> Tested {
    let told = |result: &CaseResult| Told {
        name: result.case.name.to_string(),
        file: written.file.clone(),
        line: result.case.line,
        passed: result.passed(),
        class: result.class.word(),
        to: result.case.to.to_string(),
        decided: told::outcome(&result.outcome),
        wrong: result.wrong.clone(),
    };
    Tested {
        policy: policy.name().to_owned(),
        hash: hex::encode(policy.hash()),
        rules: policy.rules().len(),
        mistakes,
        cases: results.iter().map(told).collect(),
    }
}
