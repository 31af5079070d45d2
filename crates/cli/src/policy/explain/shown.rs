//! How an explanation stands on the terminal, and as JSON. Nothing that was found is in it unless it is asked for.

use std::collections::BTreeMap;

use anstyle::Style;
use gateway::judge::{Explained, Judgement, Question, Step};
use policy::{Axis, Outcome};
use serde::Serialize;
use serde_json::Value;

use crate::{
    failure::Failure,
    paragraph,
    policy::told,
    terminal::{BAD, FAINT, GOOD, STRONG, Terminal},
};

/// Columns of what is told before each line.
const WIDTH: usize = 10;

/// An explanation, and what it was made from.
pub(super) struct Shown<'a> {
    pub(super) explained: &'a Explained,
    pub(super) question: &'a Question,
    pub(super) judgement: &'a Judgement,
    /// Whether the caller's text may be seen.
    pub(super) show: bool,
}

/// For programs.
#[derive(Serialize)]
pub(super) struct Report {
    policy: String,
    policy_hash: String,
    catalog_hash: String,
    model: String,
    surface: &'static str,
    team: String,
    key: String,
    class: &'static str,
    classes: BTreeMap<&'static str, &'static str>,
    findings: Vec<Finding>,
    signals: Vec<&'static str>,
    language: &'static str,
    needs: Vec<&'static str>,
    unread: bool,
    purpose: String,
    use_area: String,
    high_impact: bool,
    permitted: Vec<String>,
    code: Option<String>,
    message: Option<String>,
    destinations: Vec<There>,
}

#[derive(Serialize)]
struct Finding {
    kind: String,
    place: &'static str,
    strength: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

#[derive(Serialize)]
struct There {
    destination: String,
    processed_in: Vec<String>,
    controlled_by: Vec<String>,
    permitted: bool,
    rules: Vec<Rule>,
    code: Option<String>,
    asked: Vec<String>,
    lacks: Option<&'static str>,
    hidden: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    goes_out: Option<Value>,
    cannot: Option<String>,
}

#[derive(Serialize)]
struct Rule {
    id: String,
    why: Option<String>,
}

impl Shown<'_> {
    pub(super) fn for_programs(&self) -> Report {
        let it = self.explained;
        let hashes = self.judgement.hashes();
        let findings = it.found.iter().map(|found| Finding {
            kind: found.kind.clone(),
            place: found.place,
            strength: found.strength,
            text: self.show.then(|| found.text.clone()),
        });
        Report {
            policy: self.judgement.policy().name().to_owned(),
            policy_hash: hex::encode(hashes.policy),
            catalog_hash: hex::encode(hashes.catalog),
            model: it.model.clone(),
            surface: it.surface,
            team: self.question.team.to_string(),
            key: self.question.key.to_string(),
            class: it.class.word(),
            classes: it.because.iter().map(|(source, class)| (*source, class.word())).collect(),
            findings: findings.collect(),
            signals: it.signals.clone(),
            language: it.language,
            needs: it.needs.iter().map(|(need, _)| *need).collect(),
            unread: it.unread,
            purpose: it.purpose.to_string(),
            use_area: it.use_area.to_string(),
            high_impact: it.high_impact,
            permitted: it.permitted.iter().map(ToString::to_string).collect(),
            code: it.refused.as_ref().map(|(code, _, _)| code.clone()),
            message: it.refused.as_ref().map(|(_, _, message)| message.clone()),
            destinations: it.steps.iter().map(|step| self.destination(step)).collect(),
        }
    }

    fn destination(&self, step: &Step) -> There {
        let known = self.known(step);
        let names = |axis: fn(&policy::Destination) -> &Axis| {
            known.iter().flat_map(|known| &axis(known).known).map(ToString::to_string).collect()
        };
        let (rules, code, asked) = match &step.outcome {
            Outcome::Permitted(terms) => (terms.rules.clone(), None, told::asked(terms)),
            Outcome::Refused(denial) => {
                (denial.rule.iter().cloned().collect(), Some(denial.code.to_string()), Vec::new())
            }
        };
        There {
            destination: step.link.label.to_string(),
            processed_in: names(|known| &known.processed_in),
            controlled_by: names(|known| &known.controlled_by),
            permitted: step.outcome.terms().is_some(),
            rules: rules.iter().map(|id| Rule { id: id.to_string(), why: self.why(id).map(str::to_owned) }).collect(),
            code,
            asked,
            lacks: step.lacks,
            hidden: step.hidden.as_ref().and_then(|form| Some(form.as_ref().ok()?.count)).unwrap_or(0),
            goes_out: self.goes_out(step).and_then(|body| serde_json::from_str(body).ok()),
            cannot: step.hidden.as_ref().and_then(|form| form.as_ref().err().cloned()),
        }
    }

