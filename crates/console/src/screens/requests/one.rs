//! One request: all that the log says of it, in the order in which it happened.

use std::time::Duration;

use askama::Template;
use audit_entry::Class;
use axum::response::Response;
use request_index::Request;

use super::at;
use super::timing::{self, Timing, Try};
use crate::accounts::Permission;
use crate::answer::Refused;
use crate::call::Call;
use crate::language::Written;
use crate::page::{self, Page};

/// What the policies that come with the gate label answers with.
const AI_LABEL: &str = "ai-generated";

#[derive(Template)]
#[template(path = "request.html")]
struct OneRequest {
    page: Page,
    request: Request,
    at: Written,
    class: &'static str,
    took: Option<Duration>,
    timing: Option<Timing>,
    tries: Vec<Try>,
    /// Whether the reader may see the log.
    log: bool,
}

impl OneRequest {
    fn tone(&self) -> &'static str {
        super::tone(self.request.state)
    }

    /// The answer's labels: that of the policies that come with the gate in the reader's language, others as they are.
    fn labels(&self, labels: &str) -> Vec<String> {
        let told = |label: &str| {
            if label == AI_LABEL { self.page.t("chat-machine-wrote") } else { label.to_owned() }
        };
        labels.split(", ").map(told).collect()
    }
}

pub(crate) async fn show(call: Call) -> Result<Response, Refused> {
    let id = call.named(0)?;
    let Some(index) = call.site.index().await? else { return Err(Refused::NotFound) };
    let found = index.request(id).await.map_err(Refused::ours)?;
    let (request, further) = found.ok_or(Refused::NotFound)?;
    let page = call.page("requests");
    page::render(&OneRequest {
        at: page.time(at(request.at)),
        class: request.class.map(Class::word).unwrap_or_default(),
        took: request.duration.map(Duration::from_micros),
        timing: Timing::of(&request, &further),
        tries: timing::tries(&request, further),
        log: call.may(Permission::SeeLog),
        page,
        request,
    })
}
