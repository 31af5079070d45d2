//! Lists of names in one column: one a line, for no name of an entry has a control character. It must not know what they name.

/// As one text; empty for none.
pub(crate) fn join<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut lines = String::new();
    for name in names {
        if !lines.is_empty() {
            lines.push('\n');
        }
        lines.push_str(name);
    }
    lines
}

/// What [`join`] was given.
pub(crate) fn split(lines: &str) -> Vec<String> {
    lines.lines().map(str::to_owned).collect()
}

/// A name and its value in turns, as pairs.
pub(crate) fn pairs(lines: &str) -> Vec<(String, String)> {
    let mut lines = lines.lines();
    std::iter::from_fn(|| Some((lines.next()?.to_owned(), lines.next()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_joined_is_split_again() {
        for names in [vec![], vec!["KR"], vec!["한국", "b c", "d"]] {
            assert_eq!(split(&join(names.clone())), names);
        }
        assert_eq!(
            pairs("why\nit is late\nfor\nx"),
            [("why".to_owned(), "it is late".to_owned()), ("for".to_owned(), "x".to_owned())]
        );
    }
}
