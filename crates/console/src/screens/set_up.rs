//! Set-up: how a client is pointed at the gate, and the configuration in force, to read. The file is what says it; nothing is changed here,
//! and no secret is shown.

use std::net::SocketAddr;

use askama::Template;
use axum::response::Response;
use gateway::config::Setting;
use http::header;

use crate::accounts::Permission;
use crate::answer::Refused;
use crate::call::Call;
use crate::page::{self, Page};

/// What stands for the person's own key.
const KEY: &str = "sk-gwm-YOUR-KEY";

#[derive(Template)]
#[template(path = "set_up.html")]
struct SetUp {
    page: Page,
    base: String,
    models: Vec<String>,
    snippets: [Snippet; 4],
    /// For those who may see the gate.
    configuration: Option<Configuration>,
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
    /// Begins its SHA-256.
    hash: String,
    settings: Vec<Setting>,
    destinations: u64,
    routes: u64,
    teams: u64,
}

pub(crate) async fn show(call: Call) -> Result<Response, Refused> {
    let in_force = call.site.app.in_force();
    let host = call.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let base = base(call.site.api_listening, host);
    let models: Vec<String> = in_force.judgement.chains().iter().map(|chain| chain.model.to_string()).collect();
    let snippets = snippets(&base, models.first().map_or("MODEL", String::as_str));
    let configuration = if call.may(Permission::SeeGate) { Some(configuration(&call).await?) } else { None };
    page::render(&SetUp { page: call.page("set-up"), base, models, snippets, configuration })
}

async fn configuration(call: &Call) -> Result<Configuration, Refused> {
    let config = &call.site.app.in_force().config;
    let path = call.site.settings.path.clone();
    let file = path.display().to_string();
    let is_there = call.site.tasks.blocking("settings file", move || path.exists()).await;
    Ok(Configuration {
        file,
        is_there: is_there.ok_or_else(|| Refused::ours("it could not be seen whether there is a settings file"))?,
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

/// The same first question, by four ways.
fn snippets(base: &str, model: &str) -> [Snippet; 4] {
    let quoted = serde_json::Value::from(model).to_string();
    let environment = format!("export OPENAI_BASE_URL={base}\nexport OPENAI_API_KEY={KEY}");
    let python = format!(
        "from openai import OpenAI\n\nclient = OpenAI(base_url=\"{base}\", api_key=\"{KEY}\")\nanswer = client.chat.completions.create(\n    \
         model={quoted},\n    messages=[{{\"role\": \"user\", \"content\": \"안녕하세요\"}}],\n)\nprint(answer.choices[0].message.content)"
    );
    let javascript = format!(
        "import OpenAI from \"openai\";\n\nconst client = new OpenAI({{ baseURL: \"{base}\", apiKey: \"{KEY}\" }});\nconst answer = await \
         client.chat.completions.create({{\n  model: {quoted},\n  messages: [{{ role: \"user\", content: \"안녕하세요\" }}],\n}});\n\
         console.log(answer.choices[0].message.content);"
    );
    [
        Snippet { name: "environment", code: environment },
        Snippet { name: "curl", code: curl(base, model, KEY) },
        Snippet { name: "python", code: python },
        Snippet { name: "javascript", code: javascript },
    ]
}

#[cfg(test)]
mod tests;
