//! What the map shows: for each country how many places are processed there and controlled from there, and how many of them are
//! withdrawn. It must not know how it is drawn.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use gateway::judge::Judgement;
use gateway::withdrawal::{Subject, subject::withdrawn_by};

use crate::assets;
use crate::screens::subjects::{named_place, places};

/// A country with places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Country {
    /// ISO 3166, as the map has it.
    pub(super) code: String,
    pub(super) name: String,
    pub(super) processed: u64,
    pub(super) controlled: u64,
    /// Of the places that touch it.
    pub(super) withdrawn: u64,
    /// All that touch it on either axis.
    pub(super) places: u64,
}

/// The countries of the map, by their codes.
static SHAPES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let text = assets::text("world.svg");
    text.split(" id=\"").skip(1).filter_map(|rest| rest.split_once('"').map(|(id, _)| id)).collect()
});

impl Country {
    /// How it is coloured.
    pub(super) fn look(&self) -> &'static str {
        match (self.withdrawn == self.places, self.processed > 0, self.controlled > 0) {
            (true, ..) => "gone",
            (false, true, true) => "both",
            (false, true, false) => "processed",
            (false, false, _) => "controlled",
        }
    }
}

/// Those with places, by code. The floor's country counts as one.
pub(super) fn countries(judgement: &Judgement, withdrawn: &[Subject]) -> Vec<Country> {
    let mut countries: BTreeMap<Arc<str>, Country> = BTreeMap::new();
    for place in places(judgement) {
        let gone = withdrawn_by(withdrawn, place, judgement.catalog());
        let (processed, controlled) = (&place.processed_in.known, &place.controlled_by.known);
        for code in processed.union(controlled) {
            let country = countries.entry(Arc::clone(code)).or_insert_with(|| Country {
                code: code.to_string(),
                name: named_place(judgement, code),
                ..Country::default()
            });
            country.processed += u64::from(processed.contains(code));
            country.controlled += u64::from(controlled.contains(code));
            country.withdrawn += u64::from(gone);
            country.places += 1;
        }
    }
    countries.into_values().collect()
}

/// Every shape of the map and how it is coloured; what has no place is bare land.
pub(super) fn shapes(countries: &[Country]) -> Vec<(&'static str, &'static str)> {
    let look = |code: &str| countries.iter().find(|it| it.code == code).map_or("land", Country::look);
    SHAPES.iter().map(|code| (*code, look(code))).collect()
}

/// Places of which an axis is not known in whole.
pub(super) fn unknown(judgement: &Judgement) -> Vec<String> {
    let unknown =
        places(judgement).filter(|place| place.processed_in.within.is_empty() || place.controlled_by.within.is_empty());
    unknown.map(|place| place.id.to_string()).collect()
}
