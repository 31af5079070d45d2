//! Measures one Rust file by its layout, as rustfmt leaves it: no parser, so a brace in a raw string can mislead a figure,
//! never a rule that forbids (those stand on sizes and words alone).

/// What one file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Measure {
    /// Lines, blank ones too, outside an inline `mod tests`.
    pub(super) lines: usize,
    /// Lines of an inline `mod tests`.
    pub(super) test_lines: usize,
    /// Lines that hold only a comment or documentation, outside tests.
    pub(super) comment_lines: usize,
    /// Lines that hold anything, outside tests.
    pub(super) filled_lines: usize,
    /// Each function's lines of code (no blanks, no comments), outside tests.
    pub(super) functions: Vec<usize>,
}

/// Measures `text`.
pub(super) fn measure(text: &str) -> Measure {
    let mut measure = Measure::default();
    let lines: Vec<&str> = text.lines().collect();
    let tests_at = lines.windows(2).position(
        |pair| matches!(pair, [first, second] if *first == "#[cfg(test)]" && second.starts_with("mod tests {")),
    );
    let (code, tests) = lines.split_at(tests_at.unwrap_or(lines.len()));
    measure.lines = code.len();
    measure.test_lines = tests.len();
    for line in code {
        measure.filled_lines += usize::from(!line.trim().is_empty());
        measure.comment_lines += usize::from(line.trim_start().starts_with("//"));
    }
    measure.functions = functions(code);
    measure
}

/// A body begins on the first line at the indentation of `fn` that ends with a brace and ends with the brace alone at that
/// indentation. Functions on one line count as one.
fn functions(lines: &[&str]) -> Vec<usize> {
    let mut functions = Vec::new();
    let mut rest = lines;
    while let Some((line, after)) = rest.split_first() {
        rest = after;
        if !begins_function(line) || line.trim_end().ends_with(';') {
            continue;
        }
        let indent = indentation(line);
        if line.trim_end().ends_with('}') {
            functions.push(1);
            continue;
        }
        let opened = if line.ends_with('{') { Some(0) } else { body_opens(after, indent) };
        let Some(opened) = opened else { continue };
        let body = after.get(opened..).unwrap_or_default();
        let closing = format!("{}}}", " ".repeat(indent));
        let Some(end) = body.iter().position(|line| **line == closing) else { continue };
        functions.push(body.iter().take(end).filter(|line| is_code(line)).count());
        rest = body.get(end..).unwrap_or_default();
    }
    functions
}

fn body_opens(lines: &[&str], indent: usize) -> Option<usize> {
    for (index, line) in lines.iter().enumerate() {
        if !line.trim().is_empty() && indentation(line) == indent {
            if line.ends_with('{') {
                return Some(index + 1);
            }
            if line.ends_with(';') {
                return None;
            }
        }
    }
    None
}

fn begins_function(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let before = ["const", "async", "unsafe", "extern", "\"C\""];
    words.find(|word| !word.starts_with("pub") && !before.contains(word)) == Some("fn")
}

fn is_code(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with("//")
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}
