//! What the headers of an answer say of its request: where it went, which entry decided on it, how sensitive it was, what was
//! changed of it, what the answer is to be labelled with.

use std::sync::Arc;

use ::policy::Class;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{inspect::CLASS_HEADER, judge::LOCAL_DESTINATION, outgoing::Outgoing};

/// Which destination answered.
const DESTINATION_HEADER: HeaderName = HeaderName::from_static("x-gwanmun-destination");
/// Which model answered, as callers ask for it.
const MODEL_HEADER: HeaderName = HeaderName::from_static("x-gwanmun-model");
/// The index of the decision's entry in the audit log.
const ENTRY_HEADER: HeaderName = HeaderName::from_static("x-gwanmun-entry");
/// What was changed of what the caller asked for: of the request before it was sent `nfc`, `masked`, `pseudonymised`; `model`
/// where another model answers than the route's first.
const CHANGED_HEADER: HeaderName = HeaderName::from_static("x-gwanmun-changed");
/// The labels that the policy wants the answer to carry.
const LABEL_HEADER: HeaderName = HeaderName::from_static("x-gwanmun-label");
/// Who must review the answer before it is used.
const REVIEW_HEADER: HeaderName = HeaderName::from_static("x-gwanmun-review");
/// That the local floor answers in place of a destination that cannot: `local`.
const DEGRADED_HEADER: HeaderName = HeaderName::from_static("x-gwanmun-degraded");
/// The policy's rule that refused the request.
const RULE_HEADER: HeaderName = HeaderName::from_static("x-gwanmun-rule");

/// What the headers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marks {
    entry: Option<u64>,
    class: Class,
    sent: Option<Sent>,
    rule: Option<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Sent {
    destination: Arc<str>,
    model: Arc<str>,
    changed: String,
    degraded: bool,
    label: Option<Arc<str>>,
    review: bool,
}

impl Marks {
    /// Of a request that was decided on.
    pub(crate) fn of(entry: Option<u64>, class: Class) -> Self {
        Self { entry, class, sent: None, rule: None }
    }

    /// Of a request that a rule refused.
    #[must_use]
    pub(crate) fn refused(mut self, rule: Option<&Arc<str>>) -> Self {
        self.rule = rule.cloned();
        self
    }

    /// The same, sent there in that form.
    #[must_use]
    pub(crate) fn sent(&self, outgoing: &Outgoing) -> Self {
        let terms = &outgoing.place.terms;
        let sent = Sent {
            destination: Arc::clone(&outgoing.place.link.label),
            model: outgoing.form.ask.model().into(),
            changed: changed(outgoing),
            degraded: outgoing.place.link.is_degraded(),
            label: (!terms.labels.is_empty()).then(|| terms.labels.join(", ").into()),
            review: terms.review,
        };
        Self { sent: Some(sent), ..self.clone() }
    }

    /// The destination, if the request was sent to one.
    pub(crate) fn destination(&self) -> Option<Arc<str>> {
        self.sent.as_ref().map(|sent| Arc::clone(&sent.destination))
    }

    /// Whether the local floor answers in place of a destination that cannot.
    pub(crate) fn is_degraded(&self) -> bool {
        self.sent.as_ref().is_some_and(|sent| sent.degraded)
    }

    /// The answer's labels.
    pub(crate) fn label(&self) -> Option<Arc<str>> {
        self.sent.as_ref()?.label.clone()
    }

    /// Whether a person must review the answer.
    pub(crate) fn review(&self) -> bool {
        self.sent.as_ref().is_some_and(|sent| sent.review)
    }

    /// Writes the headers. Names come from the configuration and model files; what a header cannot hold is left out.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let mut write = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        write(CLASS_HEADER, self.class.word());
        if let Some(rule) = &self.rule {
            write(RULE_HEADER, rule);
        }
        if let Some(sent) = &self.sent {
            write(DESTINATION_HEADER, &sent.destination);
            write(MODEL_HEADER, &sent.model);
            if !sent.changed.is_empty() {
                write(CHANGED_HEADER, &sent.changed);
            }
            if sent.degraded {
                write(DEGRADED_HEADER, LOCAL_DESTINATION);
            }
            if let Some(label) = &sent.label {
                write(LABEL_HEADER, label);
            }
            if sent.review {
                write(REVIEW_HEADER, "human");
            }
        }
        if let Some(entry) = self.entry {
            headers.insert(ENTRY_HEADER, HeaderValue::from(entry));
        }
    }
}

fn changed(outgoing: &Outgoing) -> String {
    let of_model = outgoing.place.link.substitutes.then_some("model");
    outgoing.form.changed.iter().copied().chain(of_model).collect::<Vec<_>>().join(", ")
}
