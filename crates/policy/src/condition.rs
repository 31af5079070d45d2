//! A rule's condition as the judge reads it: a tree of `&&`, `||`, `!` and `if` over questions about the request, which it answers
//! itself, and expressions about the destination, which Cedar answers when the policy is compiled. Must not know which
//! destinations there are.

#![expect(clippy::wildcard_enum_match_arm, reason = "Cedar's tree may grow: what is not known here is refused")]

use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy::pst::{
    ActionConstraint, BinaryOp, Clause, EntityOrSlot, EntityUID, Expr, Literal, PrincipalConstraint,
    ResourceConstraint, Template, UnaryOp, Var,
};

use crate::ask;
use crate::space::{Dimension, Set};

/// When a rule applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Constant(bool),
    Ask(Ask),
    /// An expression that asks about nothing but the destination.
    Place(Arc<Expr>),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    If(Box<Self>, Box<Self>, Box<Self>),
}

/// One question about the request. It always has an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Whether the dimension has this word.
    Is(Dimension, Arc<str>),
    /// Whether the size is at least so many KiB; above 0.
    SizeFrom(i64),
    /// Whether the set has any of these words, or, if `outside`, any that is none of them.
    Any { set: Set, words: BTreeSet<Arc<str>>, outside: bool },
}

/// An expression that the judge cannot answer, as Cedar writes it, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Strange {
    pub(crate) told: String,
    pub(crate) what: &'static str,
}

impl Condition {
    pub(crate) fn not(self) -> Self {
        if let Self::Constant(value) = self { Self::Constant(!value) } else { Self::Not(Box::new(self)) }
    }

    pub(crate) fn and(self, then: Self) -> Self {
        match (self, then) {
            (Self::Constant(true), then) => then,
            (first, Self::Constant(true)) => first,
            (first, then) => Self::And(Box::new(first), Box::new(then)),
        }
    }

    pub(crate) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Constant(false), other) => other,
            (first, Self::Constant(false)) => first,
            (first, other) => Self::Or(Box::new(first), Box::new(other)),
        }
    }

    /// Of a rule: its head, then its clauses, in their order. Every expression that is strange is told.
    pub(crate) fn of_rule(rule: &Template) -> Result<Self, Vec<Strange>> {
        let mut strange = Vec::new();
        let mut condition = of_head(rule);
        for clause in rule.clauses() {
            let (Clause::When(expression) | Clause::Unless(expression)) = clause;
            let read = Self::of(expression, &mut strange);
            let read = if matches!(clause, Clause::Unless(_)) { read.not() } else { read };
            condition = condition.and(read);
        }
        if strange.is_empty() { Ok(condition) } else { Err(strange) }
    }

    fn of(expression: &Arc<Expr>, strange: &mut Vec<Strange>) -> Self {
        if !mentions_request(expression) {
            return match &**expression {
                Expr::Literal(Literal::Bool(value)) => Self::Constant(*value),
                _ => Self::Place(expression.clone()),
            };
        }
        match &**expression {
            Expr::UnaryOp { op: UnaryOp::Not, expr } => return Self::of(expr, strange).not(),
            Expr::BinaryOp { op: BinaryOp::And, left, right } => {
                let left = Self::of(left, strange);
                return left.and(Self::of(right, strange));
            }
            Expr::BinaryOp { op: BinaryOp::Or, left, right } => {
                let left = Self::of(left, strange);
                return left.or(Self::of(right, strange));
            }
            Expr::IfThenElse { cond, then_expr, else_expr } => {
                let [cond, then, other] = [cond, then_expr, else_expr].map(|part| Box::new(Self::of(part, strange)));
                return Self::If(cond, then, other);
            }
            _ => {}
        }
        let told = || expression.to_string();
        if mentions(expression, &Var::Resource) {
            let what =
                "asks about the request and the destination at once: ask about each for itself, joined by `&&` or `||`";
            strange.push(Strange { told: told(), what });
            return Self::Constant(false);
        }
        ask::read(expression).unwrap_or_else(|what| {
            strange.push(Strange { told: told(), what });
            Self::Constant(false)
        })
    }

    /// Every question about the request.
    pub(crate) fn each_ask<'c>(&'c self, see: &mut impl FnMut(&'c Ask)) {
        self.each(&mut |condition| {
            if let Self::Ask(ask) = condition {
                see(ask);
            }
        });
    }

    /// Every expression about the destination.
    pub(crate) fn each_place<'c>(&'c self, see: &mut impl FnMut(&'c Arc<Expr>)) {
        self.each(&mut |condition| {
            if let Self::Place(place) = condition {
                see(place);
            }
        });
    }

    /// Every expression about the destination, with whether the rule can come to apply because it is so, and because it is not so.
    pub(crate) fn each_sign<'c>(&'c self, sign: (bool, bool), see: &mut impl FnMut(&'c Arc<Expr>, (bool, bool))) {
        match self {
            Self::Constant(_) | Self::Ask(_) => {}
            Self::Place(place) => see(place, sign),
            Self::Not(part) => part.each_sign((sign.1, sign.0), see),
            Self::And(left, right) | Self::Or(left, right) => {
                left.each_sign(sign, see);
                right.each_sign(sign, see);
            }
            Self::If(cond, then, other) => {
                cond.each_sign((true, true), see);
                then.each_sign(sign, see);
                other.each_sign(sign, see);
            }
        }
    }

    /// A condition about the request alone that holds (if `up`; otherwise fails) wherever this one does for some destination.
    pub(crate) fn loosened(&self, up: bool) -> Self {
        let boxed = |part: &Self, up| Box::new(part.loosened(up));
        match self {
            Self::Constant(_) | Self::Ask(_) => self.clone(),
            Self::Place(_) => Self::Constant(up),
            Self::Not(part) => Self::Not(boxed(part, !up)),
            Self::And(left, right) => Self::And(boxed(left, up), boxed(right, up)),
            Self::Or(left, right) => Self::Or(boxed(left, up), boxed(right, up)),
            Self::If(cond, then, other) => {
                let mut places = false;
                cond.each_place(&mut |_| places = true);
                let (then, other) = (boxed(then, up), boxed(other, up));
                match (places, up) {
                    (false, _) => Self::If(cond.clone(), then, other),
                    (true, true) => Self::Or(then, other),
                    (true, false) => Self::And(then, other),
                }
            }
        }
    }

    fn each<'c>(&'c self, see: &mut impl FnMut(&'c Self)) {
        see(self);
        match self {
            Self::Constant(_) | Self::Ask(_) | Self::Place(_) => {}
            Self::Not(part) => part.each(see),
            Self::And(left, right) | Self::Or(left, right) => [left, right].into_iter().for_each(|part| part.each(see)),
            Self::If(cond, then, other) => [cond, then, other].into_iter().for_each(|part| part.each(see)),
        }
    }
}

