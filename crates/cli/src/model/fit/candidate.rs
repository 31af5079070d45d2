//! The models that are judged: those in the store and in files by what their files say, those of the catalogue by their
//! facts.

use std::path::Path;

use ::catalog::{
    Catalog, Precision,
    fit::{Network, Sizes},
};
use model_store::{ModelName, Store, StoreError, Stored};
use serde::Serialize;

use crate::failure::Failure;

/// Where a model was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum From {
    File,
    Store,
    Catalogue,
}

/// One model, not judged yet.
pub(super) struct Candidate {
    pub(super) name: String,
    /// How it is called, where that is more than its name.
    pub(super) title: Option<String>,
    pub(super) from: From,
    /// As GGUF files call it; none where nobody says.
    pub(super) architecture: Option<String>,
    pub(super) parameters: u64,
    pub(super) active: u64,
    pub(super) cache_is_estimated: bool,
    /// The longest context that it takes.
    pub(super) context_tokens_max: Option<u64>,
    /// How its weights may be stored, the fewest bits first; one for a file. Never empty.
    pub(super) forms: Vec<Form>,
}

/// One way of storing its weights.
pub(super) struct Form {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) precision: Precision,
    /// Whether the floor reads weights stored so.
    pub(super) is_floors: bool,
    /// Whether it is the one that the model is published in, and no other is made of it.
    pub(super) is_its_own: bool,
    pub(super) sizes: Sizes,
}

impl Form {
    /// Quantised as its developer has: what is stored in less than 16 bits is computed in those.
    fn published(network: &Network, millibits: u64, active_millibits: u64) -> Self {
        let (id, name) = ("published".to_owned(), "its own form".to_owned());
        let sizes = network.sizes(millibits, active_millibits);
        Self { id, name, precision: Precision::Bf16, is_floors: true, is_its_own: true, sizes }
    }
}

impl Candidate {
    /// Whether the floor computes its architecture; none where nobody says which it is.
    pub(super) fn is_floors(&self) -> Option<bool> {
        let architecture = self.architecture.as_deref()?;
        Some(local_model_cpu::architectures().any(|known| known == architecture))
    }
}

/// All that can be judged, and how many cannot because nobody says their size; with what is wrong with stored ones.
pub(super) fn all(store: &Store, catalog: &Catalog) -> Result<(Vec<Candidate>, usize, Vec<Failure>), Failure> {
    let listing = store.list()?;
    let mut broken: Vec<Failure> = listing.broken.into_iter().map(Failure::from).collect();
    let mut found = Vec::new();
    for stored in listing.models.iter().filter(|stored| stored.record.facts.dimensions.is_none()) {
        match of_stored(stored) {
            Ok(candidate) => found.push(candidate),
            Err(failure) => broken.push(failure),
        }
    }
    let (mut listed, mut unknown) = (Vec::new(), 0);
    for (id, _) in catalog.models() {
        match of_catalogue(catalog, id) {
            Some(candidate) => listed.push(candidate),
            None => unknown += 1,
        }
    }
    listed.sort_by_key(|candidate| candidate.parameters);
    found.extend(listed);
    Ok((found, unknown, broken))
}

