//! The strategies of a route, as orders of places. Pure: chance comes from the request's name, so that an order can be told again.

use ::inspect::language::Language;
use catalog::{Catalog, Price};
use sha2::{Digest as _, Sha256};

use crate::{
    availability::Figures,
    config::{Manner, Strategy},
    judge::Link,
};

/// One request in so many goes to the places in another order, so that one which was slow once is asked again.
const EXPLORED_ONE_IN: u64 = 32;
/// Where a provider has not counted yet: English, four bytes a token.
const TOKENS_PER_BYTE: f64 = 0.25;
/// What an answer is taken to have when prices are compared: a long paragraph.
const ANSWER_BYTES: f64 = 1_000.0;

/// What an order is made by.
pub(super) struct Order<'a> {
    /// The route's.
    pub(super) manner: &'a Manner,
    /// What is known of tokenizers.
    pub(super) catalog: &'a Catalog,
    /// The request's name: what is left to chance follows from it.
    pub(super) name: &'a str,
    /// What requests of one conversation have in common.
    pub(super) beginning: [u8; 32],
    /// What is spoken.
    pub(super) language: Language,
    /// Of the request.
    pub(super) prompt_bytes: u64,
}

impl Order<'_> {
    /// Orders `standing`, indices into `links`. The floor stays where it stands: what comes before it and what comes after are
    /// ordered apart.
    pub(super) fn put(&self, standing: &mut [usize], links: &[&Link], figures: &dyn Fn(&Link) -> Figures) {
        let is_local = |index: &usize| links.get(*index).is_none_or(|link| link.local);
        for run in standing.split_mut(is_local) {
            let key =
                |index: &usize| links.get(*index).map_or(f64::INFINITY, |link| self.rank(link, &figures(link), links));
            if run.len() > 1 && self.manner.strategy != Strategy::Order {
                run.sort_by_cached_key(|index| Rank(key(index)));
            }
        }
    }

    /// The place with the least comes first; equals stay as the route names them.
    fn rank(&self, link: &Link, figures: &Figures, links: &[&Link]) -> f64 {
        match self.manner.strategy {
            Strategy::Order => 0.0,
            // Efraimidis and Spirakis, "Weighted random sampling with a reservoir" (2006): the least of -ln(u)/w is drawn with
            // probability in proportion to w, and so is the next of those that are left.
            Strategy::Weighted => -chance(self.name.as_bytes(), link).ln() / f64::from(link.weight),
            Strategy::Cheapest => self.cost(link, figures, links),
            Strategy::Fastest if self.explores() => chance(self.name.as_bytes(), link),
            Strategy::Fastest => figures.first_byte.map_or(0.0, |after| after.as_secs_f64()),
            Strategy::LeastLoaded => f64::from(figures.in_flight),
            Strategy::Sticky => chance(&self.beginning, link),
        }
    }

    /// What the request and an answer of common length cost there, in the currency of the first place that has a price. A machine of
    /// one's own costs nothing a token; where no price in that currency is known, it comes last.
    fn cost(&self, link: &Link, figures: &Figures, links: &[&Link]) -> f64 {
        if link.own {
            return 0.0;
        }
        let currency = links.iter().find_map(|link| link.price.as_ref()).map(|price| &price.currency);
        let Some(Price { currency: own, input_micros, output_micros }) = link.price.as_deref() else {
            return f64::INFINITY;
        };
        if Some(own) != currency {
            return f64::INFINITY;
        }
        let tokens_per_byte = figures.tokens_per_byte(self.language).unwrap_or_else(|| self.tokens_per_byte(link));
        #[expect(clippy::cast_precision_loss, reason = "prices and sizes far below 2^52")]
        let (asked, input, output) = (self.prompt_bytes as f64, *input_micros as f64, *output_micros as f64);
        tokens_per_byte * (asked * input + ANSWER_BYTES * output)
    }

    /// What the catalogue has measured of the model's tokenizer, against the mean of all in the same language.
    fn tokens_per_byte(&self, link: &Link) -> f64 {
        let tag = self.language.tag();
        let tokens = |id: &str| self.catalog.tokenizer(id)?.ntrex_tokens.known()?.0.get(tag).copied();
        let of_link = || {
            let card = self.catalog.model(link.card.as_deref()?)?;
            tokens(card.tokenizer.known()?)
        };
        let all: Vec<u64> = self.catalog.models().filter_map(|(_, model)| tokens(model.tokenizer.known()?)).collect();
        let (Some(own), Some(count)) = (of_link(), u32::try_from(all.len()).ok().filter(|count| *count > 0)) else {
            return TOKENS_PER_BYTE;
        };
        #[expect(clippy::cast_precision_loss, reason = "counts of tokens far below 2^52")]
        let (own, mean) = (own as f64, all.iter().sum::<u64>() as f64 / f64::from(count));
        TOKENS_PER_BYTE * own / mean
    }

    /// Whether this request finds out how the others are.
    fn explores(&self) -> bool {
        drawn(self.name.as_bytes(), b"explore").is_multiple_of(EXPLORED_ONE_IN)
    }
}

/// A number above 0 and up to 1 that `seed` gives that place: always the same, and as good as by chance.
fn chance(seed: &[u8], link: &Link) -> f64 {
    // 53 bits fill the fraction of a double.
    #[expect(clippy::cast_precision_loss, reason = "53 bits")]
    let drawn = (drawn(seed, link.label.as_bytes()) >> 11) as f64;
    (drawn + 1.0) / (2.0_f64.powi(53))
}

fn drawn(seed: &[u8], label: &[u8]) -> u64 {
    let hash = Sha256::new().chain_update(seed).chain_update([0]).chain_update(label).finalize();
    hash.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// A number that can be sorted by.
#[derive(PartialEq)]
struct Rank(f64);

impl Eq for Rank {}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests;
