//! One text of an answer as it comes: pseudonyms are undone first, then what comes back is masked and counted. Knows nothing of
//! chunks.

use std::collections::BTreeMap;

use inspect::pseudonym::{JsonRestorer, Map, Restorer};
use inspect::{Kind, Masker};

use super::AnswerMask;

/// How much of a text is restored at a time: what is remembered of each character while it is looked at is more than itself.
const PIECE_BYTES: usize = 16 * 1024;

/// One text under way.
pub(super) struct Field {
    map: Option<Map>,
    mask: Option<AnswerMask>,
    /// Chosen by how the text begins.
    reader: Option<Reader>,
    is_json: bool,
}

struct Reader {
    restorer: Option<Restored>,
    masker: Option<Masker>,
}

enum Restored {
    Text(Restorer),
    Json(Box<JsonRestorer>),
}

impl Field {
    /// With `is_json` it is JSON text from the outset; otherwise it is where it begins as an object.
    pub(super) fn new(map: Option<&Map>, mask: Option<&AnswerMask>, is_json: bool) -> Self {
        Self { map: map.cloned(), mask: mask.cloned(), reader: None, is_json }
    }

    /// What can be passed on with this piece.
    pub(super) fn push(&mut self, text: &str) -> String {
        if self.reader.is_none() {
            let Some(first) = text.trim_ascii_start().chars().next() else { return text.to_owned() };
            self.reader = Some(self.begin(self.is_json || first == '{'));
        }
        let Some(reader) = &mut self.reader else { return text.to_owned() };
        let mut passed = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            // Whole characters.
            let (piece, after) = rest.split_at_checked(rest.floor_char_boundary(PIECE_BYTES)).unwrap_or((rest, ""));
            passed.push_str(&reader.push(piece));
            rest = after;
        }
        passed
    }

    /// What was held back, and what the text held.
    pub(super) fn finish(self) -> (String, BTreeMap<Kind, u64>) {
        let Some(reader) = self.reader else { return (String::new(), BTreeMap::new()) };
        let rest = match reader.restorer {
            None => String::new(),
            Some(Restored::Text(restorer)) => restorer.finish(),
            Some(Restored::Json(restorer)) => restorer.finish(),
        };
        let Some(mut masker) = reader.masker else { return (rest, BTreeMap::new()) };
        let mut passed = masker.push(&rest);
        let (rest, counts) = masker.finish();
        passed.push_str(&rest);
        (passed, counts)
    }

    /// What it held so far.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&Kind, &u64)> {
        self.reader.iter().filter_map(|reader| reader.masker.as_ref()).flat_map(Masker::counts)
    }

    fn begin(&self, is_json: bool) -> Reader {
        let restorer = self.map.as_ref().map(|map| {
            if is_json { Restored::Json(Box::new(map.json_restorer())) } else { Restored::Text(map.restorer()) }
        });
        let masker = self.mask.as_ref().map(|mask| Masker::new(&mask.rules, mask.wanted.clone(), is_json));
        Reader { restorer, masker }
    }
}

impl Reader {
    fn push(&mut self, piece: &str) -> String {
        let restored = match &mut self.restorer {
            None => piece.to_owned(),
            Some(Restored::Text(restorer)) => restorer.push(piece),
            Some(Restored::Json(restorer)) => restorer.push(piece),
        };
        match &mut self.masker {
            None => restored,
            Some(masker) => masker.push(&restored),
        }
    }
}