    /// What the judge knows of a destination.
    fn known(&self, step: &Step) -> Option<&policy::Destination> {
        self.judgement.judge().destinations().get(step.link.judged)
    }

    /// The body that would go out, as far as it may be shown; none for one that goes as it came.
    fn goes_out<'s>(&self, step: &'s Step) -> Option<&'s str> {
        let hidden = step.hidden.as_ref()?.as_ref().ok().filter(|hidden| hidden.count > 0)?;
        if self.show { Some(&hidden.body) } else { hidden.shown.as_deref() }
    }

    /// Whether any destination would be asked.
    pub(super) fn is_permitted(&self) -> bool {
        !self.explained.permitted.is_empty()
    }

    fn is_asked(&self, step: &Step) -> bool {
        self.explained.permitted.contains(&step.link.label)
    }

    fn why(&self, rule: &str) -> Option<&str> {
        self.judgement.policy().rules().iter().find(|known| *known.id == *rule)?.why.as_deref()
    }

    pub(super) fn write(&self, terminal: &mut Terminal) -> Result<(), Failure> {
        self.write_facts(terminal)?;
        for (number, step) in self.explained.steps.iter().enumerate() {
            self.write_step(number + 1, step, terminal)?;
        }
        writeln!(terminal.out())?;
        let permitted: Vec<&str> = self.explained.permitted.iter().map(AsRef::as_ref).collect();
        match &self.explained.refused {
            Some((code, _, message)) => styled(terminal, "decision", &format!("refused, {code}: {message}"), BAD),
            None if permitted.is_empty() => {
                styled(terminal, "decision", "refused: nowhere can be hidden what must be", BAD)
            }
            None => {
                let order = format!("permitted; asked in this order: {}", permitted.join(", "));
                styled(terminal, "decision", &order, GOOD)
            }
        }
    }

    fn write_facts(&self, terminal: &mut Terminal) -> Result<(), Failure> {
        let it = self.explained;
        let policy = self.judgement.policy();
        let hash = hex::encode(policy.hash());
        let short = hash.get(..12).unwrap_or_default();
        line(
            terminal,
            "policy",
            &format!("{} ({}, {short}…)", policy.name(), told::counted(policy.rules().len(), "rule")),
        )?;
        line(terminal, "request", &self.request())?;
        if it.found.is_empty() {
            line(terminal, "found", "nothing")?;
        }
        for (number, (found, count)) in self.findings().into_iter().enumerate() {
            let times = if count > 1 { format!(", {count} times") } else { String::new() };
            line(terminal, if number == 0 { "found" } else { "" }, &format!("{found}{times}"))?;
        }
        if !it.signals.is_empty() {
            line(terminal, "signals", &it.signals.join(", "))?;
        }
        if it.unread {
            line(terminal, "not read", "it holds what is not text")?;
        }
        let sources = [
            ("registered", "registered as"),
            ("default", "not registered, so"),
            ("declared", "declared as"),
            ("findings", "by what was found"),
            ("unread", "by what is not read"),
        ];
        let classes = sources.iter().filter_map(|(source, word)| Some(format!("{word} {}", it.because.get(source)?)));
        let class = format!("{}, the highest of: {}", it.class, classes.collect::<Vec<_>>().join(", "));
        line(terminal, "class", &class)
    }

    fn request(&self) -> String {
        let it = self.explained;
        let mut said = vec![format!("{} of model `{}` by team {}", it.surface, it.model, self.question.team)];
        if it.language != "unknown" {
            said.push(format!("language {}", it.language));
        }
        if !it.needs.is_empty() {
            let needs: Vec<&str> = it.needs.iter().map(|(need, _)| *need).collect();
            said.push(format!("needs {}", needs.join(" and ")));
        }
        let registered = [("purpose", &it.purpose), ("use area", &it.use_area)];
        said.extend(
            registered.iter().filter(|(_, word)| !word.is_empty()).map(|(name, word)| format!("{name} {word}")),
        );
        if it.high_impact {
            said.push("high impact".to_owned());
        }
        said.join("; ")
    }

    /// Each kind and place with how often it was found, in the order of the request.
    fn findings(&self) -> Vec<(String, usize)> {
        let mut all: Vec<(String, usize)> = Vec::new();
        for found in &self.explained.found {
            let text = if self.show { format!(" `{}`", found.text) } else { String::new() };
            let told = format!("{} in a {} ({}){text}", found.kind, found.place.replace('_', " "), found.strength);
            match all.iter_mut().find(|(known, _)| *known == told) {
                Some((_, count)) => *count += 1,
                None => all.push((told, 1)),
            }
        }
        all
    }

    fn write_step(&self, number: usize, step: &Step, terminal: &mut Terminal) -> Result<(), Failure> {
        let (style, mark, word) = match &step.outcome {
            Outcome::Permitted(_) if self.is_asked(step) => (GOOD, "✓", "permitted"),
            Outcome::Permitted(_) => (BAD, "✗", "permitted, but it cannot go there"),
            Outcome::Refused(_) => (BAD, "✗", "refused"),
        };
        let label = &step.link.label;
        writeln!(
            terminal.out(),
            "\n{style}{mark}{style:#} {number} {STRONG}{label}{STRONG:#}  {style}{word}{style:#}"
        )?;
        if let Some(known) = self.known(step).filter(|known| !known.local) {
            let (processed, controlled) = (axis(&known.processed_in), axis(&known.controlled_by));
            line(terminal, "", &format!("processed in: {processed}; controlled by: {controlled}"))?;
        }
        let terms = match &step.outcome {
            Outcome::Permitted(terms) => terms,
            Outcome::Refused(denial) => {
                return match &denial.rule {
                    Some(rule) => self.write_rule(rule, &format!(" ({})", denial.code), terminal),
                    None => line(terminal, "", &format!("no rule permits it ({})", denial.code)),
                };
            }
        };
        for rule in &terms.rules {
            self.write_rule(rule, "", terminal)?;
        }
        for asked in told::asked(terms) {
            line(terminal, "", &asked)?;
        }
        if let Some(lacks) = step.lacks {
            return line(terminal, "", &format!("it lacks `{lacks}`, which the request needs"));
        }
        match &step.hidden {
            Some(Err(why)) => line(terminal, "", why),
            Some(Ok(hidden)) if hidden.count > 0 => self.write_hidden(hidden.count, step, terminal),
            Some(Ok(_)) | None => line(terminal, "", "it goes there as it came"),
        }
    }

    fn write_rule(&self, rule: &str, code: &str, terminal: &mut Terminal) -> Result<(), Failure> {
        let why = self.why(rule).map(|why| format!(": {why}")).unwrap_or_default();
        line(terminal, "", &format!("{rule}{code}{why}"))
    }

    fn write_hidden(&self, count: u64, step: &Step, terminal: &mut Terminal) -> Result<(), Failure> {
        let Some(body) = self.goes_out(step) else {
            return line(terminal, "", &format!("it goes there with {count} hidden; `--show` shows it"));
        };
        line(terminal, "", &format!("it goes there with {count} hidden:"))?;
        said(body).iter().try_for_each(|text| styled(terminal, "", text, FAINT))
    }
}

