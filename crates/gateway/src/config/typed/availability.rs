//! What was typed of withdrawals: what is done about them, and what is announced.

use super::{At, Finder, Section};

/// `[availability]`
#[derive(Debug, Default)]
pub(in crate::config) struct Availability {
    pub(in crate::config) quality: Option<At<String>>,
    pub(in crate::config) automatic_return: Option<At<Vec<At<String>>>>,
    pub(in crate::config) webhook: Option<At<String>>,
    pub(in crate::config) webhook_key: Option<At<String>>,
}

/// `[[notice]]`
#[derive(Debug)]
pub(in crate::config) struct Notice {
    /// Where it begins.
    pub(in crate::config) at: usize,
    /// The keys that it must have and has not.
    pub(in crate::config) missing: Vec<&'static str>,
    pub(in crate::config) subject: Option<At<String>>,
    pub(in crate::config) from: Option<At<String>>,
    pub(in crate::config) why: Option<At<String>>,
}

pub(super) fn availability(file: &mut Section<'_>, mistakes: &mut Finder<'_>) -> Availability {
    let Some(mut section) = file.section("availability", mistakes) else { return Availability::default() };
    let availability = Availability {
        quality: section.string("quality", mistakes),
        automatic_return: section.strings("automatic_return", mistakes),
        webhook: section.string("webhook", mistakes),
        webhook_key: section.string("webhook_key", mistakes),
    };
    section.finish(mistakes);
    availability
}

pub(super) fn notices(file: &mut Section<'_>, mistakes: &mut Finder<'_>) -> Vec<Notice> {
    file.tables("notice", mistakes, |mut section, mistakes| {
        let notice = Notice {
            at: section.at,
            missing: section.missing(&["subject", "from", "why"]),
            subject: section.string("subject", mistakes),
            from: section.string("from", mistakes),
            why: section.string("why", mistakes),
        };
        section.finish(mistakes);
        notice
    })
}