/// What stands in the brackets after `permit` or `forbid`.
fn of_head(rule: &Template) -> Condition {
    let entity = |named: &EntityOrSlot| match named {
        EntityOrSlot::Entity(entity) => Some(entity.clone()),
        // A rule that is read is no template.
        EntityOrSlot::Slot(_) => None,
    };
    let never = Condition::Constant(false);
    let is_in = |named: &EntityOrSlot| entity(named).map_or(never.clone(), |entity| ask::principal_in(&entity));
    let principal = match &rule.principal {
        PrincipalConstraint::Any => Condition::Constant(true),
        PrincipalConstraint::Eq(named) => entity(named).map_or(never.clone(), |entity| ask::principal_is(&entity)),
        PrincipalConstraint::In(named) => is_in(named),
        PrincipalConstraint::Is(kind) => Condition::Constant(kind.to_string() == "Key"),
        PrincipalConstraint::IsIn(kind, named) => Condition::Constant(kind.to_string() == "Key").and(is_in(named)),
    };
    let action = match &rule.action {
        ActionConstraint::Any => Condition::Constant(true),
        ActionConstraint::Eq(entity) => ask::action_is(entity),
        ActionConstraint::In(entities) => entities.iter().map(ask::action_is).fold(never.clone(), Condition::or),
    };
    let resource = || Arc::new(Expr::Var(Var::Resource));
    let literal = |entity: EntityUID| Arc::new(Expr::Literal(Literal::EntityUID(entity)));
    let place = |expression: Expr| Condition::Place(Arc::new(expression));
    let compared = |op: BinaryOp, named: &EntityOrSlot| {
        let right = entity(named).map(literal);
        right.map_or(never.clone(), |right| place(Expr::BinaryOp { op, left: resource(), right }))
    };
    let resource = match &rule.resource {
        ResourceConstraint::Any => Condition::Constant(true),
        ResourceConstraint::Eq(named) => compared(BinaryOp::Eq, named),
        ResourceConstraint::In(named) => compared(BinaryOp::In, named),
        ResourceConstraint::Is(kind) => place(Expr::Is { expr: resource(), entity_type: kind.clone(), in_expr: None }),
        ResourceConstraint::IsIn(kind, named) => {
            let in_expr = entity(named).map(literal);
            place(Expr::Is { expr: resource(), entity_type: kind.clone(), in_expr })
        }
    };
    principal.and(action).and(resource)
}

fn mentions_request(expression: &Expr) -> bool {
    [Var::Principal, Var::Action, Var::Context].iter().any(|var| mentions(expression, var))
}

/// Whether a variable occurs anywhere in an expression.
pub(crate) fn mentions(expression: &Expr, var: &Var) -> bool {
    let is = |part: &Expr| matches!(part, Expr::Var(there) if there == var).then_some(true);
    expression.reduce(&is, &|one, other| one || other, false)
}

/// Whether an expression asks about one of these attributes of the destination; the empty one is the destination itself, compared.
pub(crate) fn mentions_any(expression: &Expr, attributes: &[&str]) -> bool {
    let is = |part: &Expr| match part {
        Expr::GetAttr { expr, attr } if matches!(**expr, Expr::Var(Var::Resource)) => {
            Some(attributes.contains(&attr.as_str()))
        }
        Expr::HasAttr { .. } | Expr::Is { in_expr: None, .. } => Some(false),
        Expr::Var(Var::Resource) => Some(attributes.contains(&"")),
        _ => None,
    };
    expression.reduce(&is, &|one, other| one || other, false)
}
