//! The picture of a what-if: teams and models on the left, places on the right, what is lost as dashed red lines, what answers instead
//! as solid ones. One SVG file without scripts or fonts of its own, for light and dark, which a reader of screens is told in words.

use std::fmt::Write as _;

use super::{Fate, Row, Stand, WhatIf};
use crate::withdrawal::Subject;

/// Rows that are drawn; what is beyond is counted in a last line.
const ROWS_MAX: usize = 40;
const WIDTH: usize = 1080;
const ROW: usize = 56;
const BOX: usize = 44;
const LEFT: usize = 24;
const BOX_WIDTH: usize = 330;
const RIGHT: usize = WIDTH - LEFT - BOX_WIDTH;
/// Letters in a line of the summary.
const LINE: usize = 112;
/// Letters in a box.
const LABEL: usize = 38;

/// Colours stand in the classes themselves, so that programs that know no variables draw it too.
const STYLE: &str = "\
svg{color-scheme:light dark;font-family:system-ui,'Noto Sans KR','DejaVu Sans',sans-serif}\
.page{fill:#fff}text{fill:#1c2330;font-size:14px}.head{font-size:20px;font-weight:600}.small{font-size:12px;fill:#5b6472}\
.strong{font-weight:600}.struck{text-decoration:line-through}.bad{fill:#b3261e;font-weight:600}\
.box{fill:#f5f7fa;stroke:#c4cad3}.gone{fill:#fdecea;stroke:#b3261e;stroke-dasharray:5 4}\
.perhaps{fill:#f5f7fa;stroke:#b3261e;stroke-dasharray:2 4}.floor{fill:#e9f1fb;stroke:#1f5fa8}\
path{fill:none}.stay{stroke:#c4cad3;stroke-width:1.5}.lost{stroke:#b3261e;stroke-width:1.8;stroke-dasharray:7 5}\
.sub{stroke:#0f6b4f;stroke-width:2.5}.subfloor{stroke:#1f5fa8;stroke-width:2.5}\
@media(prefers-color-scheme:dark){.page{fill:#12161d}text{fill:#e8ebf0}.small{fill:#9aa4b2}.bad{fill:#ff8a80}\
.box{fill:#1c222c;stroke:#4a5361}.gone{fill:#3a1c1b;stroke:#ff8a80}.perhaps{fill:#1c222c;stroke:#ff8a80}\
.floor{fill:#16283d;stroke:#8ab8f0}.stay{stroke:#4a5361}.lost{stroke:#ff8a80}.sub{stroke:#63d0a8}.subfloor{stroke:#8ab8f0}}";

/// Draws it.
pub fn svg(what_if: &WhatIf) -> String {
    let rows: Vec<&Row> = what_if.rows.iter().filter(|row| row.fate != Fate::AlreadyRefused).take(ROWS_MAX).collect();
    let beyond = what_if.rows.iter().filter(|row| row.fate != Fate::AlreadyRefused).count() - rows.len();
    let lines = wrapped(&what_if.summary, LINE);
    let top = 64 + lines.len() * 22 + 30;
    let height = top + rows.len().max(what_if.places.len()) * ROW + 72;
    let mut out = String::new();
    let (title, told) = (escaped(&title(what_if)), escaped(&described(what_if)));
    // Writing to a text cannot fail.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-labelledby=\"title desc\">\n<title id=\"title\">{title}</title>\n<desc id=\"desc\">{told}</desc>\n\
         <style>{STYLE}</style>\n<rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\" rx=\"10\"/>\n\
         <text class=\"head\" x=\"{LEFT}\" y=\"42\">{title}</text>\n"
    );
    for (number, line) in lines.iter().enumerate() {
        let _ = writeln!(out, "<text x=\"{LEFT}\" y=\"{}\">{}</text>", 70 + number * 22, escaped(line));
    }
    let _ = writeln!(out, "<text class=\"small\" x=\"{LEFT}\" y=\"{}\">who asks, for which model</text>", top - 12);
    let _ = writeln!(
        out,
        "<text class=\"small\" x=\"{RIGHT}\" y=\"{}\">where it is answered: processed in / controlled by</text>",
        top - 12
    );
    // The places stand over the whole height, so that links cross as little as they can.
    let step = (rows.len() * ROW).checked_div(what_if.places.len()).unwrap_or(ROW).max(ROW);
    links(&mut out, &rows, what_if, (top, step));
    for (number, row) in rows.iter().enumerate() {
        asks(&mut out, row, top + number * ROW);
    }
    places(&mut out, what_if, (top, step));
    legend(&mut out, height - 34, beyond);
    out.push_str("</svg>\n");
    out
}

