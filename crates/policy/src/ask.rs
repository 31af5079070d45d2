//! The forms in which a rule can ask about a request (`spec/policy.md`, section 2), matched one by one. What fits none of them
//! is told with what to write instead. Must not know which words exist.

#![expect(clippy::wildcard_enum_match_arm, reason = "Cedar's tree may grow: what is not known here is refused")]

use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy::pst::{BinaryOp, EntityUID, Expr, Literal, UnaryOp, Var};

use crate::condition::{Ask, Condition};
use crate::space::{Dimension, Set};

/// What an attribute of the context is.
enum Attribute {
    Word(Dimension),
    Flag(Dimension),
    Size,
    Set(Set),
}

const CONTEXT: &str = "must be `context.NAME` compared with a text (`==`, `!=`), a number (`<`, `<=`, `>`, `>=`, `==`, `!=`), \
    a list of texts (`[…].contains(context.NAME)`), or for a set `context.NAME.contains(\"…\")`, `.containsAny([…])`, \
    `.containsAll([…])`, `.isEmpty()`";
const PRINCIPAL: &str = "must be `principal == Key::\"…\"`, `principal in Team::\"…\"`, `principal in [Team::\"…\", …]` or \
    `principal is Key`: a principal has no attributes";
const ACTION: &str = "must be `action == Action::\"…\"` or `action in [Action::\"…\", …]`";

/// Reads an expression that asks about the request alone.
pub(crate) fn read(expression: &Expr) -> Result<Condition, &'static str> {
    if let Some(Attribute::Flag(dimension)) = attribute(expression) {
        return Ok(flag(dimension, true));
    }
    match expression {
        Expr::UnaryOp { op: UnaryOp::IsEmpty, expr } => match attribute(expr) {
            Some(Attribute::Set(set)) => Ok(outside(set, BTreeSet::new()).not()),
            _ => Err(CONTEXT),
        },
        Expr::Is { expr, entity_type, in_expr } if matches!(**expr, Expr::Var(Var::Principal)) => {
            let is = Condition::Constant(entity_type.to_string() == "Key");
            let Some(named) = in_expr else { return Ok(is) };
            Ok(is.and(entities(named).ok_or(PRINCIPAL)?.iter().map(principal_in).fold(never(), Condition::or)))
        }
        Expr::BinaryOp { op, left, right } => binary(*op, left, right),
        _ => Err(form(expression)),
    }
}

/// Which forms there are for what an expression begins with.
fn form(expression: &Expr) -> &'static str {
    match expression {
        Expr::Var(Var::Principal) => PRINCIPAL,
        Expr::Var(Var::Action) => ACTION,
        Expr::BinaryOp { left, .. } => form(left),
        Expr::Is { expr, .. } | Expr::GetAttr { expr, .. } | Expr::HasAttr { expr, .. } => form(expr),
        _ => CONTEXT,
    }
}

fn binary(op: BinaryOp, left: &Expr, right: &Expr) -> Result<Condition, &'static str> {
    match op {
        BinaryOp::Eq => equal(left, right),
        BinaryOp::NotEq => Ok(equal(left, right)?.not()),
        BinaryOp::Less | BinaryOp::LessEq | BinaryOp::Greater | BinaryOp::GreaterEq => compared(op, left, right),
        BinaryOp::In => {
            let read: fn(&EntityUID) -> Condition = match left {
                Expr::Var(Var::Principal) => principal_in,
                Expr::Var(Var::Action) => action_is,
                _ => return Err(form(left)),
            };
            Ok(entities(right).ok_or(form(left))?.iter().map(read).fold(never(), Condition::or))
        }
        BinaryOp::Contains => match (attribute(left), attribute(right)) {
            (Some(Attribute::Set(set)), None) => Ok(any(set, BTreeSet::from([text(right).ok_or(CONTEXT)?]))),
            (None, Some(Attribute::Word(dimension))) => {
                let words = texts(left).ok_or(CONTEXT)?;
                let is = |word: Arc<str>| Condition::Ask(Ask::Is(dimension, word));
                Ok(words.into_iter().map(is).fold(never(), Condition::or))
            }
            _ => Err(CONTEXT),
        },
        BinaryOp::ContainsAny => match (attribute(left), attribute(right)) {
            (Some(Attribute::Set(set)), None) => Ok(any(set, texts(right).ok_or(CONTEXT)?)),
            (None, Some(Attribute::Set(set))) => Ok(any(set, texts(left).ok_or(CONTEXT)?)),
            _ => Err(CONTEXT),
        },
        BinaryOp::ContainsAll => match (attribute(left), attribute(right)) {
            (Some(Attribute::Set(set)), None) => {
                let each = texts(right).ok_or(CONTEXT)?.into_iter().map(|word| any(set, BTreeSet::from([word])));
                Ok(each.fold(Condition::Constant(true), Condition::and))
            }
            (None, Some(Attribute::Set(set))) => Ok(outside(set, texts(left).ok_or(CONTEXT)?).not()),
            _ => Err(CONTEXT),
        },
        _ => Err(form(left)),
    }
}

