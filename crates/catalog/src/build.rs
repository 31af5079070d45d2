//! From the texts of files to a catalogue: parsed, laid over each other, read, checked for circles. All mistakes at once.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use toml_edit::Document;

use crate::Catalog;
use crate::accelerator::Accelerator;
use crate::blocs::{self, Bloc};
use crate::entry::{Entry, Said};
use crate::fact::Fact;
use crate::folder::File;
use crate::hash;
use crate::index::{Index, Kind, Parsed, Placed};
use crate::jurisdiction::Jurisdiction;
use crate::licence::Licence;
use crate::mistakes::{At, Found, Mistakes};
use crate::model::Model;
use crate::organisation::Organisation;
use crate::provider::Provider;
use crate::quantisation::Quantisation;
use crate::tokenizer::Tokenizer;
use crate::typed::Typed;

/// Builds the catalogue of the compiled-in files with the operator's laid over them.
pub(crate) fn build(shipped: &[(&str, &str)], own: &[File]) -> Result<Catalog, Mistakes> {
    let named = shipped.iter().map(|(name, text)| ((*name).to_owned(), *text));
    let files: Vec<(String, &str)> =
        named.chain(own.iter().map(|file| (file.name.clone(), file.text.as_str()))).collect();
    let mut found = Found::default();
    let mut parsed = Vec::new();
    for (number, (name, text)) in files.iter().enumerate() {
        match Document::parse(*text) {
            Ok(document) => parsed.push(Parsed { name, text, shipped: number < shipped.len(), document }),
            Err(error) => {
                let at = At { file: number, byte: 0 }.or(error.span());
                found.add(at, format!("this is not TOML: {}", error.message().trim().replace('\n', ", ")));
            }
        }
    }
    if parsed.len() < files.len() {
        mem::take(&mut found).finish(&files)?;
    }
    let index = Index::of(&parsed, &mut found);
    let mut reading = Reading { index: &index, found: &mut found, said: BTreeMap::new() };
    let jurisdictions = reading.all(Kind::Jurisdiction, jurisdiction);
    let mut blocs = reading.all(Kind::Bloc, Bloc::read);
    let organisations = reading.all(Kind::Organisation, Organisation::read);
    let licences = reading.all(Kind::Licence, Licence::read);
    let tokenizers = reading.all(Kind::Tokenizer, Tokenizer::read);
    let providers = reading.all(Kind::Provider, Provider::read);
    let models = reading.all(Kind::Model, Model::read);
    let quantisations = reading.all(Kind::Quantisation, Quantisation::read);
    let accelerators = reading.all(Kind::Accelerator, Accelerator::read);
    reading.circles(Kind::Bloc, "contains itself", &blocs, |bloc| bloc.inner().collect());
    reading.circles(Kind::Organisation, "controls itself", &organisations, |one| one.parent_id().into_iter().collect());
    reading.circles(Kind::Model, "is built on itself", &models, |model| model.base_id().into_iter().collect());
    let said = reading.said;
    found.finish(&files)?;
    blocs::expand(&mut blocs);
    let jurisdictions = jurisdictions.into_iter().filter_map(|(code, name)| Some((code.parse().ok()?, name)));
    let jurisdictions: BTreeMap<Jurisdiction, Fact<String>> = jurisdictions.collect();
    let hash = hash::of(&said);
    Ok(Catalog {
        jurisdictions,
        blocs,
        organisations,
        licences,
        tokenizers,
        providers,
        models,
        quantisations,
        accelerators,
        said,
        hash,
    })
}

fn jurisdiction(entry: &mut Entry<'_, '_>) -> Fact<String> {
    let name = entry.fact("name", Typed::owned);
    entry.required("name", &name);
    name
}

struct Reading<'a, 'f> {
    index: &'a Index<'a>,
    found: &'f mut Found,
    said: BTreeMap<(Kind, String), Said>,
}

impl<'a> Reading<'a, '_> {
    /// Every entry of a kind.
    fn all<T>(&mut self, kind: Kind, read: impl Fn(&mut Entry<'a, '_>) -> T) -> BTreeMap<String, T> {
        let of_kind = self.index.entries.iter().filter(|((of, _), _)| *of == kind);
        let placed: Vec<(&str, Placed<'a>)> = of_kind.map(|((_, id), placed)| (*id, *placed)).collect();
        let mut all = BTreeMap::new();
        for (id, placed) in placed {
            let mut entry = Entry::new(kind, id, placed, self.index, self.found);
            all.insert(id.to_owned(), read(&mut entry));
            let said = Said { shipped: placed.shipped, at: placed.at, lines: entry.finish() };
            self.said.insert((kind, id.to_owned()), said);
        }
        all
    }

    /// Tells of each circle once, at its first entry by name.
    fn circles<T>(&mut self, kind: Kind, does: &str, entries: &BTreeMap<String, T>, next: impl Fn(&T) -> Vec<&str>) {
        let mut open: BTreeMap<&str, Vec<&str>> =
            entries.iter().map(|(id, entry)| (id.as_str(), next(entry))).collect();
        // Whoever leads nowhere is in no circle; take them away until none is left to take.
        loop {
            let ids: BTreeSet<&str> = open.keys().copied().collect();
            for next in open.values_mut() {
                next.retain(|id| ids.contains(id));
            }
            let before = open.len();
            open.retain(|_, next| !next.is_empty());
            if open.len() == before {
                break;
            }
        }
        let mut told = BTreeSet::new();
        for start in open.keys() {
            let mut path = vec![*start];
            let closes = loop {
                let last = path.last().and_then(|id| open.get(id)).and_then(|next| next.first());
                let Some(next) = last else { break None };
                if let Some(begins) = path.iter().position(|id| id == next) {
                    break Some(begins);
                }
                path.push(next);
            };
            let circle = closes.and_then(|begins| path.get(begins..)).unwrap_or_default();
            if circle.iter().any(|id| told.contains(id)) {
                continue;
            }
            told.extend(circle.iter().copied());
            let Some(first) = circle.iter().min() else { continue };
            let at = self.said.get(&(kind, (*first).to_owned())).map(|said| said.at).unwrap_or_default();
            let way = circle.iter().cycle().skip_while(|id| *id != first).take(circle.len() + 1);
            let way: Vec<&str> = way.copied().collect();
            self.found.add(at, format!("`{kind}.{first}` {does}: {}; take one link out", way.join(" → ")));
        }
    }
}
