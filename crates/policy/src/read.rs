//! Reads a policy: rules and settings, all mistakes at once, each with its file and line. What comes out can be compiled for any
//! destinations.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, LazyLock};

use cedar_policy::ffi::DetailedError;
use cedar_policy::pst::{self, Template};
use cedar_policy::{PolicyId, PolicySet, Schema, ValidationMode, Validator};
use sha2::{Digest as _, Sha256};

use crate::cases::Case;
use crate::condition::Condition;
use crate::mistakes::{Found, Mistakes};
use crate::settings::Settings;
use crate::split::{Piece, depth, pieces, position};
use crate::words::Words;
use crate::{Action, Classes, Destination, File, Mistake, Rule, Vocabulary};

/// What rules are validated against; the same text as in `spec/policy/`.
const SCHEMA: &str = include_str!("../../../spec/policy/gwanmun.cedarschema");
static READ_SCHEMA: LazyLock<Result<Schema, String>> =
    LazyLock::new(|| Schema::from_cedarschema_str(SCHEMA).map(|(schema, _)| schema).map_err(|wrong| wrong.to_string()));

/// More rules than this are refused: a person could not read them either.
const MOST_RULES: usize = 5_000;

/// A longer rule, or one of more operators and brackets, is refused: its tree would be too deep to walk on a small stack.
const MOST_RULE_BYTES: usize = 16 << 10;
const MOST_DEPTH: usize = 64;

/// A policy, read and checked. Cheap to clone; two are equal if their files are.
#[derive(Clone)]
pub struct Policy(Arc<Content>);

struct Content {
    name: Arc<str>,
    file: Arc<str>,
    hash: [u8; 32],
    rules: Vec<Rule>,
    settings: Settings,
    kinds: BTreeMap<String, BTreeSet<String>>,
}

impl Policy {
    /// Reads a policy of that name; without a settings file it has the classes that `spec/policy.md` gives, and no cases.
    pub fn read(
        name: &str,
        rules: File<'_>,
        settings: Option<File<'_>>,
        vocabulary: &Vocabulary,
    ) -> Result<Self, Mistakes> {
        let (read, mut mistakes) = read_rules(rules, vocabulary);
        let ids: BTreeSet<Arc<str>> = read.iter().map(|rule| rule.id.clone()).collect();
        let read_settings =
            settings.map_or_else(|| Ok(Settings::none()), |file| Settings::read(file, vocabulary, &ids));
        let settings_text = settings.map_or("", |file| file.text);
        match read_settings {
            Ok(settings) if mistakes.is_empty() => Ok(Self(Arc::new(Content {
                name: name.into(),
                file: rules.name.into(),
                hash: hash(rules.text, settings_text),
                rules: read,
                settings,
                kinds: vocabulary.kinds.clone(),
            }))),
            Ok(_) => Err(Mistakes(mistakes)),
            Err(more) => {
                mistakes.extend(more);
                Err(Mistakes(mistakes))
            }
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// SHA-256 of its files (`spec/policy.md`, section 5).
    pub fn hash(&self) -> [u8; 32] {
        self.0.hash
    }

    /// Its title, if its settings give it one.
    pub fn title(&self) -> Option<&str> {
        self.0.settings.title.as_deref()
    }

    /// How it finds the class of a request.
    pub fn classes(&self) -> &Classes {
        &self.0.settings.classes
    }

    /// Its table of cases.
    pub fn cases(&self) -> &[Case] {
        &self.0.settings.cases
    }

    /// Its rules, in the order of the file.
    pub fn rules(&self) -> &[Rule] {
        &self.0.rules
    }

    /// The file of its rules, as it was named.
    pub fn file(&self) -> &Arc<str> {
        &self.0.file
    }

    /// The destinations that its cases know.
    pub fn case_destinations(&self) -> &[Destination] {
        &self.0.settings.destinations
    }

    /// Kinds of findings with their groups, as they were when it was read.
    pub(crate) fn kinds(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.0.kinds
    }
}

impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        self.0.hash == other.0.hash
    }
}

impl Eq for Policy {}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("name", &self.0.name).field("rules", &self.0.rules.len()).finish_non_exhaustive()
    }
}

fn hash(rules: &str, settings: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"gwanmun policy 1\n");
    for text in [rules, settings] {
        hash.update(format!("{}\n", text.len()));
        hash.update(text);
    }
    hash.finalize().into()
}

/// A rule that parsed.
struct Parsed<'a> {
    piece: Piece<'a>,
    policy: cedar_policy::Policy,
    rule: Template,
}

