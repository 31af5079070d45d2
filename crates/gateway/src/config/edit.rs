//! Changes of the configuration's text, as somebody makes them on a page: what they do not name stays as it was typed, comments too.
//!
//! It knows no file and checks nothing: what comes out is read and checked as if it had been typed.

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, TomlError, value};

/// The key of the API's destinations in the file.
const DESTINATION: &str = "destination";
const ROUTE: &str = "route";

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Which policy judges (`policy.use`), and where the organisation is (`policy.home`) where that is said.
    Policy {
        /// A shipped policy's name, or a file that ends in `.cedar`.
        used: String,
        /// A jurisdiction of the catalogue. `None`: as it was.
        home: Option<String>,
    },
    /// A `[[destination]]`, in the place of the one of its name where there is one.
    Destination(NewDestination),
    /// Where the key of the destination `name` is, in the place of what stood there.
    DestinationKey {
        /// The destination's.
        name: String,
        /// As [`NewDestination::key`].
        key: String,
    },
    /// No destination of that name, and no route there; a route that led nowhere else is gone with it.
    RemoveDestination(String),
    /// A `[[route]]`, in the place of the one of its model where there is one.
    Route {
        /// What callers ask for.
        model: String,
        /// Where it is answered, in order, as the file writes them.
        destinations: Vec<String>,
    },
    /// No route of that model.
    RemoveRoute(String),
    /// The model that the local floor runs from the next start on.
    LocalModel(String),
}

/// A destination as it is written into the file; what is not said here has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewDestination {
    /// Its name.
    pub name: String,
    /// The address below which it is asked.
    pub base_url: String,
    /// What it offers.
    pub models: Vec<String>,
    /// Whose API it speaks, where it is not OpenAI's.
    pub api: Option<String>,
    /// The header of its key, where it is not the usual one.
    pub auth: Option<String>,
    /// Where its key is: `env:GWANMUN_…` or `file:…`. `None`: it needs none.
    pub key: Option<String>,
    /// Who operates it, in the catalogue, or `own`.
    pub provider: Option<String>,
    /// Which of the provider's regions.
    pub region: Option<String>,
    /// Whether its name may stand for addresses in private networks.
    pub private: bool,
}

impl Edit {
    /// The text with all of `edits` made, in their order.
    ///
    /// # Errors
    /// Where `text` is not TOML.
    pub fn all(edits: &[Self], text: &str) -> Result<String, TomlError> {
        let mut document: DocumentMut = text.parse()?;
        for edit in edits {
            edit.make(&mut document);
        }
        Ok(document.to_string())
    }

    fn make(&self, document: &mut DocumentMut) {
        match self {
            Self::Policy { used, home } => {
                set(document, "policy", "use", used);
                if let Some(home) = home {
                    set(document, "policy", "home", home);
                }
            }
            Self::LocalModel(model) => set(document, "local", "model", model),
            Self::Destination(new) => put(document, DESTINATION, "name", &new.name, new.table()),
            Self::DestinationKey { name, key } => {
                let tables = document.get_mut(DESTINATION).and_then(Item::as_array_of_tables_mut);
                let found = tables.and_then(|tables| tables.iter_mut().find(|table| names(table, "name", name)));
                if let Some(table) = found {
                    table.insert("key", value(key));
                }
            }
            Self::RemoveDestination(name) => {
                remove(document, DESTINATION, "name", name);
                leave_out(document, name);
            }
            Self::Route { model, destinations } => {
                let mut table = Table::new();
                table.insert("model", value(model));
                table.insert("destinations", value(destinations.iter().collect::<Array>()));
                put(document, ROUTE, "model", model, table);
            }
            Self::RemoveRoute(model) => remove(document, ROUTE, "model", model),
        }
    }
}

impl NewDestination {
    fn table(&self) -> Table {
        let mut table = Table::new();
        table.insert("name", value(&self.name));
        table.insert("base_url", value(&self.base_url));
        table.insert("models", value(self.models.iter().collect::<Array>()));
        let told = [
            ("api", &self.api),
            ("auth", &self.auth),
            ("key", &self.key),
            ("provider", &self.provider),
            ("region", &self.region),
        ];
        for (key, told) in told.into_iter().filter_map(|(key, told)| Some((key, told.as_ref()?))) {
            table.insert(key, value(told));
        }
        if self.private {
            table.insert("private", value(true));
        }
        table
    }
}

/// Sets `[section] key`; a comment that stands behind the old value stays.
fn set(document: &mut DocumentMut, section: &str, key: &str, to: &str) {
    let item = document.entry(section).or_insert_with(|| Item::Table(Table::new()));
    let Some(table) = item.as_table_like_mut() else {
        *item = Item::Table(Table::from_iter([(key, to)]));
        return;
    };
    let mut new = toml_edit::Value::from(to);
    if let Some(old) = table.get(key).and_then(Item::as_value) {
        *new.decor_mut() = old.decor().clone();
    }
    table.insert(key, Item::Value(new));
}

/// The `[[list]]`, made where there is none.
fn list<'a>(document: &'a mut DocumentMut, list: &str) -> Option<&'a mut ArrayOfTables> {
    let item = document.entry(list).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    // What is written otherwise is a mistake of the file, and is told as one when it is read.
    item.as_array_of_tables_mut()
}

/// Whether the table's `key` is `name`.
fn names(table: &Table, key: &str, name: &str) -> bool {
    table.get(key).and_then(Item::as_str) == Some(name)
}

fn place(tables: &ArrayOfTables, key: &str, name: &str) -> Option<usize> {
    tables.iter().position(|table| names(table, key, name))
}

/// Puts `table` where the one whose `key` is `name` stands, or at the end.
fn put(document: &mut DocumentMut, of: &str, key: &str, name: &str, table: Table) {
    let Some(tables) = list(document, of) else { return };
    match place(tables, key, name).and_then(|place| tables.get_mut(place)) {
        Some(old) => {
            let (decor, position) = (old.decor().clone(), old.position());
            *old = table;
            *old.decor_mut() = decor;
            old.set_position(position);
        }
        None => tables.push(table),
    }
}

fn remove(document: &mut DocumentMut, of: &str, key: &str, name: &str) {
    let Some(tables) = document.get_mut(of).and_then(Item::as_array_of_tables_mut) else { return };
    if let Some(place) = place(tables, key, name) {
        tables.remove(place);
    }
}

/// Takes a destination out of every route.
fn leave_out(document: &mut DocumentMut, name: &str) {
    let Some(routes) = document.get_mut(ROUTE).and_then(Item::as_array_of_tables_mut) else { return };
    let leads_there = |step: &str| step.split_once('/').map_or(step, |(destination, _)| destination) == name;
    let mut empty = Vec::new();
    for (place, route) in routes.iter_mut().enumerate() {
        let Some(steps) = route.get_mut("destinations").and_then(Item::as_array_mut) else { continue };
        let before = steps.len();
        steps.retain(|step| !step.as_str().is_some_and(leads_there));
        if steps.is_empty() && before > 0 {
            empty.push(place);
        }
    }
    for place in empty.into_iter().rev() {
        routes.remove(place);
    }
}