/// The one that was meant: a file, a stored model or one of the catalogue.
pub(super) fn one(typed: &str, store: &Store, catalog: &Catalog) -> Result<Candidate, Failure> {
    if typed.contains('/') || typed.to_ascii_lowercase().ends_with(".gguf") {
        return of_file(Path::new(typed), typed.to_owned(), From::File);
    }
    if let Ok(name) = typed.parse::<ModelName>() {
        match store.show(&name) {
            Ok(stored) => return of_stored(&stored),
            Err(StoreError::NotThere(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    match (of_catalogue(catalog, typed), catalog.model(typed).is_some()) {
        (Some(candidate), _) => Ok(candidate),
        (None, true) => Err(Failure::trouble(format!("nobody says how many weights `{typed}` has"))
            .hint("where you know it, write the entry in a folder of your own with `parameters`: `--folder DIR`")),
        (None, false) if model_store::known_model(typed).is_some() => {
            Err(Failure::trouble(format!("`{typed}` is not here, and is judged by its file"))
                .hint(format!("`gwanmun model pull {typed}` fetches it")))
        }
        (None, false) => Err(Failure::trouble(format!(
            "`{typed}` is neither a stored model nor one of the catalogue, nor a path to a GGUF file"
        ))
        .hint("`gwanmun model list` and `gwanmun catalog list --kind model` show them; a file is named by its path, `./FILE.gguf`")),
    }
}

fn of_stored(stored: &Stored) -> Result<Candidate, Failure> {
    let name = stored.record.name.to_string();
    if stored.record.facts.dimensions.is_some() {
        return Err(Failure::trouble(format!("`{name}` makes vectors of texts: it is small, and not judged"))
            .hint("`gwanmun model show` says how large it is"));
    }
    of_file(&stored.path, name, From::Store)
}

fn of_file(path: &Path, name: String, from: From) -> Result<Candidate, Failure> {
    let refused = |error: local_model_cpu::LoadError| {
        Failure::trouble(format!("`{name}` cannot be judged: {error}")).hint(
            "what the floor does not compute needs a server as a destination; `docs/models.md` lists what it does",
        )
    };
    let card = local_model_cpu::inspect(path).map_err(refused)?;
    let asked = local_model_cpu::file_sizes(path).map_err(refused)?;
    let sizes = Sizes {
        weight_bytes: asked.weight_bytes,
        read_bytes: asked.read_bytes,
        cache_bytes_a_token: asked.cache_bytes_a_token,
        cache_shards: None,
    };
    // Of a mixture, the share of the weights that is read.
    let share = u128::from(card.parameters) * u128::from(sizes.read_bytes) / u128::from(sizes.weight_bytes.max(1));
    Ok(Candidate {
        title: (from == From::File).then_some(card.name),
        name,
        from,
        architecture: Some(card.architecture),
        parameters: card.parameters,
        active: u64::try_from(share).unwrap_or(card.parameters),
        cache_is_estimated: false,
        context_tokens_max: Some(card.context_tokens),
        forms: vec![Form {
            id: "file".to_owned(),
            name: card.quantisation,
            precision: Precision::Bf16,
            is_floors: true,
            is_its_own: false,
            sizes,
        }],
    })
}

/// None where it is not there, or nobody says how large it is.
fn of_catalogue(catalog: &Catalog, id: &str) -> Option<Candidate> {
    let model = catalog.model(id)?;
    let network = Network::of(model)?;
    let mut stored: Vec<(u64, Form)> = catalog
        .quantisations()
        .filter_map(|(id, quantisation)| {
            let millibits = *quantisation.weight_millibits.known()?;
            let form = Form {
                id: id.to_owned(),
                name: quantisation.name.clone(),
                precision: quantisation.computed_in.known().copied().unwrap_or(Precision::Bf16),
                is_floors: quantisation.in_gguf.known() == Some(&true),
                is_its_own: false,
                sizes: network.sizes(millibits, millibits),
            };
            Some((millibits, form))
        })
        .collect();
    stored.sort_by_key(|(millibits, _)| *millibits);
    let published = model.published_millibits.known().map(|millibits| {
        let active = model.published_active_millibits.known().unwrap_or(millibits);
        Form::published(&network, *millibits, *active)
    });
    let forms = published.map_or_else(|| stored.into_iter().map(|(_, form)| form).collect(), |form| vec![form]);
    Some(Candidate {
        name: id.to_owned(),
        title: Some(model.name.clone()),
        from: From::Catalogue,
        architecture: model.architecture.known().cloned(),
        parameters: network.parameters,
        active: network.active,
        cache_is_estimated: network.cache_is_estimated,
        context_tokens_max: model.context_tokens.known().copied(),
        forms,
    })
}
