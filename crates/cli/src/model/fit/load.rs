//! `--load`: how many accelerators of which kind carry so many streams. The arithmetic is the crate `catalog`'s.

use ::catalog::{
    Accelerator, Catalog,
    fit::load::{Bound, Card, Load, Missing, Plan, Planned, plan},
};
use anstyle::Style;
use clap::{Args, value_parser};
use serde::Serialize;

use super::{
    candidate::{Candidate, Form, From},
    judged::rounded,
    shown::{speed, write_faint},
};
use crate::{
    failure::{Answer, Failure},
    table::{self, Cell},
    terminal::{BAD, FAINT, GOOD, STRONG, Terminal},
};

/// What servers take where nothing else is said: nothing of a model is lost with it.
const USUAL_QUANTISATION: &str = "bf16";

/// `--load` and what belongs to it
#[derive(Args)]
pub(super) struct Asked {
    /// Say how many accelerators carry so many streams that write at once
    #[arg(long, value_name = "STREAMS", requires = "model", value_parser = value_parser!(u64).range(1..=1_000_000_000))]
    load: Option<u64>,
    // Faster than people read aloud, and slower than anybody waits for.
    /// What each stream must get
    #[arg(long, value_name = "N", requires = "load", default_value_t = 20, value_parser = value_parser!(u64).range(1..=100_000))]
    tokens_per_second: u64,
    /// How the weights are stored: `bf16`, `fp8`, `q4-k-m`, … [default: bf16, or as the file has them]
    #[arg(long, value_name = "ID", requires = "load")]
    quantisation: Option<String>,
    /// Only this accelerator of the catalogue; may be said again [default: all]
    #[arg(long, value_name = "ID", requires = "load")]
    accelerator: Vec<String>,
}

/// The answer, for programs.
#[derive(Serialize)]
struct Answered<'a> {
    model: &'a str,
    quantisation: &'a str,
    weight_bytes: u64,
    cache_bytes_a_stream: u64,
    cache_is_estimated: bool,
    /// Parts into which it can be cut; none where that is not known, and then copies are not counted.
    cache_shards: Option<u64>,
    streams: u64,
    tokens_per_second: u64,
    context_tokens: u64,
    accelerators: Vec<Row>,
}

/// One kind of accelerator.
#[derive(Serialize)]
struct Row {
    accelerator: String,
    name: String,
    maker_in: Option<String>,
    reached_percent: Option<u64>,
    /// Without them only its memory is heeded; none where nothing is planned with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    operations_known: Option<bool>,
    #[serde(flatten)]
    found: Found,
}

#[derive(Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
enum Found {
    Carries {
        cards: u64,
        cards_a_copy: u64,
        copies: u64,
        tokens_per_second: f64,
        bound: &'static str,
        power_watts: Option<u64>,
    },
    TooSlow {
        tokens_per_second: f64,
    },
    TooLarge,
    Unknown {
        missing: Vec<Missing>,
    },
}

impl Asked {
    /// Streams, where they were asked for.
    pub(super) fn streams(&self) -> Option<u64> {
        self.load
    }

    pub(super) fn answer(
        &self,
        candidate: &Candidate,
        (streams, context_tokens): (u64, u64),
        catalog: &Catalog,
        json: bool,
        terminal: &mut Terminal,
    ) -> Result<Answer, Failure> {
        let form = self.form(candidate)?;
        let context_tokens = context_tokens.min(candidate.context_tokens_max.unwrap_or(u64::MAX));
        let load = Load { streams, tokens_per_second: self.tokens_per_second, context_tokens };
        let chosen = self.chosen(catalog)?;
        let mut rows: Vec<Row> =
            chosen.into_iter().map(|(id, accelerator)| row(id, accelerator, candidate, form, load)).collect();
        // The fewest cards first; what does not carry it, last.
        rows.sort_by_key(|row| row.found.rank());
        let carries = rows.iter().any(|row| matches!(row.found, Found::Carries { .. }));
        let answered = Answered {
            model: &candidate.name,
            quantisation: &form.id,
            weight_bytes: form.sizes.weight_bytes,
            cache_bytes_a_stream: form.sizes.cache_bytes_a_token.saturating_mul(context_tokens),
            cache_is_estimated: candidate.cache_is_estimated,
            cache_shards: form.sizes.cache_shards,
            streams,
            tokens_per_second: self.tokens_per_second,
            context_tokens,
            accelerators: rows,
        };
        if json {
            terminal.json(&answered)?;
        } else {
            write(&answered, &form.name, terminal)?;
        }
        Ok(if carries { Answer::Yes } else { Answer::No })
    }