fn title(what_if: &WhatIf) -> String {
    let told: Vec<String> = what_if
        .withdrawn
        .iter()
        .map(|subject| subject.parse::<Subject>().map_or_else(|_| subject.clone(), |subject| subject.told()))
        .collect();
    format!("What if {} were withdrawn", told.join(" and "))
}

/// The whole of the picture in words.
fn described(what_if: &WhatIf) -> String {
    let of = |row: &Row| {
        let place = |stand: &Option<Stand>| stand.as_ref().map_or("nothing", |stand| &stand.label).to_owned();
        let whose = row.team.clone().unwrap_or_else(|| "anybody".to_owned());
        let (model, classes) = (&row.model, row.classes.join(" and "));
        let today = place(&row.today);
        match row.fate {
            Fate::AlreadyRefused => format!("{whose}, {model}, {classes}: refused today."),
            Fate::Unchanged => format!("{whose}, {model}, {classes}: stays at {today}."),
            Fate::Dark => format!("{whose}, {model}, {classes}: from {today} to nothing, dark."),
            Fate::Moves | Fate::Floor => {
                format!("{whose}, {model}, {classes}: from {today} to {}.", place(&row.instead))
            }
        }
    };
    let rows: Vec<String> = what_if.rows.iter().map(of).collect();
    format!("{}. {}", what_if.summary, rows.join(" "))
}

/// The links that stay lie under those that are lost, and these under those that come instead.
fn links(out: &mut String, rows: &[&Row], what_if: &WhatIf, (top, step): (usize, usize)) {
    let style = |row: &Row| match row.fate {
        Fate::Unchanged => ["stay", ""],
        Fate::Dark => ["lost", ""],
        Fate::Moves => ["lost", "sub"],
        Fate::Floor => ["lost", "subfloor"],
        Fate::AlreadyRefused => ["", ""],
    };
    for wanted in ["stay", "lost", "sub", "subfloor"] {
        for (number, row) in rows.iter().enumerate() {
            let from = top + number * ROW + BOX / 2;
            for (stand, style) in [&row.today, &row.instead].into_iter().zip(style(row)) {
                if style == wanted {
                    link(out, style, from, stand.as_ref(), what_if, (top, step));
                }
            }
        }
    }
}

fn link(out: &mut String, style: &str, from: usize, to: Option<&Stand>, what_if: &WhatIf, (top, step): (usize, usize)) {
    let place = to.and_then(|stand| what_if.places.iter().position(|it| it.stand.id == stand.id));
    let Some(place) = place else { return };
    let (x, end) = (LEFT + BOX_WIDTH, RIGHT);
    // Lost links end above the middle of a box, others below it, so that both are seen.
    let to = top + place * step + if style == "lost" { BOX / 2 - 8 } else { BOX / 2 + 6 };
    let bend = x.midpoint(end);
    // Writing to a text cannot fail.
    let _ = writeln!(out, "<path class=\"{style}\" d=\"M{x} {from}C{bend} {from} {bend} {to} {end} {to}\"/>");
}

