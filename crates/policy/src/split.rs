//! Cuts a file of rules into its rules, so that each is parsed for itself and every mistake is told at once, with its line; and
//! finds where in a rule an expression stands, which Cedar's tree does not say. Knows of Cedar's grammar only its tokens.

/// One rule of a file, as far as its closing semicolon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    /// The byte in the file where it begins.
    pub(crate) at: usize,
    pub(crate) text: &'a str,
}

/// A token and the byte where it begins.
type Token<'a> = (usize, &'a str);

/// The rules of a file, in order. What follows the last semicolon is one too, unless it is blank or a comment.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut start = None;
    for (at, token) in Tokens::of(text) {
        let begin = *start.get_or_insert(at);
        if token == ";" {
            pieces.extend(text.get(begin..=at).map(|text| Piece { at: begin, text }));
            start = None;
        }
    }
    if let Some(begin) = start {
        pieces.extend(text.get(begin..).map(|text| Piece { at: begin, text }));
    }
    pieces
}

/// Where in a rule an expression stands that is told as `told`: the same words in the same order, whatever is between them.
pub(crate) fn position(rule: &str, told: &str) -> Option<usize> {
    let words = |text| Tokens::of(text).filter(|(_, token)| is_word(token)).collect::<Vec<_>>();
    let (rule, told) = (words(rule), words(told));
    if told.is_empty() {
        return None;
    }
    let same = |there: &&[Token<'_>]| there.iter().zip(&told).all(|((_, there), (_, told))| there == told);
    rule.windows(told.len()).find(same)?.first().map(|(at, _)| *at)
}

/// How deep the tree of a rule can be at most: by brackets, by operators in a row, by attributes of attributes.
pub(crate) fn depth(rule: &str) -> usize {
    let (mut open, mut deepest, mut signs, mut dots, mut most_dots) = (0_usize, 0, 0_usize, 0_usize, 0);
    for (_, token) in Tokens::of(rule) {
        match token {
            "(" | "[" | "{" => open += 1,
            ")" | "]" | "}" => open = open.saturating_sub(1),
            // Of `&&` and `||` each sign is a token.
            "&" | "|" => signs += 1,
            "if" | "+" | "-" | "*" | "!" => signs += 2,
            _ => {}
        }
        dots = if token == "." {
            dots + 1
        } else if is_word(token) {
            dots
        } else {
            0
        };
        deepest = deepest.max(open);
        most_dots = most_dots.max(dots);
    }
    signs / 2 + deepest + most_dots
}

fn is_word(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphanumeric() || first == '_' || first == '"')
}

/// The tokens of a text: words, strings with their quotes, single signs; without blanks and comments.
struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, at: 0 }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = self.text.get(self.at..)?;
            let first = rest.chars().next()?;
            let long = match first {
                '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
                '"' => string_length(rest),
                first if first.is_alphanumeric() || first == '_' => {
                    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
                }
                first => first.len_utf8(),
            };
            let at = self.at;
            self.at += long;
            let token = rest.get(..long)?;
            if !first.is_whitespace() && !token.starts_with("//") {
                return Some((at, token));
            }
        }
    }
}

/// A string with both its quotes; all that is left if it never ends.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}