    fn form<'a>(&self, candidate: &'a Candidate) -> Result<&'a Form, Failure> {
        if self.quantisation.is_some() && candidate.from != From::Catalogue {
            return Err(Failure::usage(
                "a file's weights are stored as they are: `--quantisation` is for the catalogue's models",
            ));
        }
        let own = candidate.forms.iter().find(|form| form.is_its_own);
        let usual = own.map_or(USUAL_QUANTISATION, |form| &form.id);
        let wanted = self.quantisation.as_deref().unwrap_or(usual);
        let found = candidate.forms.iter().find(|form| form.id == wanted || candidate.from != From::Catalogue);
        found.ok_or_else(|| {
            let all: Vec<&str> = candidate.forms.iter().map(|form| form.id.as_str()).collect();
            Failure::usage(format!("the catalogue has no quantisation `{wanted}` of `{}`", candidate.name))
                .hint(format!("it has: {}", all.join(", ")))
        })
    }

    fn chosen<'a>(&self, catalog: &'a Catalog) -> Result<Vec<(&'a str, &'a Accelerator)>, Failure> {
        if self.accelerator.is_empty() {
            return Ok(catalog.accelerators().collect());
        }
        let find = |wanted: &String| {
            catalog.accelerators().find(|(id, _)| id == wanted).ok_or_else(|| {
                Failure::usage(format!("the catalogue has no accelerator `{wanted}`"))
                    .hint("`gwanmun catalog list --kind accelerator` shows them; add yours in a folder of your own")
            })
        };
        self.accelerator.iter().map(find).collect()
    }
}

impl Found {
    fn rank(&self) -> (u8, u64) {
        match self {
            Self::Carries { cards, .. } => (0, *cards),
            Self::TooSlow { .. } => (1, 0),
            Self::TooLarge => (2, 0),
            Self::Unknown { .. } => (3, 0),
        }
    }
}

fn row(id: &str, accelerator: &Accelerator, candidate: &Candidate, form: &Form, load: Load) -> Row {
    let card = Card::of(accelerator, form.precision);
    let operations_known = card.as_ref().ok().map(|card| card.operations.is_some());
    let found = match card {
        Err(missing) => Found::Unknown { missing },
        Ok(card) => match plan(&form.sizes, candidate.active, load, card) {
            Planned::Cards(plan) => carries(&plan, accelerator),
            Planned::TooSlow(tokens_per_second) => Found::TooSlow { tokens_per_second: rounded(tokens_per_second) },
            Planned::TooLarge => Found::TooLarge,
        },
    };
    Row {
        accelerator: id.to_owned(),
        name: accelerator.name.clone(),
        maker_in: accelerator.maker_in.known().map(ToString::to_string),
        reached_percent: accelerator.reached_percent.known().copied(),
        operations_known,
        found,
    }
}

fn carries(plan: &Plan, accelerator: &Accelerator) -> Found {
    Found::Carries {
        cards: plan.cards(),
        cards_a_copy: plan.cards_a_copy,
        copies: plan.copies,
        tokens_per_second: rounded(plan.tokens_per_second),
        bound: match plan.bound {
            Bound::Memory => "memory",
            Bound::Bandwidth => "bandwidth",
            Bound::Compute => "compute",
        },
        power_watts: accelerator.power_watts.known().map(|watts| watts.saturating_mul(plan.cards())),
    }
}

