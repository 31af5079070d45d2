//! Set-up: how a client is pointed at the gate with a key of the reader's own, and the configuration in force, to read. The file is what
//! says it; it is changed on other pages, and no secret is shown but a key on the page that answers its making.

use std::net::SocketAddr;

use askama::Template;
use axum::response::Response;
use gateway::config::Setting;
use gateway::keys::{KeyStoreError, ListedKey, WantedKey};
use http::header;

use crate::accounts::Permission;
use crate::answer::{self, Refused};
use crate::call::Call;
use crate::page::{self, Page};
use crate::screens::keys::told;

/// What stands for the person's own key.
const KEY: &str = "sk-gwm-YOUR-KEY";

#[derive(Template)]
#[template(path = "set_up.html")]
struct SetUp {
    page: Page,
    base: String,
    models: Vec<String>,
    /// A key that was just made.
    made: Option<String>,
    snippets: [Snippet; 4],
    /// For those who may ask.
    own: Option<Own>,
    /// For those who may see the gate.
    configuration: Option<Configuration>,
}

/// The keys that the reader has made for themself.
struct Own {
    in_force: Vec<ListedKey>,
    /// The team that they count as.
    team: String,
    /// What the form is filled with.
    name: String,
}

/// Something to copy.
struct Snippet {
    /// Ends the name of its message, and is the place that is copied.
    name: &'static str,
    code: String,
}

/// What is in force.
struct Configuration {
    file: String,
    /// Whether there is a file: without one, everything is as it comes.
    is_there: bool,
    /// Whether the console writes into it too.
    is_written: bool,
    /// Begins its SHA-256.
    hash: String,
    settings: Vec<Setting>,
    destinations: u64,
    routes: u64,
    teams: u64,
}

pub(crate) async fn show(call: Call) -> Result<Response, Refused> {
    let name = call.account()?.name.to_string();
    all(&call, call.page("set-up"), None, name).await
}

/// Makes a key for the reader, as their team: it may what their questions on the chat page may, and ends with the account.
pub(crate) async fn make_key(call: Call) -> Result<Response, Refused> {
    let name = call.required("name", "keys-name-wanted")?;
    let account = call.account()?;
    let wanted = WantedKey { account: Some(&account.name), ..WantedKey::new(name, &account.team) };
    match call.site.keys.create(&wanted, &call.by()?, call.now()).await {
        Ok(made) => all(&call, call.page("set-up"), Some(made.text.reveal()), account.name.to_string()).await,
        Err(error) => failed(&call, error, name).await,
    }
}

/// Ends a key that the reader has made for themself; nobody else's.
pub(crate) async fn end_key(call: Call) -> Result<Response, Refused> {
    let id = call.required("id", "refused-unreadable")?;
    let account = &call.account()?.name;
    let own = call.site.keys.of_account(account).await.map_err(Refused::ours)?;
    if !own.iter().any(|key| key.id == id) {
        return failed(&call, KeyStoreError::NotFound { wanted: id.to_owned() }, account).await;
    }
    match call.site.keys.revoke(id, &call.by()?, call.now()).await {
        Ok(_) => answer::see("/set-up"),
        Err(error) => failed(&call, error, account).await,
    }
}

async fn failed(call: &Call, error: KeyStoreError, name: &str) -> Result<Response, Refused> {
    let page = call.page("set-up").telling(told(call, error)?, false);
    all(call, page, None, name.to_owned()).await.map(answer::not_done)
}

/// The page; `key` is one that was just made, `name` fills the form.
async fn all(call: &Call, page: Page, key: Option<&str>, name: String) -> Result<Response, Refused> {
    let in_force = call.site.app.in_force();
    let host = call.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let base = base(call.site.api_listening, host);
    let models: Vec<String> = in_force.judgement.chains().iter().map(|chain| chain.model.to_string()).collect();
    let snippets = snippets(&base, models.first().map_or("MODEL", String::as_str), key.unwrap_or(KEY));
    let configuration = if call.may(Permission::SeeGate) { Some(configuration(call).await?) } else { None };
    let account = call.account()?;
    let own = if call.may(Permission::Chat) {
        let in_force = call.site.keys.of_account(&account.name).await.map_err(Refused::ours)?;
        Some(Own { in_force, team: account.team.to_string(), name })
    } else {
        None
    };
    page::render(&SetUp { page, base, models, snippets, own, made: key.map(str::to_owned), configuration })
}

async fn configuration(call: &Call) -> Result<Configuration, Refused> {
    let config = &call.site.app.in_force().config;
    let path = call.site.settings.path.clone();
    let file = path.display().to_string();
    let is_there = call.site.tasks.blocking("settings file", move || path.exists()).await;
    let is_there = is_there.ok_or_else(|| Refused::ours("it could not be seen whether there is a settings file"))?;
    Ok(Configuration {
        file,
        is_there,
        is_written: is_there && call.site.settings.editor.is_some(),
        hash: config.version.to_string(),
        settings: config.settings(),
        destinations: config.destinations.len() as u64,
        routes: config.routes.len() as u64,
        teams: config.teams.len() as u64,
    })
}

/// Where clients send requests: where the API listens, or where it listens everywhere, under the name by which the console was asked.
pub(crate) fn base(listening: SocketAddr, host: &str) -> String {
    if !listening.ip().is_unspecified() {
        return format!("http://{listening}/v1");
    }
    // `[::1]:4001` and `gate:4001` without the port; `[::1]` has none.
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|char| char.is_ascii_digit()) => name,
        _ => host,
    };
    format!("http://{name}:{}/v1", listening.port())
}

/// A first question as a command, for whoever has that key; `key` may be a variable of the shell.
pub(crate) fn curl(base: &str, model: &str, key: &str) -> String {
    let body = serde_json::json!({ "model": model, "messages": [{ "role": "user", "content": "안녕하세요" }] });
    // Within single quotes a shell takes everything as it stands, but for those quotes.
    let body = body.to_string().replace('\'', r"'\''");
    format!(
        "curl {base}/chat/completions \\\n  -H \"Authorization: Bearer {key}\" \\\n  -H \"Content-Type: application/json\" \\\n  -d '{body}'"
    )
}

/// The same first question, by four ways, with that key.
fn snippets(base: &str, model: &str, key: &str) -> [Snippet; 4] {
    let quoted = serde_json::Value::from(model).to_string();
    let environment = format!("export OPENAI_BASE_URL={base}\nexport OPENAI_API_KEY={key}");
    let python = format!(
        "from openai import OpenAI\n\nclient = OpenAI(base_url=\"{base}\", api_key=\"{key}\")\nanswer = client.chat.completions.create(\n    \
         model={quoted},\n    messages=[{{\"role\": \"user\", \"content\": \"안녕하세요\"}}],\n)\nprint(answer.choices[0].message.content)"
    );
    let javascript = format!(
        "import OpenAI from \"openai\";\n\nconst client = new OpenAI({{ baseURL: \"{base}\", apiKey: \"{key}\" }});\nconst answer = await \
         client.chat.completions.create({{\n  model: {quoted},\n  messages: [{{ role: \"user\", content: \"안녕하세요\" }}],\n}});\n\
         console.log(answer.choices[0].message.content);"
    );
    [
        Snippet { name: "environment", code: environment },
        Snippet { name: "curl", code: curl(base, model, key) },
        Snippet { name: "python", code: python },
        Snippet { name: "javascript", code: javascript },
    ]
}

#[cfg(test)]
mod tests;