fn asks(out: &mut String, row: &Row, y: usize) {
    let style = match row.fate {
        Fate::Dark => "gone",
        Fate::AlreadyRefused | Fate::Unchanged | Fate::Moves | Fate::Floor => "box",
    };
    let whose = row.team.as_deref().unwrap_or("anybody");
    let name = escaped(&shortened(&format!("{whose} · {}", row.model), LABEL));
    let mut under = row.classes.join(", ");
    if let Some(requests) = row.requests.filter(|requests| *requests > 0) {
        let _ = write!(under, " · {requests} requests");
    }
    let (x, first, second) = (LEFT + 12, y + 19, y + 36);
    let _ = writeln!(
        out,
        "<rect class=\"{style}\" x=\"{LEFT}\" y=\"{y}\" width=\"{BOX_WIDTH}\" height=\"{BOX}\" rx=\"7\"/>"
    );
    let _ = writeln!(out, "<text class=\"strong\" x=\"{x}\" y=\"{first}\">{name}</text>");
    let _ = writeln!(out, "<text class=\"small\" x=\"{x}\" y=\"{second}\">{}</text>", escaped(&under));
    let mark = match (row.fate, row.at_worst) {
        (Fate::Dark, _) => "goes dark",
        (_, Some(Fate::Dark)) => "perhaps dark",
        _ => return,
    };
    let _ = writeln!(
        out,
        "<text class=\"bad\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{mark}</text>",
        LEFT + BOX_WIDTH - 12,
        y + 27
    );
}

fn places(out: &mut String, what_if: &WhatIf, (top, step): (usize, usize)) {
    for (number, place) in what_if.places.iter().enumerate() {
        let y = top + number * step;
        let (style, said) = match place.taken {
            "yes" => ("gone", "withdrawn"),
            "perhaps" => ("perhaps", "perhaps withdrawn"),
            _ if place.stand.local => ("floor", "never withdrawn"),
            _ => ("box", "stays"),
        };
        let struck = if place.taken == "yes" { " struck" } else { "" };
        let name = if place.stand.local { "the local floor" } else { &place.stand.id };
        let (x, first, second) = (RIGHT + 12, y + 19, y + 36);
        let _ = writeln!(
            out,
            "<rect class=\"{style}\" x=\"{RIGHT}\" y=\"{y}\" width=\"{BOX_WIDTH}\" height=\"{BOX}\" rx=\"7\"/>"
        );
        let _ = writeln!(
            out,
            "<text class=\"strong{struck}\" x=\"{x}\" y=\"{first}\">{}</text>",
            escaped(&shortened(name, LABEL))
        );
        let _ = writeln!(
            out,
            "<text class=\"small\" x=\"{x}\" y=\"{second}\">{} · {said}</text>",
            escaped(&shortened(&place.stand.axes(), 30))
        );
    }
}

fn legend(out: &mut String, y: usize, beyond: usize) {
    let mut x = LEFT;
    for (style, told) in [
        ("lost", "answers today, withdrawn"),
        ("sub", "answers instead"),
        ("subfloor", "the local floor answers, marked as degraded"),
        ("stay", "unchanged"),
    ] {
        let (middle, end, text) = (y - 4, x + 34, x + 42);
        let _ = writeln!(
            out,
            "<path class=\"{style}\" d=\"M{x} {middle}H{end}\"/><text class=\"small\" x=\"{text}\" y=\"{y}\">{told}</text>"
        );
        x = text + told.len() * 7 + 22;
    }
    if beyond > 0 {
        let _ = writeln!(
            out,
            "<text class=\"small\" x=\"{LEFT}\" y=\"{}\">and {beyond} more rows, which the table and the JSON have</text>",
            y + 20
        );
    }
}

fn shortened(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(letters - 1).collect();
    short.push('…');
    short
}

/// Lines of so many letters at most, cut between words.
fn wrapped(text: &str, letters: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > letters {
            lines.push(word.to_owned());
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines
}

/// Text for XML; what XML cannot hold is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}
