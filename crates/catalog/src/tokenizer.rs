//! Tokenizers: what the same text costs in each. Holds counts that were measured, computes none.

use std::collections::BTreeMap;
use std::fmt;

use crate::entry::Entry;
use crate::fact::Fact;
use crate::model::language;
use crate::typed::Typed;

/// How a family of models cuts text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokenizer {
    /// How it is called.
    pub name: String,
    /// Tokens in its vocabulary.
    pub vocabulary: Fact<u64>,
    /// Tokens of the same 1,997 sentences of NTREX-128 in each language.
    pub ntrex_tokens: Fact<TokensByLanguage>,
}

/// A count of tokens for each language, by BCP 47 tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokensByLanguage(pub BTreeMap<String, u64>);

impl Tokenizer {
    pub(crate) fn read(entry: &mut Entry<'_, '_>) -> Self {
        Self {
            name: entry.name(),
            vocabulary: entry.fact("vocabulary", |typed| typed.whole(1)),
            ntrex_tokens: entry.fact("ntrex_tokens", tokens),
        }
    }
}

fn tokens(typed: Typed<'_>) -> Result<TokensByLanguage, String> {
    let mut tokens = BTreeMap::new();
    for (tag, item) in typed.table()?.iter() {
        let count = item.as_integer().and_then(|count| u64::try_from(count).ok()).filter(|count| *count > 0);
        let count = count.ok_or_else(|| format!("has no count of tokens for `{tag}`: it must be a whole number"))?;
        tokens.insert(language(tag)?, count);
    }
    Ok(TokensByLanguage(tokens))
}

impl fmt::Display for TokensByLanguage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (tag, tokens)) in self.0.iter().enumerate() {
            let comma = if number > 0 { ", " } else { "" };
            write!(f, "{comma}{tag} {tokens}")?;
        }
        Ok(())
    }
}
