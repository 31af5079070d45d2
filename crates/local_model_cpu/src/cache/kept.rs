//! Which pages hold which beginnings: what stays when its sequence has ended, so that a later one of the same owner may begin
//! with it. It must not know what is in a page, nor who uses one.

use std::collections::HashMap;
use std::sync::Arc;

use local_model::Token;

use crate::kernels::PAGE_TOKENS;

/// A page's own name. Unlike its place in memory it is never given again, so that nothing can be taken for the continuation of
/// what is long gone.
type Name = u64;

/// What a page holds.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Content {
    owner: Arc<str>,
    /// The page before it in its sequence; none before the first.
    before: Option<Name>,
    tokens: Box<[Token]>,
}

struct KeptPage {
    content: Arc<Content>,
    name: Name,
    /// Pages before it.
    depth: usize,
    /// When it was last asked for; later is more.
    used: u64,
}

/// The pages whose content is known.
#[derive(Default)]
pub(crate) struct Kept {
    places: HashMap<Arc<Content>, usize>,
    pages: HashMap<usize, KeptPage>,
    names: Name,
    moment: u64,
}

impl Kept {
    /// The pages that hold the beginning of `tokens`, as far as whole pages do.
    pub(crate) fn find(&mut self, owner: &str, tokens: &[Token]) -> Vec<usize> {
        self.moment += 1;
        let owner = Arc::from(owner);
        let mut found = Vec::new();
        let mut before = None;
        for tokens in tokens.chunks_exact(PAGE_TOKENS) {
            let content = Content { owner: Arc::clone(&owner), before, tokens: Box::from(tokens) };
            let Some(&place) = self.places.get(&content) else { break };
            before = self.touch(place);
            found.push(place);
        }
        found
    }

    /// Notes that `pages`, one after another, hold `tokens`, the last of which may fill no page. Where another page is known to
    /// hold the same, that one takes its place in `pages`.
    pub(crate) fn note(&mut self, owner: &str, tokens: &[Token], pages: &mut [usize]) {
        self.moment += 1;
        let owner = Arc::from(owner);
        let mut before = None;
        for (depth, (page, tokens)) in pages.iter_mut().zip(tokens.chunks_exact(PAGE_TOKENS)).enumerate() {
            let content = Content { owner: Arc::clone(&owner), before, tokens: Box::from(tokens) };
            match self.places.get(&content) {
                Some(&place) => *page = place,
                None => self.add(content, *page, depth),
            }
            before = self.touch(*page);
        }
    }

    fn add(&mut self, content: Content, page: usize, depth: usize) {
        let content = Arc::new(content);
        self.names += 1;
        self.places.insert(Arc::clone(&content), page);
        self.pages.insert(page, KeptPage { content, name: self.names, depth, used: self.moment });
    }

    fn touch(&mut self, page: usize) -> Option<Name> {
        let kept = self.pages.get_mut(&page)?;
        kept.used = self.moment;
        Some(kept.name)
    }

    /// Whether this page's content is known.
    pub(crate) fn holds(&self, page: usize) -> bool {
        self.pages.contains_key(&page)
    }

    /// Forgets `count` of the pages that are `idle`, those that nobody has asked for longest; of one sequence the last first.
    /// Nothing is forgotten where there are not so many.
    pub(crate) fn forget(&mut self, count: usize, idle: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut oldest: Vec<_> = self
            .pages
            .iter()
            .filter(|&(&page, _)| idle(page))
            .map(|(&page, kept)| (kept.used, usize::MAX - kept.depth, page))
            .collect();
        if oldest.len() < count || count == 0 {
            return Vec::new();
        }
        oldest.select_nth_unstable(count - 1);
        oldest.truncate(count);
        let pages: Vec<usize> = oldest.into_iter().map(|(_, _, page)| page).collect();
        for page in &pages {
            if let Some(kept) = self.pages.remove(page) {
                self.places.remove(&kept.content);
            }
        }
        pages
    }
}