fn write(answered: &Answered<'_>, form: &str, terminal: &mut Terminal) -> Result<(), Failure> {
    writeln!(
        terminal.out(),
        "{STRONG}{} in {form}{STRONG:#}: {} of weights, {}{} of keys and values a stream",
        answered.model,
        table::bytes(answered.weight_bytes),
        if answered.cache_is_estimated { "about " } else { "" },
        table::bytes(answered.cache_bytes_a_stream),
    )?;
    writeln!(
        terminal.out(),
        "{} streams at once, {} tokens/s each at least, {} tokens of context each\n",
        answered.streams,
        answered.tokens_per_second,
        answered.context_tokens
    )?;
    let rows: Vec<[Cell; 7]> = answered.accelerators.iter().map(cells).collect();
    let headings = ["accelerator", "from", "cards", "as", "each stream", "bound by", "power"];
    table::write_styled(terminal.out(), headings, &rows)?;
    let mut shares: Vec<u64> = answered.accelerators.iter().filter_map(|row| row.reached_percent).collect();
    shares.sort_unstable();
    shares.dedup();
    let shares: Vec<String> = shares.iter().map(u64::to_string).collect();
    writeln!(terminal.out())?;
    let mut told = format!(
        "An estimate to plan with, not a promise: memory's size, then memory's speed and operations (the roofline), of which {} % \
         are taken to be reached: an assumption of the catalogue; lay your own `reached_percent` over it once you have measured. \
         Writing only: long prompts need more. A copy of the model is spread over its cards; at most eight compute one layer together.",
        shares.join(" or ")
    );
    if answered.cache_shards.is_none() {
        told += " Where those are more than its heads of keys, some hold copies of the cache: not counted, because its heads are not known.";
    }
    if answered.accelerators.iter().any(|row| row.operations_known == Some(false)) {
        told += " *: its operations are not known, and only its memory is heeded.";
    }
    write_faint(&told, terminal)
}

fn cells(row: &Row) -> [Cell; 7] {
    let plain = |text: String| (text, Style::new());
    let mark = if row.operations_known == Some(false) { " *" } else { "" };
    let (name, from) =
        (plain(format!("{}{mark}", row.name)), plain(row.maker_in.clone().unwrap_or_else(|| "?".to_owned())));
    let without = |text: String, style| [name.clone(), from.clone(), ("-".to_owned(), FAINT), (text, style)];
    let [name, from, cards, how] = match &row.found {
        Found::Carries { cards, cards_a_copy, copies, .. } => {
            let copies = if *copies == 1 { "1 copy".to_owned() } else { format!("{copies} copies") };
            let each = if *cards_a_copy == 1 { "1 card".to_owned() } else { format!("{cards_a_copy} cards") };
            [name.clone(), from.clone(), (cards.to_string(), GOOD), plain(format!("{copies} on {each}"))]
        }
        Found::TooSlow { tokens_per_second } => {
            without(format!("too slow: about {} tokens/s", speed(*tokens_per_second)), BAD)
        }
        Found::TooLarge => without("too large for any number of them".to_owned(), BAD),
        Found::Unknown { missing } => without(format!("not known: {}", missing.join(", ")), FAINT),
    };
    let [stream, bound, power] = match &row.found {
        Found::Carries { tokens_per_second, bound, power_watts, .. } => [
            format!("{} tokens/s", speed(*tokens_per_second)),
            (*bound).to_owned(),
            power_watts.map_or_else(|| "?".to_owned(), watts),
        ],
        Found::TooSlow { .. } | Found::TooLarge | Found::Unknown { .. } => [const { String::new() }; 3],
    };
    [name, from, cards, how, plain(stream), plain(bound), plain(power)]
}

fn watts(watts: u64) -> String {
    if watts < 1000 { format!("{watts} W") } else { format!("{}.{} kW", watts / 1000, watts % 1000 / 100) }
}
