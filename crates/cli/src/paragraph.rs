//! Prose in lines of a width that reads well. Knows nothing of what it says.

use unicode_width::UnicodeWidthStr as _;

/// Columns of a line, at most, where it is ours to break.
pub(crate) const WIDTH: usize = 100;

/// The lines of `text`, broken at its blanks so that none is wider than `width`; a longer word stands alone.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let room = lines.last().is_some_and(|line| line.is_empty() || line.width() + 1 + word.width() <= width);
        match lines.last_mut().filter(|_| room) {
            Some(line) => {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The same, each line after the first set in by `indent` columns; the first stands after as many that are written already.
pub(crate) fn hanging(text: &str, indent: usize) -> String {
    let next = format!("\n{:indent$}", "");
    wrapped(text, WIDTH.saturating_sub(indent)).join(&next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_blanks_and_as_wide_as_they_look() {
        assert_eq!(wrapped("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrapped("한글 두 글자", 7), ["한글 두", "글자"], "a syllable is two columns wide");
        assert_eq!(wrapped("indivisible a", 3), ["indivisible", "a"]);
        assert_eq!(wrapped("", 9), [""]);
        assert_eq!(hanging("a b", 99), format!("a\n{:99}b", ""));
    }
}
