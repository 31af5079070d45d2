//! The overview: whether the gate answers, what is in flight, what requests of a time came to, whose law they were under, what would be
//! lost if somebody were cut off, what does not work now. It must not know how any of it is counted.

mod cuts;
mod figures;

use askama::Template;
use axum::response::Response;
use gateway::app::Trouble;
use http::header;

use crate::answer::Refused;
use crate::call::Call;
use crate::page::{self, Page};
use crate::screens::set_up;
use crate::screens::subjects;
use crate::site::Site;

pub(crate) use cuts::Cuts;
use cuts::{Cut, Own};
use figures::{Figures, Range};

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    page: Page,
    in_flight: u64,
    places: u64,
    ready: u64,
    entries: Option<u64>,
    trouble: Option<Trouble>,
    /// What does not work now.
    down: Vec<Down>,
    ranges: [Range; 4],
    range: Range,
    /// None where there is no index to ask.
    figures: Option<Figures>,
    cuts: Vec<Cut>,
    /// What nobody else can take away.
    own: Option<Own>,
    /// Whether there has never been a request.
    unused: bool,
    /// What asks the API something, to be copied.
    curl: String,
}

/// A place that does not work now.
struct Down {
    place: String,
    /// `resting`, `withdrawn` or `stopped`.
    state: &'static str,
    why: &'static str,
}

pub(crate) async fn show(call: Call) -> Result<Response, Refused> {
    let site = &call.site;
    let in_force = site.app.in_force();
    let places: Vec<_> = subjects::places(&in_force.judgement).collect();
    let ready = places.iter().filter(|place| site.stand(place).is_ready()).count();
    let range = Range::of(call.query.get("range"));
    let figures = match site.index().await? {
        Some(index) => Some(Figures::read(index, range, call.now(), call.language).await?),
        None => None,
    };
    let (cuts, own) = match &figures {
        Some(figures) => cuts::of(site, &figures.destinations).await?,
        None => (Vec::new(), None),
    };
    let unused = match site.index().await? {
        Some(index) => index.is_empty().await.map_err(Refused::ours)?,
        None => true,
    };
    let overview = Overview {
        page: call.page("overview"),
        in_flight: site.app.in_flight() as u64,
        places: places.len() as u64,
        ready: ready as u64,
        entries: site.recorder.log().map(|log| log.size()),
        trouble: site.app.trouble(),
        down: down(site),
        ranges: Range::ALL,
        range,
        figures,
        cuts,
        own,
        unused,
        curl: first_request(&call),
    };
    page::render(&overview)
}

/// A first question for the first model that can be asked.
fn first_request(call: &Call) -> String {
    let in_force = call.site.app.in_force();
    let model = in_force.judgement.chains().first().map_or("default", |chain| &*chain.model);
    let host = call.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    set_up::curl(&set_up::base(call.site.api_listening, host), model, "$GWANMUN_KEY")
}

fn down(site: &Site) -> Vec<Down> {
    let in_force = site.app.in_force();
    let stands = subjects::places(&in_force.judgement).map(|place| (place, site.stand(place)));
    let down = stands.filter(|(_, stand)| !stand.is_ready());
    down.map(|(place, stand)| Down { place: place.id.to_string(), state: stand.word(), why: stand.why() }).collect()
}

#[cfg(test)]
mod tests;