fn axis(axis: &Axis) -> String {
    let known = axis.known.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
    match (axis.known.len(), axis.within.is_empty()) {
        (0, _) => "unknown".to_owned(),
        (_, false) => known,
        // One that is all there is would lie within itself.
        (1, true) => format!("{known} and unknown"),
        (_, true) => format!("{known}, without one bloc around them, or not all that there are"),
    }
}

/// What a body says, where it is a conversation of plain texts; otherwise all of it.
fn said(body: &str) -> Vec<String> {
    let whole = || vec![body.to_owned()];
    let Ok(parsed) = serde_json::from_str::<Value>(body) else { return whole() };
    let messages = parsed.get("messages").and_then(Value::as_array);
    let texts = messages.map(|all| all.iter().map(|one| one.get("content")?.as_str().map(str::to_owned)).collect());
    texts.unwrap_or_else(|| Some(vec![parsed.get("prompt")?.as_str()?.to_owned()])).unwrap_or_else(whole)
}

fn line(terminal: &mut Terminal, what: &str, text: &str) -> Result<(), Failure> {
    styled(terminal, what, text, Style::new())
}

fn styled(terminal: &mut Terminal, what: &str, text: &str, style: Style) -> Result<(), Failure> {
    let text = paragraph::hanging(text, WIDTH);
    writeln!(terminal.out(), "{STRONG}{what:<WIDTH$}{STRONG:#}{style}{text}{style:#}")?;
    Ok(())
}
