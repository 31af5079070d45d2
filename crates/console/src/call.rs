//! One request that has come in by the entrance: who asks, for what, with which fields. A screen's handler gets nothing else.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;

use crate::accounts::{Account, Permission, SignedIn, by};
use crate::answer::Refused;
use crate::language::Language;
use crate::page::Page;
use crate::site::Site;

/// One request.
pub(crate) struct Call {
    pub(crate) site: Arc<Site>,
    /// Who asks; none at the few addresses that anyone may ask.
    pub(crate) visitor: Option<SignedIn>,
    pub(crate) language: Language,
    /// The path, without what is after `?`.
    pub(crate) path: String,
    /// The page that the reader comes back to, with what is after its `?`.
    pub(crate) back: String,
    /// What the path's pattern names, in its order.
    pub(crate) named: Vec<String>,
    /// After the `?`.
    pub(crate) query: Fields,
    /// Of the form; empty where another body was sent.
    pub(crate) form: Fields,
    /// The body as it came; empty where it was a form.
    pub(crate) body: Bytes,
    pub(crate) headers: HeaderMap,
}

/// Names and values, as a form or a query has them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The first field of that name; nothing where it is not there or says nothing.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// The first field of that name as it was sent, or nothing.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// All of that name that say something.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }
}

impl Call {
    /// Who asks.
    pub(crate) fn account(&self) -> Result<&Arc<Account>, Refused> {
        self.visitor.as_ref().map(|visitor| &visitor.account).ok_or(Refused::SignInFirst)
    }

    /// Whether who asks may do that too.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.visitor.as_ref().is_some_and(|visitor| visitor.account.role.may(permission))
    }

    /// How the log names who asks.
    pub(crate) fn by(&self) -> Result<String, Refused> {
        Ok(by(&self.account()?.name))
    }

    /// The part of the path with that number, from 0.
    pub(crate) fn named(&self, number: usize) -> Result<&str, Refused> {
        self.named.get(number).map(String::as_str).ok_or(Refused::NotFound)
    }

    /// A field that must say something; `message` names the message that asks for it.
    pub(crate) fn required(&self, name: &str, message: &str) -> Result<&str, Refused> {
        self.form.get(name).ok_or_else(|| Refused::Wrong(self.language.text(message)))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.site.clock.wall()
    }

    /// What the page's frame shows, for the screen of that name.
    pub(crate) fn page(&self, screen: &'static str) -> Page {
        Page::new(&self.site, self.visitor.as_ref(), self.language, &self.back, screen)
    }
}
