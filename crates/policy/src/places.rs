//! What Cedar says of each destination: every expression of a policy that asks about the destination alone is evaluated by Cedar,
//! once a destination, when the policy is compiled. Must not know requests.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::str::FromStr as _;
use std::sync::Arc;

use cedar_policy::pst::{self, Expr};
use cedar_policy::{
    Authorizer, Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression,
};

use crate::bits::Bits;
use crate::tree::Answer;
use crate::{Destination, Rule};

/// For each expression, as Cedar writes it, and each lane of destinations, what Cedar answers.
pub(crate) struct Places {
    answers: HashMap<String, Vec<Answer>>,
    lanes: usize,
}

impl Places {
    /// Asks Cedar. What cannot be asked has no answer for any destination, and so denies it.
    pub(crate) fn of(rules: &[Rule], destinations: &[Destination]) -> Self {
        let mut expressions: HashMap<String, &Arc<Expr>> = HashMap::new();
        for rule in rules {
            rule.condition.each_place(&mut |place| {
                expressions.insert(place.to_string(), place);
            });
        }
        let lanes = destinations.len().div_ceil(Bits::LANE);
        let unknown = |lane: usize| Answer {
            yes: Bits::NONE,
            error: Bits::first(destinations.len().saturating_sub(lane * Bits::LANE)),
        };
        let unknown: Vec<Answer> = (0..lanes).map(unknown).collect();
        let mut places =
            Self { answers: expressions.keys().map(|told| (told.clone(), unknown.clone())).collect(), lanes };
        // Cedar knows an expression by a number.
        let names: Vec<&String> = expressions.keys().collect();
        let asked = names.iter().enumerate().filter_map(|(number, told)| as_rule(number, expressions.get(*told)?));
        let Ok(asked) = PolicySet::from_policies(asked) else { return places };
        let entities = destinations.iter().filter_map(entity);
        let Ok(entities) = Entities::from_entities(entities, None) else { return places };
        let all: BTreeSet<usize> = asked.policies().filter_map(|rule| rule.id().to_string().parse().ok()).collect();
        for (number, destination) in destinations.iter().enumerate() {
            let Some((yes, errors)) = ask(&asked, &entities, destination) else { continue };
            for name in all.iter().filter(|name| !errors.contains(name)) {
                if let Some(told) = names.get(*name) {
                    places.answered(told, number, yes.contains(name));
                }
            }
        }
        places
    }

    /// Cedar has answered an expression for a destination.
    fn answered(&mut self, told: &str, destination: usize, yes: bool) {
        let mut one = Bits::NONE;
        one.insert(destination % Bits::LANE);
        let answers = self.answers.get_mut(told);
        if let Some(answer) = answers.and_then(|answers| answers.get_mut(destination / Bits::LANE)) {
            answer.error = answer.error.without(one);
            answer.yes = if yes { answer.yes.or(one) } else { answer.yes };
        }
    }

    /// The answer to an expression for a lane.
    pub(crate) fn answer(&self, expression: &Expr, lane: usize, all: Bits) -> Answer {
        debug_assert!(lane < self.lanes, "a lane of these destinations");
        let answers = self.answers.get(&expression.to_string());
        answers.and_then(|answers| answers.get(lane)).copied().unwrap_or(Answer { yes: Bits::NONE, error: all })
    }
}

fn as_rule(number: usize, expression: &Arc<Expr>) -> Option<cedar_policy::Policy> {
    let head = pst::Template::new(
        number.to_string().as_str(),
        pst::Effect::Permit,
        pst::PrincipalConstraint::Any,
        pst::ActionConstraint::Any,
        pst::ResourceConstraint::Any,
    );
    let rule = head.try_with_clauses([pst::Clause::When(expression.clone())]).ok()?;
    cedar_policy::Policy::from_pst(pst::Policy::Static(pst::StaticPolicy::try_from(rule).ok()?)).ok()
}

/// The numbers of the expressions that hold for a destination, and of those that fail.
fn ask(rules: &PolicySet, entities: &Entities, destination: &Destination) -> Option<(HashSet<usize>, HashSet<usize>)> {
    let [principal, action, resource] =
        [("Key", ""), ("Action", "infer"), ("Destination", &*destination.id)].map(|(kind, id)| uid(kind, id));
    let request = Request::new(principal?, action?, resource?, Context::empty(), None).ok()?;
    let response = Authorizer::new().is_authorized(&request, rules, entities);
    let yes = response.diagnostics().reason().filter_map(|id| id.to_string().parse().ok()).collect();
    let errors = response.diagnostics().errors();
    let errors = errors.filter_map(|error| match error {
        cedar_policy::AuthorizationError::PolicyEvaluationError(error) => error.policy_id().to_string().parse().ok(),
    });
    Some((yes, errors.collect()))
}

pub(crate) fn uid(kind: &str, id: &str) -> Option<EntityUid> {
    Some(EntityUid::from_type_name_and_id(EntityTypeName::from_str(kind).ok()?, EntityId::new(id)))
}

/// A destination as Cedar knows it (`spec/policy.md`, section 1).
pub(crate) fn entity(destination: &Destination) -> Option<Entity> {
    let text = |text: &Arc<str>| RestrictedExpression::new_string(text.to_string());
    let set = |words: &BTreeSet<Arc<str>>| RestrictedExpression::new_set(words.iter().map(text));
    let known = [
        ("name", text(&destination.name)),
        ("model", text(&destination.model)),
        ("local", RestrictedExpression::new_bool(destination.local)),
        ("processed_in", set(&destination.processed_in.known)),
        ("processed_within", set(&destination.processed_in.within)),
        ("controlled_by", set(&destination.controlled_by.known)),
        ("controlled_within", set(&destination.controlled_by.within)),
        ("transfer_basis", set(&destination.transfer_basis)),
        ("capabilities", set(&destination.capabilities)),
        ("languages", set(&destination.languages)),
    ];
    let texts = [
        ("provider", &destination.provider),
        ("region", &destination.region),
        ("card", &destination.card),
        ("developer", &destination.developer),
        ("training_on_input", &destination.training_on_input),
        ("commercial_use", &destination.commercial_use),
        ("offer_to_third_parties", &destination.offer_to_third_parties),
    ];
    let numbers = [
        ("retention_days", destination.retention_days),
        ("open_weights", destination.open_weights),
        ("open_data", destination.open_data),
        ("open_code", destination.open_code),
    ];
    let mut attributes: HashMap<String, RestrictedExpression> =
        known.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let known = texts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), text(value.as_ref()?))));
    attributes.extend(known);
    let number = |(name, value): (&str, Option<i64>)| Some((name.to_owned(), RestrictedExpression::new_long(value?)));
    attributes.extend(numbers.into_iter().filter_map(number));
    attributes.extend(destination.frontier.map(|yes| ("frontier".to_owned(), RestrictedExpression::new_bool(yes))));
    Entity::new(uid("Destination", &destination.id)?, attributes, HashSet::new()).ok()
}
