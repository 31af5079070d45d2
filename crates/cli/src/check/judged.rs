//! What `check` says of the policy in force: what was proved of it, and what is done with each part of a request and an answer.

use anstyle::Style;
use gateway::{
    config::Config,
    judge::{
        FloorModel, Judgement,
        coverage::{PARTS, Part},
    },
};
use serde::Serialize;

use super::{Finding, missing, routes};
use crate::{
    failure::Failure,
    paragraph,
    policy::told,
    terminal::{BAD, FAINT, STRONG, Terminal},
};

/// The policy in force, for programs.
#[derive(Serialize)]
pub(super) struct Judged {
    policy: String,
    title: Option<String>,
    hash: String,
    catalog_hash: String,
    rules: Vec<Rule>,
    /// Combinations of facts that were walked through.
    combinations: u64,
    complete: bool,
    notes: Vec<String>,
    routes: Vec<routes::Route>,
    missing: Vec<missing::Missing>,
    coverage: Vec<Part>,
}

#[derive(Serialize)]
struct Rule {
    id: String,
    effect: &'static str,
    line: usize,
    why: Option<String>,
    /// `mask` or `pseudonymise`, and which kinds.
    #[serde(skip_serializing_if = "Option::is_none")]
    edit: Option<(String, String)>,
}

impl Judged {
    pub(super) fn of(config: &Config, floor: Option<&FloorModel>) -> Self {
        let judgement = Judgement::new(config, floor);
        let (policy, proof) = (judgement.policy(), judgement.proof());
        let rule = |rule: &policy::Rule| {
            let said = |annotation: &str| rule.annotations.get(annotation).map(ToString::to_string);
            Rule {
                id: rule.id.to_string(),
                effect: rule.effect.word(),
                line: rule.line,
                why: rule.why.as_deref().map(str::to_owned),
                edit: said("edit").map(|edit| (edit, said("kinds").unwrap_or_else(|| "all that is found".to_owned()))),
            }
        };
        Self {
            policy: policy.name().to_owned(),
            title: policy.title().map(str::to_owned),
            hash: hex::encode(policy.hash()),
            catalog_hash: judgement.catalog().hash().to_string(),
            rules: policy.rules().iter().map(rule).collect(),
            combinations: proof.combinations,
            complete: proof.complete,
            notes: proof.notes.iter().map(ToString::to_string).collect(),
            routes: routes::all(&judgement, &config.teams),
            missing: missing::all(&judgement, config.policy.home),
            coverage: PARTS.to_vec(),
        }
    }

    /// The policy and the catalogue, among all else that was looked at. A policy with a mistake is one of the configuration.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let short = |hash: &str| hash.get(..12).unwrap_or_default().to_owned();
        let title = self.title.as_ref().map(|title| format!(": {title}")).unwrap_or_default();
        let rules = told::counted(self.rules.len(), "rule");
        let proved = if self.complete {
            format!("proved over {} of facts", told::counted_large(self.combinations, "combination"))
        } else {
            "checked as requests come: too many combinations of facts to prove".to_owned()
        };
        let found = format!("{}{title}\n{rules}, {}…, {proved}", self.policy, short(&self.hash));
        vec![Finding::good("policy", found), Finding::good("catalogue", format!("{}…", short(&self.catalog_hash)))]
    }

    pub(super) fn write(&self, terminal: &mut Terminal) -> Result<(), Failure> {
        routes::write(&self.routes, terminal)?;
        missing::write(&self.missing, terminal)?;
        if !self.notes.is_empty() {
            writeln!(terminal.out(), "\n{STRONG}what the proof notes{STRONG:#}")?;
        }
        for note in &self.notes {
            writeln!(terminal.out(), "  {FAINT}{}{FAINT:#}", paragraph::hanging(note, 4))?;
        }
        // Where nothing is ever hidden, what could be is beside the point.
        if self.rules.iter().any(|rule| rule.edit.is_some()) { self.write_coverage(terminal) } else { Ok(()) }
    }

    fn write_coverage(&self, terminal: &mut Terminal) -> Result<(), Failure> {
        writeln!(terminal.out(), "\n{STRONG}what is read, and what a rule with an edit does there{STRONG:#}")?;
        let width = self.coverage.iter().map(|part| part.what.len()).max().unwrap_or(0);
        for part in &self.coverage {
            let read = if part.read { "read" } else { "not read" };
            let style = if part.read { Style::new() } else { BAD };
            let (of, what, done) = (part.of, part.what, part.edit.word());
            writeln!(terminal.out(), "  {of:<7}  {what:<width$}  {style}{read:<8}{style:#}  {done}")?;
        }
        for rule in &self.rules {
            if let Some((edit, kinds)) = &rule.edit {
                let told = paragraph::hanging(&format!("`{}` demands `{edit}` of {kinds}", rule.id), 4);
                writeln!(terminal.out(), "  {told}")?;
            }
        }
        Ok(())
    }
}
