//! Destinations: the services outside this process that the configuration names, what the policy lets each of them have, and how one is
//! added, tried, given another key and taken out. The configuration's file says it; here it is written.

mod told;

use askama::Template;
use axum::response::Response;
use catalog::Catalog;
use gateway::config::{Edit, Editor, NewDestination};
use http::StatusCode;

use crate::answer::{self, Refused};
use crate::asking::{self, Answered};
use crate::call::{Call, Fields};
use crate::entrance;
use crate::page::{self, Page};
use crate::screens::configuring::{self, NotMade};

use told::{Told, Vendor};

/// Models that one form names.
const MODELS_MAX: usize = 64;

#[derive(Template)]
#[template(path = "destinations.html")]
struct DestinationsPage {
    page: Page,
    destinations: Vec<Told>,
    vendors: Vec<Vendor>,
    classes: [&'static str; 3],
    policy: String,
    /// Whether there is a jurisdiction that is home: without one there are no destinations of one's own.
    home: bool,
    may_change: bool,
    /// The file, where it is somebody else's to change.
    read_only: Option<String>,
    filled: Filled,
    mistakes: Vec<String>,
    tried: Option<Tried>,
}

/// What the form was filled with, so that nobody fills it twice; a key is never shown again.
#[derive(Default)]
struct Filled {
    name: String,
    operator: String,
    base_url: String,
    models: String,
    api: String,
    auth: String,
    private: bool,
}

/// What came of trying a model.
struct Tried {
    asked: String,
    answered: Answered,
}

#[derive(Template)]
#[template(path = "destination-ends.html")]
struct Ends {
    page: Page,
    name: String,
    /// What leads nowhere else, and so is gone with it.
    routes: Vec<String>,
}

pub(crate) async fn show(call: Call) -> Result<Response, Refused> {
    let page = frame(&call);
    let page = match call.query.get("added") {
        Some(name) => page.telling(call.language.text_with("destinations-added", &[("name", name)]), true),
        None => page,
    };
    rendered(&call, page, Filled::default(), Vec::new(), None)
}

/// The frame of the list, wherever it was asked for: there the reader comes back to.
fn frame(call: &Call) -> Page {
    Page { path: "/destinations".to_owned(), ..call.page("destinations") }
}

fn rendered(
    call: &Call,
    page: Page,
    filled: Filled,
    mistakes: Vec<String>,
    tried: Option<Tried>,
) -> Result<Response, Refused> {
    let in_force = call.site.app.in_force();
    let settings = &call.site.settings;
    page::render(&DestinationsPage {
        page,
        destinations: told::destinations(&in_force, &call.site.availability),
        vendors: told::vendors(in_force.judgement.catalog()),
        classes: ::policy::Class::ALL.map(::policy::Class::word),
        policy: in_force.judgement.policy().name().to_owned(),
        home: in_force.config.policy.home.is_some(),
        may_change: configuring::may(call),
        read_only: settings.editor.is_none().then(|| settings.path.display().to_string()),
        filled,
        mistakes,
        tried,
    })
}

/// `POST /destinations`: adds one. It is in force when this has answered.
pub(crate) async fn create(call: Call) -> Result<Response, Refused> {
    let filled = Filled::of(&call.form);
    let (mut new, key) = match wanted(&call, &filled) {
        Ok(wanted) => wanted,
        Err(told) => return unmade(&call, frame(&call).telling(told, false), filled, Vec::new()),
    };
    let mut files = Vec::new();
    if let Some(key) = key {
        let path = Editor::secret_path(&new.name).map_err(Refused::ours)?;
        new.key = Some(format!("file:{}", path.display()));
        files.push((path, key.to_owned()));
    }
    let name = new.name.clone();
    match configuring::change(&call, vec![Edit::Destination(new)], files).await {
        Ok(_) => {
            let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
            answer::see(&format!("/destinations?added={name}"))
        }
        Err(NotMade::Mistakes(mistakes)) => unmade(&call, frame(&call), filled, mistakes),
        Err(NotMade::Refused(refused)) => Err(refused),
    }
}

/// What the form asks for, or in the reader's words what it lacks.
fn wanted<'a>(call: &'a Call, filled: &Filled) -> Result<(NewDestination, Option<&'a str>), String> {
    let new = filled.destination(call.site.app.in_force().judgement.catalog());
    let new = new.map_err(|message| call.language.text(message))?;
    if call.site.app.in_force().config.destinations.iter().any(|it| *it.name == *new.name) {
        return Err(call.language.text_with("destinations-taken", &[("name", &new.name)]));
    }
    let key = key(call).map_err(|message| call.language.text(message))?;
    Ok((new, key))
}

