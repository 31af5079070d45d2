//! The overview: whether the gate answers, what is in flight, what does not work now.

use askama::Template;
use axum::response::Response;

use crate::answer::Refused;
use crate::call::Call;
use crate::page::{self, Page};

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    page: Page,
    in_flight: u64,
    places: u64,
    ready: u64,
    entries: Option<u64>,
    trouble: Option<String>,
}

pub(crate) async fn show(call: Call) -> Result<Response, Refused> {
    let site = &call.site;
    let in_force = site.app.in_force();
    let destinations = in_force.judgement.judge().destinations();
    let ready = destinations.iter().filter(|place| site.availability.state(place).is_ready()).count();
    let overview = Overview {
        page: call.page("overview"),
        in_flight: site.app.in_flight() as u64,
        places: destinations.len() as u64,
        ready: ready as u64,
        entries: site.recorder.log().map(|log| log.size()),
        trouble: site.app.trouble(),
    };
    page::render(&overview)
}
