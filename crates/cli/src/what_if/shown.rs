//! A what-if on the terminal: one sentence, a table of who gets what, where everything lies, what moves, what cannot be told.

use anstyle::Style;
use gateway::what_if::{Fate, Load, Row, WhatIf, amount};

use crate::{
    failure::Failure,
    paragraph,
    table::{self, Cell},
    terminal::{BAD, FAINT, GOOD, STRONG, Terminal},
};

pub(super) fn write(found: &WhatIf, terminal: &mut Terminal) -> Result<(), Failure> {
    let style = if found.pairs.dark + found.pairs.dark_in_part > 0 { BAD } else { GOOD };
    writeln!(terminal.out(), "{style}{}{style:#}\n", paragraph::hanging(&found.summary, 0))?;
    table(found, terminal)?;
    losses(found, terminal)?;
    places(found, terminal)?;
    moves(found, terminal)?;
    writeln!(terminal.out(), "\n{STRONG}what this cannot tell{STRONG:#}")?;
    for line in &found.unknown {
        writeln!(terminal.out(), "  {FAINT}{}{FAINT:#}", paragraph::hanging(line, 4))?;
    }
    Ok(())
}

fn table(found: &WhatIf, terminal: &mut Terminal) -> Result<(), Failure> {
    let headings = ["team", "model", "class of data", "today", "instead", "requests"];
    // What gets no answer today, and was not asked, is beside the point.
    let told =
        found.rows.iter().filter(|row| row.fate != Fate::AlreadyRefused || row.requests.is_some_and(|it| it > 0));
    let mut told: Vec<&Row> = told.collect();
    // What goes dark comes first.
    told.sort_by_key(|row| std::cmp::Reverse((row.fate, row.at_worst)));
    let rows: Vec<[Cell; 6]> = told.into_iter().map(row).collect();
    Ok(table::write_styled(terminal.out(), headings, &rows)?)
}

fn row(row: &Row) -> [Cell; 6] {
    let plain = |text: String| (text, Style::new());
    let stand = |stand: &Option<gateway::what_if::Stand>| {
        stand.as_ref().map_or_else(|| "-".to_owned(), |stand| format!("{} {}", stand.label, stand.axes()))
    };
    let (text, style) = match row.fate {
        Fate::AlreadyRefused => ("refused today".to_owned(), FAINT),
        Fate::Unchanged => ("unchanged".to_owned(), FAINT),
        Fate::Dark => ("dark".to_owned(), BAD),
        Fate::Moves => (stand(&row.instead), GOOD),
        Fate::Floor => (format!("{}, degraded", stand(&row.instead)), GOOD),
    };
    let instead = match row.at_worst {
        Some(worst) => (format!("{text}; perhaps {}", worst.word()), if worst == Fate::Dark { BAD } else { style }),
        None => (text, style),
    };
    [
        plain(row.team.clone().unwrap_or_else(|| "anybody".to_owned())),
        plain(row.model.clone()),
        plain(row.classes.join(", ")),
        plain(stand(&row.today)),
        instead,
        plain(row.requests.map_or_else(|| "?".to_owned(), |requests| requests.to_string())),
    ]
}

/// What each model loses: the same for all teams that have the same places.
fn losses(found: &WhatIf, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut told: Vec<(String, String)> = Vec::new();
    for row in found.rows.iter().filter(|row| matches!(row.fate, Fate::Moves | Fate::Floor)) {
        let (Some(today), Some(instead)) = (&row.today, &row.instead) else { continue };
        let mut lost: Vec<String> =
            row.lost.iter().filter(|lost| lost.what != "unknown").map(|it| it.told.clone()).collect();
        let unknown: Vec<&str> =
            row.lost.iter().filter(|lost| lost.what == "unknown").map(|it| it.told.as_str()).collect();
        if !unknown.is_empty() {
            lost.push(format!("not known: {}", unknown.join(", ")));
        }
        if !row.other_jurisdictions.is_empty() {
            let codes = row.other_jurisdictions.join(", ");
            lost.push(format!("other jurisdictions, which the policy permits for {}: {codes}", row.classes.join(", ")));
        }
        let what = if lost.is_empty() { "nothing that is known".to_owned() } else { lost.join("; ") };
        let line = (format!("{} → {}", today.id, instead.id), what);
        if !told.contains(&line) {
            told.push(line);
        }
    }
    if told.is_empty() {
        return Ok(());
    }
    writeln!(
        terminal.out(),
        "\n{STRONG}what is lost{STRONG:#}  {FAINT}a substitute never goes beyond what the policy permits{FAINT:#}"
    )?;
    for (pair, what) in told {
        writeln!(terminal.out(), "  {pair}\n    {}", paragraph::hanging(&what, 4))?;
    }
    Ok(())
}

