//! The table of cases of a policy: what its author says must be decided, and whether it is.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::{Action, Class, Facts, Hide, Judge, Outcome, Policy};

/// One case: a request, a destination, and what must be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What it shows.
    pub name: Arc<str>,
    /// The line of the settings file on which it begins, counted from 1.
    pub line: usize,
    /// The destination.
    pub to: Arc<str>,
    /// What must be decided.
    pub expect: Expect,
    pub(crate) tenant: Arc<str>,
    pub(crate) team: Arc<str>,
    pub(crate) key: Arc<str>,
    pub(crate) action: Action,
    pub(crate) class: Option<Class>,
    pub(crate) findings: Vec<Arc<str>>,
    pub(crate) signals: Vec<Arc<str>>,
    pub(crate) needs: Vec<Arc<str>>,
    pub(crate) surface: Arc<str>,
    pub(crate) language: Arc<str>,
    pub(crate) purpose: Arc<str>,
    pub(crate) use_area: Arc<str>,
    pub(crate) high_impact: bool,
    pub(crate) unread: bool,
    pub(crate) stream: bool,
    pub(crate) prompt_kib: u64,
}

/// What a case expects; what is left out is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expect {
    /// Whether it may go there.
    pub permitted: bool,
    /// The rule that decides: of a permission one of them, of a refusal the one that forbids, `none` where none does.
    pub rule: Option<Arc<str>>,
    /// The code of a refusal.
    pub code: Option<Arc<str>>,
    /// The strictest edit of a permission.
    pub edit: Option<Hide>,
    /// Whether a permission masks the answer.
    pub answer: Option<bool>,
    /// The labels of a permission.
    pub labels: Option<Vec<Arc<str>>>,
    /// Whether a permission asks for a person's review.
    pub review: Option<bool>,
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseResult {
    /// The case.
    pub case: Case,
    /// What was decided.
    pub outcome: Outcome,
    /// The class that it was judged by.
    pub class: Class,
    /// What is not as expected, in words; empty where all is.
    pub wrong: Vec<String>,
}

impl CaseResult {
    /// Whether everything is as expected.
    pub fn passed(&self) -> bool {
        self.wrong.is_empty()
    }
}

impl fmt::Display for CaseResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.case.name)?;
        if !self.passed() {
            write!(f, ": {}", self.wrong.join("; "))?;
        }
        Ok(())
    }
}

impl Policy {
    /// Runs its cases.
    pub fn test(&self) -> Vec<CaseResult> {
        let judge = self.compile(self.case_destinations().to_vec());
        self.cases().iter().filter_map(|case| self.run(&judge, case)).collect()
    }

    fn run(&self, judge: &Judge, case: &Case) -> Option<CaseResult> {
        let findings = self.with_groups(&case.findings);
        let findings: Vec<&str> = findings.iter().map(|name| &**name).collect();
        let class = self.class(case, &findings);
        let [signals, needs] =
            [&case.signals, &case.needs].map(|words| words.iter().map(|word| &**word).collect::<Vec<_>>());
        let verdict = judge.decide(&Facts {
            tenant: &case.tenant,
            team: &case.team,
            key: &case.key,
            action: case.action,
            class,
            findings: &findings,
            signals: &signals,
            needs: &needs,
            surface: &case.surface,
            language: &case.language,
            purpose: &case.purpose,
            use_area: &case.use_area,
            high_impact: case.high_impact,
            unread: case.unread,
            stream: case.stream,
            prompt_kib: case.prompt_kib,
        });
        let to = judge.destinations().iter().position(|destination| destination.id == case.to)?;
        let outcome = verdict.of(to)?.clone();
        let wrong = wrong(&case.expect, &outcome);
        Some(CaseResult { case: case.clone(), outcome, class, wrong })
    }

    /// Findings as they come from a text: each with the groups to which it belongs.
    fn with_groups(&self, findings: &[Arc<str>]) -> BTreeSet<Arc<str>> {
        let groups =
            |name: &Arc<str>| self.kinds().get(&**name).into_iter().flatten().map(|group| Arc::from(group.as_str()));
        findings.iter().flat_map(|name| groups(name).chain([name.clone()])).collect()
    }

    /// The class that a case has: what it says, or what follows from the rest of it.
    fn class(&self, case: &Case, findings: &[&str]) -> Class {
        let classes = self.classes();
        let unread = case.unread.then(|| classes.unread());
        let found = classes.of_findings(findings.iter().copied());
        case.class.or([Some(classes.default()), unread, found].into_iter().flatten().max()).unwrap_or_default()
    }
}

fn wrong(expect: &Expect, outcome: &Outcome) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut differs = |what: &str, expected: String, got: String| {
        if expected != got {
            wrong.push(format!("{what} should be `{expected}`, but is `{got}`"));
        }
    };
    let word = |permitted: bool| if permitted { "permitted" } else { "refused" };
    let list =
        |words: &[Arc<str>]| words.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ");
    match outcome {
        Outcome::Permitted(terms) => {
            let rules = list(&terms.rules);
            let got = if expect.permitted { "permitted".to_owned() } else { format!("permitted by {rules}") };
            differs("it", word(expect.permitted).to_owned(), got);
            if let Some(rule) = expect.rule.as_ref().filter(|rule| !terms.rules.contains(rule)) {
                differs("the rule", rule.to_string(), list(&terms.rules));
            }
            if let Some(edit) = expect.edit {
                // Secrets are masked whatever the edit is.
                let secret = |kind: &str| kind == "secret" || kind.starts_with("secret.");
                let others = terms.edits.iter().filter(|(kind, _)| !secret(kind)).map(|(_, hide)| *hide).max();
                let got = others.or(terms.edits.values().max().copied()).map_or("none", Hide::word);
                differs("the edit", edit.word().to_owned(), got.to_owned());
            }
            if let Some(answer) = expect.answer {
                differs("masking of the answer", answer.to_string(), (!terms.answer.is_empty()).to_string());
            }
            if let Some(labels) = &expect.labels {
                differs("the labels", list(labels), list(&terms.labels));
            }
            if let Some(review) = expect.review {
                differs("the review", review.to_string(), terms.review.to_string());
            }
        }
        Outcome::Refused(denial) => {
            let rule = denial.rule.clone().unwrap_or_else(|| "none".into());
            let got = if expect.permitted { format!("refused by {rule}") } else { "refused".to_owned() };
            differs("it", word(expect.permitted).to_owned(), got);
            if let Some(expected) = &expect.rule {
                differs("the rule", expected.to_string(), rule.to_string());
            }
            if let Some(code) = &expect.code {
                differs("the code", code.to_string(), denial.code.to_string());
            }
        }
    }
    wrong
}
