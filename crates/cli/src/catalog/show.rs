//! `gwanmun catalog show`: one entry whole, each fact with where it was read and when, and both axes as worked out.

use ::catalog::{
    Catalog as Facts, Jurisdiction, Kind,
    rows::{self, AxisRow, FieldRow},
};
use anstyle::Style;
use clap::Args;
use serde::Serialize;

use super::Laid;
use crate::{
    failure::{Answer, Failure},
    paragraph,
    place::Place,
    terminal::{BAD, FAINT, STRONG, Terminal},
};

/// Columns that a field and its value may take before the number of its source.
const FIELD_WIDTH_MAX: usize = 34;

/// Show an entry whole: each fact with its source; of a provider or model also where it is and whose law reaches it
#[derive(Args)]
pub(super) struct Show {
    /// The entry's identifier; `gwanmun catalog list` shows them
    id: String,
    /// Work a model's axes out for one's own machine in this jurisdiction, such as `KR`
    #[arg(long, value_name = "CODE")]
    home: Option<Jurisdiction>,
    #[command(flatten)]
    laid: Laid,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// An entry, for programs.
#[derive(Serialize)]
struct Shown {
    id: String,
    fields: Vec<FieldRow>,
    axes: Vec<AxisRow>,
}

/// What was read, in the order in which facts name it.
#[derive(Default)]
struct Sources(Vec<String>);

impl Show {
    pub(super) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let facts = self.laid.open(place)?;
        let fields = rows::show(&facts, &self.id);
        if fields.is_empty() {
            return Err(Failure::trouble(format!("the catalogue has no entry `{}`", self.id))
                .hint("`gwanmun catalog list` shows them; one of your own stands in a folder, `--folder DIR`"));
        }
        let axes = rows::axes(&facts, &self.id, self.home).map_err(|error| Failure::usage(error.to_string()))?;
        if self.home.is_some() && facts.model(&self.id).is_none() {
            return Err(Failure::usage(format!(
                "`{}` is not a model, and only a model can be put on a machine",
                self.id
            ))
            .hint("leave `--home` out"));
        }
        if self.json {
            terminal.json(&Shown { id: self.id, fields, axes })?;
            return Ok(Answer::Yes);
        }
        self.write(&facts, &fields, &axes, terminal)?;
        Ok(Answer::Yes)
    }

    fn write(
        &self,
        facts: &Facts,
        fields: &[FieldRow],
        axes: &[AxisRow],
        terminal: &mut Terminal,
    ) -> Result<(), Failure> {
        let mut sources = Sources::default();
        for entry in rows::list(facts, None).iter().filter(|entry| entry.id == self.id) {
            let from = if entry.shipped { "shipped" } else { "own" };
            writeln!(terminal.out(), "{STRONG}{} {}{STRONG:#} {FAINT}{from}{FAINT:#}", entry.kind, entry.id)?;
            let fields: Vec<&FieldRow> = fields.iter().filter(|field| field.kind == entry.kind).collect();
            let width = fields.iter().map(|field| field.field.len()).max().unwrap_or(0).min(FIELD_WIDTH_MAX);
            for field in fields {
                let number = sources.number(field);
                let (style, value) = match field.value.as_deref() {
                    None => (BAD, "unknown"),
                    Some("") => (Style::new(), "none"),
                    Some(value) => (Style::new(), value),
                };
                let value = paragraph::hanging(value, width + 4);
                let (name, value) = (&field.field, format!("{style}{value}{style:#}"));
                writeln!(terminal.out(), "  {name:<width$}  {value}{number}")?;
            }
            for axis in axes.iter().filter(|axis| axis.kind == entry.kind) {
                write_axis(axis, terminal)?;
            }
            if entry.kind == Kind::Model.word() && self.home.is_none() {
                let how = "on one's own machine: `--home CODE` works out whose law reaches it there";
                writeln!(terminal.out(), "  {FAINT}{how}{FAINT:#}")?;
            }
            writeln!(terminal.out())?;
        }
        for (number, source) in sources.0.iter().enumerate() {
            let number = format!("[{}]", number + 1);
            writeln!(terminal.out(), "{FAINT}{number:<4} {}{FAINT:#}", paragraph::hanging(source, 5))?;
        }
        Ok(())
    }
}

fn write_axis(axis: &AxisRow, terminal: &mut Terminal) -> Result<(), Failure> {
    let of = axis.of.as_ref().map(|of| format!(" ({of})")).unwrap_or_default();
    let known = if axis.known.is_empty() { "nothing known".to_owned() } else { axis.known.join(" ") };
    writeln!(terminal.out(), "  {STRONG}→ {}{of}{STRONG:#}: {}", axis.axis, paragraph::hanging(&known, 6))?;
    if !axis.gaps.is_empty() {
        let gaps = paragraph::hanging(&format!("not known, so foreign: {}", axis.gaps.join("; ")), 4);
        writeln!(terminal.out(), "    {BAD}{gaps}{BAD:#}")?;
    }
    Ok(())
}

impl Sources {
    /// ` [3]`; nothing for a name, which is no fact, and for what nobody looked for.
    fn number(&mut self, field: &FieldRow) -> String {
        let Some(document) = &field.document else { return String::new() };
        let url = field.url.as_ref().map(|url| format!(", {url}")).unwrap_or_default();
        let date = field.date.map(|date| format!(", read {date}")).unwrap_or_default();
        let source = format!("{document}{url}{date}");
        let place = self.0.iter().position(|known| *known == source).unwrap_or_else(|| {
            self.0.push(source);
            self.0.len() - 1
        });
        format!(" {FAINT}[{}]{FAINT:#}", place + 1)
    }
}