fn places(found: &WhatIf, terminal: &mut Terminal) -> Result<(), Failure> {
    writeln!(terminal.out(), "\n{STRONG}places{STRONG:#}")?;
    let rows: Vec<[Cell; 5]> = found
        .places
        .iter()
        .map(|place| {
            let axis = |known: &[String], whole: bool| {
                let known = known.join(", ");
                match (known.is_empty(), whole) {
                    (true, _) => "unknown".to_owned(),
                    (false, true) => known,
                    (false, false) => format!("{known} and unknown"),
                }
            };
            let (stand, whole) = (&place.stand, place.stand.known_in_whole);
            let taken = match place.taken {
                "yes" => ("withdrawn".to_owned(), BAD),
                "perhaps" => ("perhaps withdrawn".to_owned(), BAD),
                _ => ("stays".to_owned(), GOOD),
            };
            let price = stand.price.as_ref().map_or_else(
                || if stand.is_own() { "no price by the token".to_owned() } else { "unknown".to_owned() },
                gateway::what_if::PriceOf::told,
            );
            let plain = |text: String| (text, Style::new());
            [
                plain(stand.id.clone()),
                plain(axis(&stand.processed_in, whole.0)),
                plain(axis(&stand.controlled_by, whole.1)),
                plain(price),
                taken,
            ]
        })
        .collect();
    Ok(table::write_styled(
        terminal.out(),
        ["place", "processed in", "controlled by", "a million tokens in / out", ""],
        &rows,
    )?)
}

fn moves(found: &WhatIf, terminal: &mut Terminal) -> Result<(), Failure> {
    if found.moves.is_empty() {
        return Ok(());
    }
    writeln!(terminal.out(), "\n{STRONG}what would move, by the log{STRONG:#}")?;
    let rows: Vec<[Cell; 6]> = found.moves.iter().map(load).collect();
    table::write_styled(
        terminal.out(),
        ["to", "requests", "most in an hour", "needs", "seen", "can it bear that"],
        &rows,
    )?;
    for load in found.moves.iter().filter(|load| load.to.is_some()) {
        let to = load.to.as_ref().map(|to| to.id.as_str()).unwrap_or_default();
        let money = |cost: &std::collections::BTreeMap<String, u64>| {
            let each: Vec<String> =
                cost.iter().map(|(currency, micros)| format!("{currency} {}", amount(*micros))).collect();
            if each.is_empty() { "nothing by the token".to_owned() } else { each.join(" and ") }
        };
        let line = match (load.cost_unknown, load.requests) {
            (unknown, all) if unknown == all => "what it costs is unknown: a price or the tokens are".to_owned(),
            (0, _) => format!("cost {} before, {} there", money(&load.cost_before), money(&load.cost_after)),
            (unknown, _) => format!(
                "cost {} before, {} there, and {unknown} requests of unknown price",
                money(&load.cost_before),
                money(&load.cost_after)
            ),
        };
        writeln!(terminal.out(), "  {FAINT}to {to}: {line}{FAINT:#}")?;
    }
    Ok(())
}

fn load(load: &Load) -> [Cell; 6] {
    let plain = |text: String| (text, Style::new());
    let speed = |milli: u64| format!("{}.{} tokens/s", milli / 1000, milli % 1000 / 100);
    let to = match &load.to {
        Some(to) => plain(to.id.clone()),
        None => ("nothing answers".to_owned(), BAD),
    };
    let is_place = load.to.is_some();
    [
        to,
        plain(load.requests.to_string()),
        plain(load.peak_hour_requests.to_string()),
        plain(if is_place { speed(load.needed_tokens_per_second_milli) } else { "-".to_owned() }),
        plain(load.seen_tokens_per_second_milli.map_or_else(|| "-".to_owned(), speed)),
        plain(if is_place { load.bears.word().to_owned() } else { "-".to_owned() }),
    ]
}