/// The form again, with what was wrong.
fn unmade(call: &Call, page: Page, filled: Filled, mistakes: Vec<String>) -> Result<Response, Refused> {
    let response = rendered(call, page, filled, mistakes, None)?;
    Ok(entrance::with_status(response, StatusCode::UNPROCESSABLE_ENTITY))
}

/// `POST /destinations/key`: the key of one that is there, in the place of the one before.
pub(crate) async fn set_key(call: Call) -> Result<Response, Refused> {
    let name = known(&call, call.form.get("name").unwrap_or_default())?;
    let wrong = |message: &str| Refused::Wrong(call.language.text(message));
    let key = key(&call).map_err(wrong)?.ok_or_else(|| wrong("destinations-key-wanted"))?;
    let path = Editor::secret_path(&name).map_err(Refused::ours)?;
    let edit = Edit::DestinationKey { name: name.clone(), key: format!("file:{}", path.display()) };
    configuring::change(&call, vec![edit], vec![(path, key.to_owned())]).await?;
    let page = frame(&call).telling(call.language.text_with("destinations-key-set", &[("name", &name)]), true);
    rendered(&call, page, Filled::default(), Vec::new(), None)
}

/// `GET /destinations/{name}/remove`: what would go. It changes nothing.
pub(crate) async fn ask_remove(call: Call) -> Result<Response, Refused> {
    let name = known(&call, call.named(0)?)?;
    let config = &call.site.app.in_force().config;
    let routes = told::routes_only_to(config, &name);
    page::render(&Ends { page: call.page("destinations"), name, routes })
}

/// `POST /destinations/remove`: takes one out of the configuration, with its key.
pub(crate) async fn remove(call: Call) -> Result<Response, Refused> {
    let name = known(&call, call.form.get("name").unwrap_or_default())?;
    configuring::change(&call, vec![Edit::RemoveDestination(name)], Vec::new()).await?;
    answer::see("/destinations")
}

/// `POST /destinations/try`: asks a model a short question, as anybody of the person's team would.
pub(crate) async fn try_model(call: Call) -> Result<Response, Refused> {
    let model = call.required("model", "refused-unreadable")?;
    let question = call.language.text("destinations-question");
    let answered = asking::short(&call.site, call.account()?, model, &question).await?;
    let tried = Tried { asked: model.to_owned(), answered };
    rendered(&call, frame(&call), Filled::default(), Vec::new(), Some(tried))
}

/// The name of a destination that is there.
fn known(call: &Call, name: &str) -> Result<String, Refused> {
    let found = call.site.app.in_force().config.destinations.iter().any(|it| *it.name == *name);
    if found { Ok(name.to_owned()) } else { Err(Refused::NotFound) }
}

/// The key that was typed, if any: what a header can hold. Otherwise the message that says so.
fn key(call: &Call) -> Result<Option<&str>, &'static str> {
    let Some(key) = call.form.get("key") else { return Ok(None) };
    if key.len() <= 4096 && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(Some(key));
    }
    Err("destinations-key-unfit")
}

impl Filled {
    fn of(form: &Fields) -> Self {
        let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
        Self {
            name: text("name"),
            operator: text("operator"),
            base_url: text("base_url"),
            models: text("models"),
            api: text("api"),
            auth: text("auth"),
            private: form.get("private").is_some(),
        }
    }

    /// As it is written into the file, or the message that says what it lacks. The address may be the catalogue's.
    fn destination(&self, catalog: &Catalog) -> Result<NewDestination, &'static str> {
        let wanted =
            |text: &str, message: &'static str| if text.is_empty() { Err(message) } else { Ok(text.to_owned()) };
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let (provider, region) = self.operator.split_once('/').unwrap_or((&self.operator, ""));
        let base_url = some(&self.base_url).or_else(|| told::base_url(catalog, provider, region));
        let models: Vec<String> = self
            .models
            .split([',', '\n'])
            .map(str::trim)
            .filter(|model| !model.is_empty())
            .take(MODELS_MAX)
            .map(str::to_owned)
            .collect();
        Ok(NewDestination {
            name: wanted(&self.name, "destinations-name-wanted")?,
            base_url: wanted(&base_url.unwrap_or_default(), "destinations-base-url-wanted")?,
            models: if models.is_empty() { return Err("destinations-models-wanted") } else { models },
            api: some(&self.api).or_else(|| told::api(catalog, provider)),
            auth: some(&self.auth),
            key: None,
            provider: some(provider),
            region: some(region),
            private: self.private,
        })
    }
}

#[cfg(test)]
mod tests;
