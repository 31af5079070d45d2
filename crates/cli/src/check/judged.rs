//! What `check` says of the policy in force: what was proved of it, where each class of request may go, what is done with each
//! part of a request and an answer.

use anstyle::Style;
use gateway::{
    config::Config,
    judge::{
        Chain, FloorModel, Judgement, TENANT,
        coverage::{PARTS, Part},
    },
};
use policy::{Action, Class, Facts, Outcome};
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use super::Finding;
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
    routes: Vec<Route>,
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

/// Where a plain request of a class may go.
#[derive(Serialize)]
struct Route {
    model: String,
    class: &'static str,
    destinations: Vec<Reached>,
}

#[derive(Serialize)]
struct Reached {
    destination: String,
    asked: Vec<String>,
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
            routes: judgement.chains().iter().flat_map(|chain| routes(&judgement, chain)).collect(),
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
        self.write_routes(terminal)?;
        if !self.notes.is_empty() {
            writeln!(terminal.out(), "\n{STRONG}what the proof notes{STRONG:#}")?;
        }
        for note in &self.notes {
            writeln!(terminal.out(), "  {FAINT}{}{FAINT:#}", paragraph::hanging(note, 4))?;
        }
        // Where nothing is ever hidden, what could be is beside the point.
        if self.rules.iter().any(|rule| rule.edit.is_some()) { self.write_coverage(terminal) } else { Ok(()) }
    }

    fn write_routes(&self, terminal: &mut Terminal) -> Result<(), Failure> {
        if !self.routes.is_empty() {
            writeln!(
                terminal.out(),
                "\n{STRONG}where a request may go in which nothing is found, of a caller that no rule names{STRONG:#}"
            )?;
        }
        let width = self.routes.iter().map(|route| route.model.width()).max().unwrap_or(0);
        let mut before = "";
        for route in &self.routes {
            let model = if route.model == before { "" } else { &route.model };
            before = &route.model;
            let reached: Vec<String> = route.destinations.iter().map(reached).collect();
            let (style, reached) = if reached.is_empty() {
                (BAD, "nowhere".to_owned())
            } else {
                (Style::new(), paragraph::hanging(&reached.join(", "), width + 16))
            };
            let gap = width - model.width();
            writeln!(terminal.out(), "  {model}{:gap$}  {:<10}  {style}{reached}{style:#}", "", route.class)?;
        }
        Ok(())
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

/// With what is demanded of it; labels concern only the answer.
fn reached(reached: &Reached) -> String {
    let demanded: Vec<&str> = reached.asked.iter().map(String::as_str).filter(|it| !it.starts_with("label ")).collect();
    if demanded.is_empty() {
        return reached.destination.clone();
    }
    format!("{} ({})", reached.destination, demanded.join("; "))
}

/// Where a request goes in which nothing is found, for each class that requests by this route can have.
fn routes(judgement: &Judgement, chain: &Chain) -> Vec<Route> {
    let registered = &chain.registered;
    let classes = Class::ALL.into_iter().filter(|class| registered.class.is_none_or(|least| *class >= least));
    let route = |class: Class| {
        let verdict = judgement.verdict(&Facts {
            tenant: TENANT,
            team: "",
            key: "",
            action: Action::Infer,
            class,
            findings: &[],
            signals: &[],
            needs: &[],
            surface: "chat",
            language: "unknown",
            purpose: &registered.purpose,
            use_area: &registered.use_area,
            high_impact: registered.high_impact,
            unread: false,
            stream: false,
            prompt_kib: 1,
        });
        let reached = chain.links.iter().filter_map(|link| {
            let terms = verdict.of(link.judged).and_then(Outcome::terms)?;
            Some(Reached { destination: link.label.to_string(), asked: told::asked(terms) })
        });
        Route { model: chain.model.to_string(), class: class.word(), destinations: reached.collect() }
    };
    classes.map(route).collect()
}