fn read_rules(file: File<'_>, vocabulary: &Vocabulary) -> (Vec<Rule>, Vec<Mistake>) {
    let mut found = Found::of(file.name, file.text);
    let pieces = pieces(file.text);
    if pieces.len() > MOST_RULES {
        found.add(0, format!("{} rules are more than the {MOST_RULES} that a policy can have", pieces.len()));
        return (Vec::new(), found.finish());
    }
    let numbered = pieces.into_iter().enumerate();
    let parsed: Vec<Parsed<'_>> = numbered.filter_map(|(number, piece)| parse(number, piece, &mut found)).collect();
    let wrong = validate(&parsed, &mut found);
    let mut rules: Vec<Rule> = Vec::new();
    let mut names: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    let mut words = Words::of(vocabulary);
    for one in &parsed {
        let condition = Condition::of_rule(&one.rule).unwrap_or_else(|strange| {
            // What Cedar itself refuses is told once.
            for strange in strange.into_iter().filter(|_| !wrong.contains(&one.piece.at)) {
                let at = one.piece.at + position(one.piece.text, &strange.told).unwrap_or(0);
                found.add(at, format!("`{}` {}", strange.told, strange.what));
            }
            Condition::Constant(false)
        });
        words.check(&condition, one.piece, &mut found);
        let rule = Rule::read(&one.rule, condition, one.piece, vocabulary, &mut found);
        if let Some(first) = names.insert(rule.id.clone(), rule.line).filter(|_| !rule.id.is_empty()) {
            let at = position(one.piece.text, "id").unwrap_or(0);
            found.add(
                one.piece.at + at,
                format!("`@id(\"{}\")` is already there, at line {first}: rename one", rule.id),
            );
        }
        rules.push(rule);
    }
    words.finish(&mut found);
    (rules, found.finish())
}

fn parse<'a>(number: usize, piece: Piece<'a>, found: &mut Found<'_>) -> Option<Parsed<'a>> {
    if piece.text.len() > MOST_RULE_BYTES {
        found.add(piece.at, format!("the rule is longer than {} KiB: divide it", MOST_RULE_BYTES >> 10));
        return None;
    }
    if depth(piece.text) > MOST_DEPTH {
        found.add(piece.at, format!("the rule joins more than about {MOST_DEPTH} conditions: divide it"));
        return None;
    }
    let policy = match cedar_policy::Policy::parse(Some(PolicyId::new(number.to_string())), piece.text) {
        Ok(policy) => policy,
        Err(wrong) => {
            for wrong in wrong.iter() {
                tell(&DetailedError::from(wrong), piece, found);
            }
            return None;
        }
    };
    match policy.to_pst() {
        Ok(pst::Policy::Static(rule)) => Some(Parsed { piece, policy, rule: rule.body().clone() }),
        Ok(pst::Policy::Linked(_)) => {
            found.add(piece.at, "a template is not a rule: write the principal and the resource out");
            None
        }
        Err(wrong) => {
            found.add(piece.at, wrong.to_string());
            None
        }
    }
}

/// Tells what Cedar finds wrong; gives where the rules begin with which something is.
fn validate(parsed: &[Parsed<'_>], found: &mut Found<'_>) -> BTreeSet<usize> {
    let schema = match &*READ_SCHEMA {
        Ok(schema) => schema.clone(),
        Err(wrong) => {
            found.add(0, format!("the schema of policies cannot be read: {wrong}"));
            return BTreeSet::new();
        }
    };
    let rules = match PolicySet::from_policies(parsed.iter().map(|one| one.policy.clone())) {
        Ok(rules) => rules,
        Err(wrong) => {
            found.add(0, wrong.to_string());
            return BTreeSet::new();
        }
    };
    let mut told = BTreeSet::new();
    for wrong in Validator::new(schema).validate(&rules, ValidationMode::Strict).validation_errors() {
        let id = wrong.policy_id().to_string();
        if let Some(one) = parsed.iter().find(|one| one.policy.id().to_string() == id) {
            tell(&DetailedError::from(wrong), one.piece, found);
            told.insert(one.piece.at);
        }
    }
    told
}

/// Cedar's own message, where it says that it stands.
fn tell(wrong: &DetailedError, piece: Piece<'_>, found: &mut Found<'_>) {
    let within = wrong.source_locations.first().map_or(0, |label| label.loc.start);
    let what = clean(&wrong.message);
    let help = wrong.help.as_deref().map(|help| format!("; {}", clean(help))).unwrap_or_default();
    found.add(piece.at + within, format!("{what}{help}"));
}

/// Cedar's words on one line, without the number by which we told it the rule.
fn clean(message: &str) -> String {
    let mut parts = message.split("for policy `");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| part.split_once("`, ").map_or(part, |(_, what)| what));
    let told = rest.fold(first, |told, part| told + part).replace('\n', " ");
    // The same for each action is one mistake.
    Action::ALL.iter().fold(told, |told, action| told.replace(&format!(" for Action::\"{}\"", action.word()), ""))
}