fn equal(left: &Expr, right: &Expr) -> Result<Condition, &'static str> {
    let (asked, value) = if is_literal(left) { (right, left) } else { (left, right) };
    match (asked, value) {
        (Expr::Var(Var::Principal), Expr::Literal(Literal::EntityUID(entity))) => return Ok(principal_is(entity)),
        (Expr::Var(Var::Action), Expr::Literal(Literal::EntityUID(entity))) => return Ok(action_is(entity)),
        _ => {}
    }
    match (attribute(asked), value) {
        (Some(Attribute::Word(dimension)), _) => Ok(Condition::Ask(Ask::Is(dimension, text(value).ok_or(CONTEXT)?))),
        (Some(Attribute::Flag(dimension)), Expr::Literal(Literal::Bool(value))) => Ok(flag(dimension, *value)),
        (Some(Attribute::Size), _) => {
            let size = number(value).ok_or(CONTEXT)?;
            Ok(from(Some(size)).and(from(size.checked_add(1)).not()))
        }
        _ => Err(form(asked)),
    }
}

fn compared(op: BinaryOp, left: &Expr, right: &Expr) -> Result<Condition, &'static str> {
    let (size, turned) = match (attribute(left), attribute(right)) {
        (Some(Attribute::Size), None) => (number(right).ok_or(CONTEXT)?, false),
        (None, Some(Attribute::Size)) => (number(left).ok_or(CONTEXT)?, true),
        _ => return Err(form(left)),
    };
    // Turned round, `64 > size` is `size < 64`.
    let above = matches!(op, BinaryOp::Greater | BinaryOp::GreaterEq) != turned;
    let or_equal = matches!(op, BinaryOp::LessEq | BinaryOp::GreaterEq);
    let first = if above == or_equal { Some(size) } else { size.checked_add(1) };
    Ok(if above { from(first) } else { from(first).not() })
}

/// Whether the size is at least so many KiB; never, for a number that there is not.
fn from(size: Option<i64>) -> Condition {
    match size {
        Some(size) if size > 0 => Condition::Ask(Ask::SizeFrom(size)),
        Some(_) => Condition::Constant(true),
        None => Condition::Constant(false),
    }
}

pub(crate) fn principal_is(entity: &EntityUID) -> Condition {
    if entity.ty.to_string() == "Key" { principal_in(entity) } else { never() }
}

pub(crate) fn principal_in(entity: &EntityUID) -> Condition {
    let dimension = match entity.ty.to_string().as_str() {
        "Key" => Dimension::Key,
        "Team" => Dimension::Team,
        "Tenant" => Dimension::Tenant,
        _ => return never(),
    };
    Condition::Ask(Ask::Is(dimension, Arc::from(&*entity.eid)))
}

pub(crate) fn action_is(entity: &EntityUID) -> Condition {
    Condition::Ask(Ask::Is(Dimension::Action, Arc::from(&*entity.eid)))
}

fn flag(dimension: Dimension, value: bool) -> Condition {
    let is = Condition::Ask(Ask::Is(dimension, "true".into()));
    if value { is } else { is.not() }
}

fn never() -> Condition {
    Condition::Constant(false)
}

fn any(set: Set, words: BTreeSet<Arc<str>>) -> Condition {
    Condition::Ask(Ask::Any { set, words, outside: false })
}

fn outside(set: Set, words: BTreeSet<Arc<str>>) -> Condition {
    Condition::Ask(Ask::Any { set, words, outside: true })
}

fn attribute(expression: &Expr) -> Option<Attribute> {
    let Expr::GetAttr { expr, attr } = expression else { return None };
    if !matches!(**expr, Expr::Var(Var::Context)) {
        return None;
    }
    Some(match attr.as_str() {
        "class" => Attribute::Word(Dimension::Class),
        "surface" => Attribute::Word(Dimension::Surface),
        "language" => Attribute::Word(Dimension::Language),
        "purpose" => Attribute::Word(Dimension::Purpose),
        "use_area" => Attribute::Word(Dimension::UseArea),
        "high_impact" => Attribute::Flag(Dimension::HighImpact),
        "unread" => Attribute::Flag(Dimension::Unread),
        "stream" => Attribute::Flag(Dimension::Stream),
        "prompt_kib" => Attribute::Size,
        "findings" => Attribute::Set(Set::Findings),
        "signals" => Attribute::Set(Set::Signals),
        "needs" => Attribute::Set(Set::Needs),
        _ => return None,
    })
}

fn is_literal(expression: &Expr) -> bool {
    matches!(expression, Expr::Literal(_)) || number(expression).is_some()
}

fn text(expression: &Expr) -> Option<Arc<str>> {
    match expression {
        Expr::Literal(Literal::String(text)) => Some(Arc::from(text.as_str())),
        _ => None,
    }
}

fn texts(expression: &Expr) -> Option<BTreeSet<Arc<str>>> {
    match expression {
        Expr::Set(parts) => parts.iter().map(|part| text(part)).collect(),
        _ => None,
    }
}

fn number(expression: &Expr) -> Option<i64> {
    match expression {
        Expr::Literal(Literal::Long(number)) => Some(*number),
        Expr::UnaryOp { op: UnaryOp::Neg, expr } => number(expr)?.checked_neg(),
        _ => None,
    }
}

/// An entity, or a list of entities.
fn entities(expression: &Expr) -> Option<Vec<EntityUID>> {
    match expression {
        Expr::Literal(Literal::EntityUID(entity)) => Some(vec![entity.clone()]),
        Expr::Set(parts) => parts.iter().map(|part| entities(part)?.into_iter().next()).collect(),
        _ => None,
    }
}
