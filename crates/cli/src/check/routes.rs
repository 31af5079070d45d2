//! Where a plain request of each class may go, by each model's route: of anybody, for vectors, and of each registered team. What
//! holds for anybody is told once; the others only where they differ.

use std::{collections::BTreeMap, sync::Arc};

use anstyle::Style;
use gateway::{
    config::Registered,
    judge::{Chain, Judgement, Link},
};
use policy::{Action, Class, Outcome};
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;
use wire::needs::Need;

use crate::{
    failure::Failure,
    paragraph,
    policy::told,
    terminal::{BAD, STRONG, Terminal},
};

/// Where a plain request may go.
#[derive(Serialize)]
pub(super) struct Route {
    model: String,
    class: &'static str,
    /// `embed` stands only where it differs from `infer`.
    action: &'static str,
    /// None: of a caller that no rule names. A team stands only where it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<String>,
    destinations: Vec<Reached>,
}

#[derive(Serialize)]
struct Reached {
    destination: String,
    asked: Vec<String>,
    #[serde(skip)]
    makes_vectors: bool,
}

/// Whose request of what it is.
struct Asked<'a> {
    chain: &'a Chain,
    class: Class,
    team: Option<(&'a Arc<str>, &'a Registered)>,
    action: Action,
}

/// Where answers may be made, and where vectors.
struct Both {
    answers: Route,
    vectors: Route,
}

/// Of every model; `teams` are those of the configuration.
pub(super) fn all(judgement: &Judgement, teams: &BTreeMap<Arc<str>, Registered>) -> Vec<Route> {
    let mut routes = Vec::new();
    for chain in judgement.chains() {
        let least = chain.registered.class;
        let both = |class, team| Both::of(judgement, chain, class, team);
        let anybody: Vec<(Class, Both)> = from(least).map(|class| (class, both(class, None))).collect();
        let mut differing = Vec::new();
        for team in teams {
            let least = least.max(team.1.class);
            for (class, anybody) in anybody.iter().filter(|(class, _)| least.is_none_or(|least| *class >= least)) {
                differing.extend(both(*class, Some(team)).told_beside(anybody));
            }
        }
        routes.extend(anybody.into_iter().flat_map(|(_, both)| both.told()));
        routes.extend(differing);
    }
    routes
}

/// The classes from the lowest that a request can have.
fn from(least: Option<Class>) -> impl Iterator<Item = Class> {
    Class::ALL.into_iter().filter(move |class| least.is_none_or(|least| *class >= least))
}

impl Both {
    fn of<'a>(
        judgement: &Judgement,
        chain: &'a Chain,
        class: Class,
        team: Option<(&'a Arc<str>, &'a Registered)>,
    ) -> Self {
        let route = |action| Asked { chain, class, team, action }.route(judgement);
        Self { answers: route(Action::Infer), vectors: route(Action::Embed) }
    }

    /// Vectors only where they may not be made where answers may, the floor aside, which makes none.
    fn told(self) -> Vec<Route> {
        let answers = self.answers.destinations.iter().filter(|reached| reached.makes_vectors);
        let same = answers.map(|reached| &reached.destination).eq(self.vectors.places());
        if same { vec![self.answers] } else { vec![self.answers, self.vectors] }
    }

    /// What is otherwise than for anybody.
    fn told_beside(self, anybody: &Self) -> Vec<Route> {
        if self.answers.shown() != anybody.answers.shown() {
            self.told()
        } else if !self.vectors.places().eq(anybody.vectors.places()) {
            vec![self.vectors]
        } else {
            Vec::new()
        }
    }
}

impl Asked<'_> {
    fn route(&self, judgement: &Judgement) -> Route {
        let team = self.team.map(|(name, _)| name);
        let verdict = judgement.plain(self.chain, team, self.class, self.action);
        let links = self.chain.links.iter().filter(|link| self.action != Action::Embed || makes_vectors(link));
        let reached = links.filter_map(|link| {
            let terms = verdict.of(link.judged).and_then(Outcome::terms)?;
            let (destination, asked) = (link.label.to_string(), told::asked(terms));
            Some(Reached { destination, asked, makes_vectors: makes_vectors(link) })
        });
        Route {
            model: self.chain.model.to_string(),
            class: self.class.word(),
            action: self.action.word(),
            team: self.team.map(|(name, _)| name.to_string()),
            destinations: reached.collect(),
        }
    }
}

fn makes_vectors(link: &Link) -> bool {
    link.serves(Need::Embeddings)
}

impl Route {
    fn places(&self) -> impl Iterator<Item = &String> {
        self.destinations.iter().map(|reached| &reached.destination)
    }

    fn shown(&self) -> Vec<String> {
        self.destinations.iter().map(Reached::shown).collect()
    }

    /// Whose it is and what for, where it is not anybody's answer.
    fn of(&self) -> String {
        let team = self.team.iter().map(|team| format!("team {team}"));
        let vectors = (self.action == Action::Embed.word()).then(|| "vectors".to_owned());
        let of: Vec<String> = team.chain(vectors).collect();
        if of.is_empty() { String::new() } else { format!("{}: ", of.join(", ")) }
    }
}

impl Reached {
    /// With what is demanded of it; labels concern only the answer.
    fn shown(&self) -> String {
        let demanded: Vec<&str> =
            self.asked.iter().map(String::as_str).filter(|it| !it.starts_with("label ")).collect();
        if demanded.is_empty() {
            return self.destination.clone();
        }
        format!("{} ({})", self.destination, demanded.join("; "))
    }
}

pub(super) fn write(routes: &[Route], terminal: &mut Terminal) -> Result<(), Failure> {
    if routes.is_empty() {
        return Ok(());
    }
    let what = "where a request may go in which nothing is found, of a caller that no rule names unless it says so";
    writeln!(terminal.out(), "\n{STRONG}{what}{STRONG:#}")?;
    let width = routes.iter().map(|route| route.model.width()).max().unwrap_or(0);
    let mut before = "";
    for route in routes {
        let model = if route.model == before { "" } else { &route.model };
        before = &route.model;
        let (style, reached) = match route.shown() {
            shown if shown.is_empty() => (BAD, "nowhere".to_owned()),
            shown => (Style::new(), shown.join(", ")),
        };
        let reached = paragraph::hanging(&format!("{}{reached}", route.of()), width + 16);
        let gap = width - model.width();
        writeln!(terminal.out(), "  {model}{:gap$}  {:<10}  {style}{reached}{style:#}", "", route.class)?;
    }
    Ok(())
}
