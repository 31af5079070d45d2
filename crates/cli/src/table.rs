//! Columns of text, as wide as what stands in them. Knows nothing of what the text means.

use std::fmt::Write as _;
use std::io::{self, Write};

use anstyle::Style;
use unicode_width::UnicodeWidthStr as _;

use crate::terminal::FAINT;

/// A cell and how it is shown.
pub(crate) type Cell = (String, Style);

/// Columns between two cells.
const GAP: usize = 2;

/// Writes rows under their headings; the last column is as wide as it comes.
pub(crate) fn write<const N: usize>(out: &mut dyn Write, headings: [&str; N], rows: &[[String; N]]) -> io::Result<()> {
    let heading = headings.map(str::to_uppercase);
    let mut widths = [0; N];
    for row in rows.iter().chain([&heading]) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    for row in [&heading].into_iter().chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line += cell;
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + GAP));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// The same, set in by two columns, with each cell in its own style.
pub(crate) fn write_styled<const N: usize>(
    out: &mut dyn Write,
    headings: [&str; N],
    rows: &[[Cell; N]],
) -> io::Result<()> {
    let mut widths = headings.map(unicode_width::UnicodeWidthStr::width);
    for row in rows {
        for (width, (text, _)) in widths.iter_mut().zip(row) {
            *width = (*width).max(text.width());
        }
    }
    let heading = headings.map(|text| (text.to_uppercase(), FAINT));
    for row in [&heading].into_iter().chain(rows) {
        let mut line = String::new();
        for ((text, style), width) in row.iter().zip(widths) {
            let gap = width.saturating_sub(text.width()) + GAP;
            // Writing to memory does not fail.
            let _ = write!(line, "{style}{text}{style:#}{:gap$}", "");
        }
        writeln!(out, "  {}", line.trim_end())?;
    }
    Ok(())
}

/// Bytes as people read them, in powers of ten as disks are sold.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub(crate) fn bytes(count: u64) -> String {
    let count = count as f64;
    let (number, unit) = match count {
        count if count < 1e3 => return format!("{count} B"),
        count if count < 1e6 => (count / 1e3, "kB"),
        count if count < 1e9 => (count / 1e6, "MB"),
        count => (count / 1e9, "GB"),
    };
    if number < 10.0 { format!("{number:.2} {unit}") } else { format!("{number:.0} {unit}") }
}
