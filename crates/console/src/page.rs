//! The frame of every page: the reader's language, who is signed in, where they can go, what they should know.
//!
//! Templates ask it for every word they show. It must not know what the screens show.

use std::borrow::Borrow;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::response::Response;
use gateway::withdrawal::Subject;
use jiff::Timestamp;

use crate::accounts::{Account, Permission, SignedIn};
use crate::answer::{self, Refused};
use crate::assets;
use crate::language::{Language, Written};
use crate::screens::subjects;
use crate::site::Site;

/// What every template has as `page`.
pub(crate) struct Page {
    /// The reader's.
    pub(crate) language: Language,
    /// Who is signed in.
    pub(crate) account: Option<Arc<Account>>,
    /// The screen's name: of its message, its place in the navigation.
    pub(crate) screen: &'static str,
    /// Where the reader is, to come back to.
    pub(crate) path: String,
    /// What a form carries so that only a page of ours can send it.
    pub(crate) form_token: String,
    /// What is withdrawn now: told on every page.
    pub(crate) withdrawn: Vec<String>,
    /// What a live drill takes away now, and until when: told on every page.
    pub(crate) rehearsed: Option<(Vec<String>, Timestamp)>,
    /// What was just done or could not be done, in the reader's words.
    pub(crate) told: Option<Told>,
}

/// What was just done, or could not be.
pub(crate) struct Told {
    pub(crate) text: String,
    /// Whether it was done.
    pub(crate) good: bool,
}

/// A way to a screen.
pub(crate) struct Way {
    pub(crate) screen: &'static str,
    pub(crate) path: &'static str,
    pub(crate) here: bool,
}

/// A group of ways: its message, and the ways in it.
pub(crate) struct Ways {
    pub(crate) group: &'static str,
    pub(crate) ways: Vec<Way>,
}

/// A screen: its name, its path, and who may see it.
type Screen = (&'static str, &'static str, Permission);

/// The screens, by group.
const SCREENS: [(&str, &[Screen]); 3] = [
    (
        "nav-gate",
        &[
            ("first-steps", "/first-steps", Permission::ChangeSettings),
            ("overview", "/overview", Permission::SeeGate),
            ("cut-off", "/cut-off", Permission::SeeGate),
            ("jurisdictions", "/jurisdictions", Permission::SeeGate),
            ("destinations", "/destinations", Permission::SeeGate),
            ("models", "/models", Permission::SeeGate),
            ("routes", "/routes", Permission::SeeGate),
            ("guard", "/guard", Permission::TryPolicy),
        ],
    ),
    ("nav-use", &[("chat", "/chat", Permission::Chat), ("keys", "/keys", Permission::SeeGate)]),
    (
        "nav-evidence",
        &[
            ("requests", "/requests", Permission::SeeRequests),
            ("audit", "/audit", Permission::SeeLog),
            ("accounts", "/accounts", Permission::ManageAccounts),
        ],
    ),
];

/// At the end of this group: the screen that nobody needs a permission for but to be signed in.
const FOR_ALL: (&str, &str, &str) = ("nav-use", "set-up", "/set-up");

impl Page {
    /// For the screen of that name, at that path.
    pub(crate) fn new(
        site: &Site,
        visitor: Option<&SignedIn>,
        language: Language,
        path: &str,
        screen: &'static str,
    ) -> Self {
        // A stranger is told nothing of how the gate stands.
        let withdrawn = visitor.map(|_| site.availability.withdrawals()).unwrap_or_default();
        let rehearsed = visitor.and_then(|_| site.availability.rehearsed());
        let judgement = &site.app.in_force().judgement;
        let told = |subject: &Subject| subjects::told(language, judgement, subject);
        Self {
            language,
            account: visitor.map(|visitor| Arc::clone(&visitor.account)),
            screen,
            path: path.to_owned(),
            form_token: visitor.map(|visitor| visitor.token.form_token()).unwrap_or_default(),
            withdrawn: withdrawn.iter().map(|withdrawal| told(&withdrawal.subject)).collect(),
            rehearsed: rehearsed.map(|it| (it.subjects.iter().map(told).collect(), it.until)),
            told: None,
        }
    }

    /// Says what was just done.
    pub(crate) fn telling(mut self, text: impl Into<String>, good: bool) -> Self {
        self.told = Some(Told { text: text.into(), good });
        self
    }

    /// The message of that name.
    pub(crate) fn t(&self, name: &str) -> String {
        self.language.text(name)
    }

