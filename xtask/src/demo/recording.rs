//! What a terminal showed, as a picture: one SVG file without scripts or fonts of its own. Knows nothing of what was shown.

use std::fmt::Write as _;

const LINE: usize = 19;
const LETTER: f64 = 8.05;
const EDGE: usize = 18;
const TOP: usize = 44;

const STYLE: &str = "\
.page{fill:#0f141b}.bar{fill:#1b222c}text{font:13.4px ui-monospace,'DejaVu Sans Mono',monospace;fill:#dbe2ea;white-space:pre}\
.good{fill:#63d0a8}.bad{fill:#ff8a80}.floor{fill:#8ab8f0}.faint{fill:#93a0b0}";

/// Draws the lines under the command that printed them.
pub(super) fn svg(command: &str, lines: &[String]) -> String {
    let prompt = format!("$ {command}");
    let columns = lines.iter().map(|line| line.chars().count()).chain([prompt.len()]).max().unwrap_or(0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a picture's width"
    )]
    let width = (columns as f64 * LETTER) as usize + 2 * EDGE;
    let height = TOP + (lines.len() + 2) * LINE + EDGE;
    let mut out = String::new();
    // Writing to a text cannot fail.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
         aria-labelledby=\"title desc\">\n<title id=\"title\">{}</title>\n<desc id=\"desc\">{}</desc>\n<style>{STYLE}</style>\n\
         <rect class=\"page\" width=\"{width}\" height=\"{height}\" rx=\"10\"/>\n<path class=\"bar\" d=\"M0 10a10 10 0 0 1 10-10H{}a10 10 0 0 1 10 10v18H0z\"/>\n",
        escaped(command),
        escaped(&lines.join(" / ")),
        width - 10,
    );
    for (number, line) in [prompt, String::new()].iter().chain(lines).enumerate() {
        let y = TOP + (number + 1) * LINE - 6;
        let _ = writeln!(
            out,
            "<text class=\"{}\" x=\"{EDGE}\" y=\"{y}\" xml:space=\"preserve\">{}</text>",
            style(line),
            escaped(line)
        );
    }
    out.push_str("</svg>\n");
    out
}

fn style(line: &str) -> &'static str {
    match line {
        line if line.starts_with('✓') => "good",
        line if line.starts_with('✗') || line.contains("refuse: 403") => "bad",
        line if line.starts_with("withdrawn:") || line.starts_with('$') => "floor",
        line if line.contains("healthy again") => "faint",
        _ => "plain",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
