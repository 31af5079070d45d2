//! A drill's report, from its folder: figures for the page, files to keep. It must not know how a drill is held.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use axum::response::Response;
use gateway::drill::{
    Measured,
    report::{self, Pair, Report},
};

use crate::answer::{self, Refused};
use crate::site::Site;

/// The files of a report, and what each is.
pub(super) const FILES: [(&str, &str); 4] = [
    (report::HTML, "text/html; charset=utf-8"),
    (report::MARKDOWN, "text/markdown; charset=utf-8"),
    (report::JSON, "application/json"),
    (report::PROOF, "text/plain; charset=utf-8"),
];

/// A report, worked out for the page.
pub(crate) struct ReportTold {
    pub(crate) began: String,
    pub(crate) ended: String,
    pub(crate) held: Option<bool>,
    pub(crate) sha256: String,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) during: MeasuredTold,
    pub(crate) before: Option<MeasuredTold>,
    /// Places that answered, with answers before and during.
    pub(crate) places: Vec<(String, Option<u64>, u64)>,
    pub(crate) reasons: Vec<(String, u64)>,
    /// Right answers of the reference questions, of how many: before, and during.
    pub(crate) quality: Option<((u64, u64), (u64, u64))>,
    /// What became of teams and models, those that changed.
    pub(crate) pairs: Vec<Pair>,
    /// How many stayed as they were.
    pub(crate) unchanged: u64,
    /// In sentences of the report.
    pub(crate) not_measured: Vec<String>,
    pub(crate) files: Vec<&'static str>,
}

/// The figures of one stretch.
pub(crate) struct MeasuredTold {
    pub(crate) requests: u64,
    pub(crate) answered: u64,
    pub(crate) degraded: u64,
    pub(crate) unanswered: u64,
    pub(crate) refused: u64,
    pub(crate) p50: Option<Duration>,
    pub(crate) p95: Option<Duration>,
}

/// The report of that drill; none where its file is gone or is none.
pub(super) async fn read(site: &Site, id: &str) -> Result<Option<ReportTold>, Refused> {
    let Some(json) = bytes(site, id, report::JSON).await? else { return Ok(None) };
    let Ok(report) = Report::read(&json) else { return Ok(None) };
    let mut files = Vec::new();
    for (name, _) in FILES {
        // The proof may be missing where the server ended right after the report.
        if site.drills.join(id).join(name).is_file() {
            files.push(name);
        }
    }
    Ok(Some(ReportTold::of(&report, report::sha256(&json), files)))
}

/// A file of the report, to keep.
pub(super) async fn file(site: &Site, id: &str, name: &str) -> Result<Response, Refused> {
    let (name, content_type) = FILES.into_iter().find(|(known, _)| *known == name).ok_or(Refused::NotFound)?;
    let bytes = bytes(site, id, name).await?.ok_or(Refused::NotFound)?;
    answer::download(&format!("gwanmun-drill-{id}-{name}"), content_type, bytes)
}

async fn bytes(site: &Site, id: &str, name: &'static str) -> Result<Option<Vec<u8>>, Refused> {
    let path: PathBuf = site.drills.join(id).join(name);
    let read = site.tasks.blocking("console drill report", move || std::fs::read(path)).await;
    match read.ok_or_else(|| Refused::ours("a drill's report could not be read"))? {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Refused::ours(error)),
    }
}

impl ReportTold {
    fn of(report: &Report, sha256: String, files: Vec<&'static str>) -> Self {
        let before = |place: &str| {
            let before = report.before.as_ref()?;
            Some(before.places.iter().find(|known| known.place == place).map_or(0, |known| known.answers))
        };
        let during = report.during.places.iter().map(|it| (it.place.clone(), before(&it.place), it.answers));
        let mut places: Vec<_> = during.collect();
        for gone in report.before.iter().flat_map(|before| &before.places) {
            if !places.iter().any(|(place, ..)| *place == gone.place) {
                places.push((gone.place.clone(), Some(gone.answers), 0));
            }
        }
        let changed: Vec<Pair> = report.pairs.iter().filter(|pair| changes(pair)).cloned().collect();
        Self {
            began: report.began.clone(),
            ended: report.ended.clone(),
            held: report.held,
            sha256,
            first: report.log.first,
            last: report.log.last,
            during: MeasuredTold::of(&report.during),
            before: report.before.as_ref().map(MeasuredTold::of),
            places,
            reasons: report.during.reasons.iter().map(|it| (it.code.clone(), it.count)).collect(),
            quality: report.quality.as_ref().map(|quality| {
                ((quality.before.right, quality.before.asked), (quality.during.right, quality.during.asked))
            }),
            unchanged: (report.pairs.len() - changed.len()) as u64,
            pairs: changed,
            not_measured: report.not_measured.clone(),
            files,
        }
    }
}

fn changes(pair: &Pair) -> bool {
    !matches!(pair.fate.as_str(), "unchanged" | "refused today")
}

impl MeasuredTold {
    fn of(measured: &Measured) -> Self {
        Self {
            requests: measured.requests,
            answered: measured.answered,
            degraded: measured.degraded,
            unanswered: measured.unanswered,
            refused: measured.refused,
            p50: measured.took_p50_us.map(Duration::from_micros),
            p95: measured.took_p95_us.map(Duration::from_micros),
        }
    }
}
