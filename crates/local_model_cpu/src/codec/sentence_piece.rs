//! SentencePiece's way of merging (GGUF's tokenizer model `llama`): a text as its characters, of which the two neighbours
//! whose joint piece scores highest are joined, until none are; what is no piece is said byte by byte. Folders give no scores,
//! but which pairs are joined, and in what order. It must not know control tokens or templates.

use std::collections::{BinaryHeap, HashMap};

use local_model::Token;

use super::vocabulary::{Class, MERGES, Vocabulary};
use crate::LoadError;
use crate::gguf::Metadata;

/// How these vocabularies write a space.
const SPACE: char = '▁';

/// Text to tokens by joining the pieces that score highest.
pub(super) struct SentencePieceCodec {
    pieces: HashMap<Box<str>, Token>,
    joins: Joins,
    bytes: Vec<Token>,
}

/// Which neighbours are joined, and which of them first.
enum Joins {
    /// Any that are a piece together: a score for each token.
    Scored(Vec<f32>),
    /// These pairs of pieces, with the piece that they become: the earlier ones, which score higher, first.
    Listed(HashMap<(Token, Token), (f32, Token)>),
}

/// Two neighbours that could be joined; the greatest is the next to be.
struct Pair {
    score: f32,
    left: usize,
    /// Bytes of both together: where they differ by now, one of the two has been joined with another.
    length: usize,
    piece: Token,
}

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Pair {}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pair {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}

/// A stretch of the text in a chain; of no length where it has become part of its left neighbour.
#[derive(Clone, Copy)]
struct Link {
    begin: usize,
    length: usize,
    previous: usize,
    next: usize,
    piece: Option<Token>,
}

/// No neighbour.
const NONE: usize = usize::MAX;

impl SentencePieceCodec {
    pub(super) fn read(metadata: Metadata<'_>, vocabulary: &Vocabulary<'_>) -> Result<Self, LoadError> {
        let mut pieces = HashMap::with_capacity(vocabulary.spellings.len());
        // Control tokens are left out, so that no text can become one.
        for class in [Class::Unused, Class::UserDefined, Class::Normal] {
            pieces.extend(vocabulary.of_class(class).map(|(token, spelling)| (Box::from(spelling), token)));
        }
        let named: HashMap<&str, Token> =
            vocabulary.of_class(Class::Byte).map(|(token, spelling)| (spelling, token)).collect();
        let mut bytes = Vec::with_capacity(256);
        for byte in 0..=u8::MAX {
            let spelling = format!("<0x{byte:02X}>");
            let token = named.get(spelling.as_str()).ok_or_else(|| {
                LoadError::metadata("tokenizer.ggml.tokens", format!("has no token for the byte `{spelling}`"))
            })?;
            bytes.push(*token);
        }
        let joins = Joins::read(metadata, vocabulary, &pieces)?;
        Ok(Self { pieces, joins, bytes })
    }

    /// Appends the tokens of a text.
    pub(super) fn encode(&self, text: &str, tokens: &mut Vec<Token>) {
        let text: String = text.chars().map(|letter| if letter == ' ' { SPACE } else { letter }).collect();
        let mut links = self.letters(&text);
        let mut pairs = BinaryHeap::new();
        for right in 1..links.len() {
            pairs.extend(self.pair(&text, &links, right - 1, right));
        }
        while let Some(Pair { left, length, piece, .. }) = pairs.pop() {
            let right = links[left].next;
            if links[left].length == 0 || right == NONE || links[left].length + links[right].length != length {
                continue;
            }
            let after = links[right].next;
            links[left] = Link { length, next: after, piece: Some(piece), ..links[left] };
            links[right].length = 0;
            if after != NONE {
                links[after].previous = left;
                pairs.extend(self.pair(&text, &links, left, after));
            }
            if links[left].previous != NONE {
                pairs.extend(self.pair(&text, &links, links[left].previous, left));
            }
        }
        for link in links.iter().filter(|link| link.length > 0) {
            match link.piece {
                Some(piece) => tokens.push(piece),
                None => tokens.extend(
                    text.as_bytes()[link.begin..link.begin + link.length].iter().map(|byte| self.bytes[*byte as usize]),
                ),
            }
        }
    }

    /// The text as a chain of its characters.
    fn letters(&self, text: &str) -> Vec<Link> {
        let count = text.chars().count();
        let link = |(at, (begin, letter)): (usize, (usize, char))| {
            let length = letter.len_utf8();
            Link {
                begin,
                length,
                previous: at.checked_sub(1).unwrap_or(NONE),
                next: if at + 1 < count { at + 1 } else { NONE },
                piece: self.pieces.get(&text[begin..begin + length]).copied(),
            }
        };
        text.char_indices().enumerate().map(link).collect()
    }

    /// Two neighbours, where they may be joined.
    fn pair(&self, text: &str, links: &[Link], left: usize, right: usize) -> Option<Pair> {
        let (begin, length) = (links[left].begin, links[left].length + links[right].length);
        let (score, piece) = match &self.joins {
            Joins::Scored(scores) => {
                let piece = *self.pieces.get(&text[begin..begin + length])?;
                (scores[piece as usize], piece)
            }
            Joins::Listed(pairs) => *pairs.get(&(links[left].piece?, links[right].piece?))?,
        };
        Some(Pair { score, left, length, piece })
    }
}

impl Joins {
    fn read(
        metadata: Metadata<'_>,
        vocabulary: &Vocabulary<'_>,
        pieces: &HashMap<Box<str>, Token>,
    ) -> Result<Self, LoadError> {
        const SCORES: &str = "tokenizer.ggml.scores";
        if let Some(scores) = metadata.floats(SCORES)? {
            if scores.len() == vocabulary.spellings.len() {
                return Ok(Self::Scored(scores));
            }
            let problem = format!("has {} entries for {} tokens", scores.len(), vocabulary.spellings.len());
            return Err(LoadError::metadata(SCORES, problem));
        }
        let missing = || LoadError::metadata(SCORES, "is missing; convert the model anew with its tokenizer");
        let listed = vocabulary.merges(metadata)?.ok_or_else(missing)?;
        let mut pairs = HashMap::with_capacity(listed.len());
        // A file's list has fewer than 2^24 entries, so that their places are exact.
        for (place, (left, right)) in listed.into_iter().enumerate() {
            let joint = format!("{left}{right}");
            let [left, right, joint] = [left, right, &joint].map(|piece| pieces.get(piece).copied());
            let (Some(left), Some(right), Some(joint)) = (left, right, joint) else {
                let problem =
                    "joins pieces that are not in the vocabulary, or to one that is not; fetch the file again";
                return Err(LoadError::metadata(MERGES, problem));
            };
            // Of a pair that is listed twice the last place counts.
            pairs.insert((left, right), (-(place as f32), joint));
        }
        Ok(Self::Listed(pairs))
    }
}

/// What a token of this kind stands for.
pub(super) fn bytes_of(spelling: &str, class: Class) -> Vec<u8> {
    let byte = spelling.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
    match (class, byte.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
        (Class::Control, _) => Vec::new(),
        (Class::Byte, Some(byte)) => vec![byte],
        _ => spelling.replace(SPACE, " ").into_bytes(),
    }
}
