//! What was typed of routes, teams and the operator's own words and patterns. Knows no policy.

use super::{At, Finder, Section};

/// `[[route]]`
#[derive(Debug)]
pub(in crate::config) struct Route {
    /// Where it begins.
    pub(in crate::config) at: usize,
    /// The keys that it must have and has not.
    pub(in crate::config) missing: Vec<&'static str>,
    pub(in crate::config) model: Option<At<String>>,
    pub(in crate::config) destinations: Option<At<Vec<At<String>>>>,
    pub(in crate::config) nfc: Option<bool>,
    pub(in crate::config) manner: Manner,
    pub(in crate::config) registered: Registered,
}

/// How a route uses its destinations.
#[derive(Debug, Default)]
pub(in crate::config) struct Manner {
    pub(in crate::config) strategy: Option<At<String>>,
    pub(in crate::config) weights: Option<At<Vec<At<i64>>>>,
    pub(in crate::config) hedge_after_ms: Option<At<i64>>,
    pub(in crate::config) continuity: Option<At<String>>,
    pub(in crate::config) resume_seconds: Option<At<i64>>,
}

/// `[[team]]`
#[derive(Debug)]
pub(in crate::config) struct Team {
    /// Where it begins.
    pub(in crate::config) at: usize,
    pub(in crate::config) missing: Vec<&'static str>,
    pub(in crate::config) name: Option<At<String>>,
    pub(in crate::config) registered: Registered,
}

/// What a route or a team is registered with.
#[derive(Debug, Default)]
pub(in crate::config) struct Registered {
    pub(in crate::config) class: Option<At<String>>,
    pub(in crate::config) purpose: Option<At<String>>,
    pub(in crate::config) use_area: Option<At<String>>,
    pub(in crate::config) high_impact: Option<bool>,
}

/// `[[dictionary]]`
#[derive(Debug)]
pub(in crate::config) struct Dictionary {
    pub(in crate::config) at: usize,
    pub(in crate::config) missing: Vec<&'static str>,
    pub(in crate::config) name: Option<At<String>>,
    pub(in crate::config) words: Option<At<Vec<At<String>>>>,
}

/// `[[pattern]]`
#[derive(Debug)]
pub(in crate::config) struct Pattern {
    pub(in crate::config) at: usize,
    pub(in crate::config) missing: Vec<&'static str>,
    pub(in crate::config) name: Option<At<String>>,
    pub(in crate::config) regex: Option<At<String>>,
}

pub(super) fn routes(file: &mut Section<'_>, mistakes: &mut Finder<'_>) -> Vec<Route> {
    file.tables("route", mistakes, |mut section, mistakes| {
        let route = Route {
            at: section.at,
            missing: section.missing(&["model", "destinations"]),
            model: section.string("model", mistakes),
            destinations: section.strings("destinations", mistakes),
            nfc: section.boolean("nfc", mistakes),
            manner: manner(&mut section, mistakes),
            registered: registered(&mut section, mistakes),
        };
        section.finish(mistakes);
        route
    })
}

pub(super) fn teams(file: &mut Section<'_>, mistakes: &mut Finder<'_>) -> Vec<Team> {
    file.tables("team", mistakes, |mut section, mistakes| {
        let team = Team {
            at: section.at,
            missing: section.missing(&["name"]),
            name: section.string("name", mistakes),
            registered: registered(&mut section, mistakes),
        };
        section.finish(mistakes);
        team
    })
}

pub(super) fn dictionaries(file: &mut Section<'_>, mistakes: &mut Finder<'_>) -> Vec<Dictionary> {
    file.tables("dictionary", mistakes, |mut section, mistakes| {
        let dictionary = Dictionary {
            at: section.at,
            missing: section.missing(&["name", "words"]),
            name: section.string("name", mistakes),
            words: section.strings("words", mistakes),
        };
        section.finish(mistakes);
        dictionary
    })
}

pub(super) fn patterns(file: &mut Section<'_>, mistakes: &mut Finder<'_>) -> Vec<Pattern> {
    file.tables("pattern", mistakes, |mut section, mistakes| {
        let pattern = Pattern {
            at: section.at,
            missing: section.missing(&["name", "regex"]),
            name: section.string("name", mistakes),
            regex: section.string("regex", mistakes),
        };
        section.finish(mistakes);
        pattern
    })
}

fn manner(section: &mut Section<'_>, mistakes: &mut Finder<'_>) -> Manner {
    Manner {
        strategy: section.string("strategy", mistakes),
        weights: section.wholes("weights", mistakes),
        hedge_after_ms: section.whole("hedge_after_ms", mistakes),
        continuity: section.string("continuity", mistakes),
        resume_seconds: section.whole("resume_seconds", mistakes),
    }
}

fn registered(section: &mut Section<'_>, mistakes: &mut Finder<'_>) -> Registered {
    Registered {
        class: section.string("class", mistakes),
        purpose: section.string("purpose", mistakes),
        use_area: section.string("use_area", mistakes),
        high_impact: section.boolean("high_impact", mistakes),
    }
}