    /// The message of a name that is put together: what kind, and which.
    pub(crate) fn tt(&self, kind: &str, which: impl Display) -> String {
        self.language.text(&format!("{kind}-{which}"))
    }

    /// The message of that name with one text put in.
    pub(crate) fn t1(&self, name: &str, key: &str, value: impl Display) -> String {
        self.language.text_with(name, &[(key, &value.to_string())])
    }

    /// The message of that name with two texts put in.
    pub(crate) fn t2(&self, name: &str, one: &(&str, &str), two: &(&str, &str)) -> String {
        self.language.text_with(name, &[*one, *two])
    }

    /// The message of that name in the form for a number.
    pub(crate) fn tn(&self, name: &str, count: impl Borrow<u64>) -> String {
        self.language.counted(name, *count.borrow())
    }

    /// A number in the reader's form.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    pub(crate) fn number(&self, number: &u64) -> String {
        self.language.number(*number)
    }

    /// A size in bytes in the reader's form.
    pub(crate) fn size(&self, bytes: impl Borrow<u64>) -> String {
        self.language.size(*bytes.borrow())
    }

    /// A share in the reader's form.
    pub(crate) fn share(&self, part: impl Borrow<u64>, whole: impl Borrow<u64>) -> String {
        self.language.share(*part.borrow(), *whole.borrow())
    }

    /// How long something took.
    pub(crate) fn span(&self, span: impl Borrow<Duration>) -> String {
        self.language.span(*span.borrow())
    }

    /// A time in the reader's form.
    pub(crate) fn time(&self, at: impl Borrow<Timestamp>) -> Written {
        self.language.time(*at.borrow())
    }

    /// A time that is written already.
    pub(crate) fn time_of(&self, at: &str) -> Written {
        self.language.time_of(at)
    }

    /// Whether the reader may do that.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.account.as_ref().is_some_and(|account| account.role.may(permission))
    }

    /// Where the reader can go.
    pub(crate) fn ways(&self) -> Vec<Ways> {
        let groups = SCREENS.iter().map(|(group, screens)| {
            let seen = screens.iter().filter(|(_, _, permission)| self.may(*permission));
            let ways = seen.map(|(screen, path, _)| Way { screen, path, here: *screen == self.screen });
            let mut ways: Vec<Way> = ways.collect();
            let (of, screen, path) = FOR_ALL;
            if *group == of && self.account.is_some() {
                ways.push(Way { screen, path, here: screen == self.screen });
            }
            Ways { group, ways }
        });
        groups.filter(|group| !group.ways.is_empty()).collect()
    }

    /// What the navigation calls the screen that the reader is on; the console's name where it is none of those.
    pub(crate) fn here(&self) -> String {
        let known = SCREENS.iter().flat_map(|(_, screens)| *screens).map(|(screen, ..)| *screen).chain([FOR_ALL.1]);
        match known.into_iter().find(|screen| *screen == self.screen) {
            Some(screen) => self.tt("nav", screen),
            None => "Gwanmun".to_owned(),
        }
    }

    /// Jurisdictions as entries and counters hold them (`KR + ?`), told: what stands for others is said in words.
    pub(crate) fn codes(&self, codes: impl AsRef<str>) -> String {
        let codes: Vec<_> = codes.as_ref().split(" + ").filter(|code| !code.is_empty()).collect();
        let unknown = self.t(if codes.len() > 1 { "others-not-known" } else { "not-known" });
        if codes.is_empty() {
            return unknown;
        }
        let told: Vec<_> = codes.into_iter().map(|code| if code == "?" { &unknown } else { code }).collect();
        told.join(" + ")
    }

    /// Money as an entry holds it, in the reader's form.
    pub(crate) fn money(&self, written: &str) -> String {
        self.language.money(written)
    }

    /// The languages of the switch.
    #[expect(clippy::unused_self, reason = "templates ask the page")]
    pub(crate) fn languages(&self) -> [Language; 5] {
        Language::ALL
    }

    /// The address of a file that pages use.
    #[expect(clippy::unused_self, reason = "templates ask the page")]
    pub(crate) fn asset(&self, name: &str) -> String {
        assets::address(name)
    }
}

/// A page, rendered.
pub(crate) fn render(template: &impl Template) -> Result<Response, Refused> {
    template.render().map(answer::html).map_err(|error| Refused::ours(format!("a page could not be made: {error}")))
}

#[cfg(test)]
mod tests;
