//! Scans a text that comes in pieces. Owns the folding, the view and the searches; any cut gives the whole text's findings.

use crate::engine::Engine;
use crate::finding::{Finding, Findings};
use crate::fold::Folder;
use crate::network::{LOCAL_MAX, is_local};
use crate::own::OwnSearch;
use crate::rules::Rules;
use crate::verdict::Match;
use crate::view::View;

/// How far before its digits a number may begin: a region's name and a space.
const BEFORE_NUMBER: usize = 16;

/// One text, piece by piece.
#[derive(Debug)]
pub struct Scanner {
    folder: Folder,
    view: View,
    engine: Engine,
    own: Option<OwnSearch>,
}

impl Scanner {
    /// For one text.
    pub fn new(rules: &Rules) -> Self {
        Self {
            folder: Folder::new(),
            view: View::default(),
            engine: Engine::new(rules.built_in().to_vec()),
            own: rules.own().map(OwnSearch::new),
        }
    }

    /// What is decided with this piece: cut anywhere, also within a character. Ranges count from the
    /// beginning of the text. One of the operator's own may come a piece later than a built-in kind that begins after it.
    pub fn push(&mut self, piece: impl AsRef<[u8]>) -> Findings {
        self.folder.push(piece.as_ref(), false, &mut self.view);
        self.run()
    }

    /// The rest: nothing follows.
    pub fn finish(mut self) -> Findings {
        self.folder.push(b"", true, &mut self.view);
        self.view.close();
        self.run()
    }

    /// Bytes of the text before which no further finding will begin: they may be passed on. Whole characters.
    pub fn settled(&self) -> usize {
        let own = self.own.as_ref().map_or(usize::MAX, OwnSearch::decided);
        let mut at = self.engine.decided();
        // A local part may have begun; and letters before a number may turn out to belong to it.
        let least = at.saturating_sub(LOCAL_MAX).max(self.engine.floor());
        let before_number = at.saturating_sub(BEFORE_NUMBER).max(least);
        while at > least && self.view.before(at, 1).is_some_and(is_local) {
            at -= 1;
        }
        self.view.original_at(at.min(before_number).min(own))
    }

    fn run(&mut self) -> Findings {
        let mut found = Vec::new();
        self.engine.run(&self.view, &mut found);
        let mut decided = self.engine.decided();
        if let Some(own) = &mut self.own {
            own.run(&self.view, &mut found);
            decided = decided.min(own.decided());
        }
        let mut findings = Findings::default();
        for Match { range, kind, strength } in found {
            findings.push(Finding { kind, range: self.view.original(range), strength });
        }
        findings.sort();
        self.view.trim(decided);
        findings
    }
}
