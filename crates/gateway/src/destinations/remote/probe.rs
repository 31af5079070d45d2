//! Asks a destination which models it has, with its key and with nobody's data: whether it can be reached at all.

use std::collections::BTreeSet;

use http::StatusCode;
use http_body_util::{BodyExt as _, Limited};
use serde_json::Value;

use super::Remote;
use crate::error::ApiError;

/// The longest list that is read: a market of some thousand models takes a few hundred KB.
const LIST_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What a destination that is there says of its models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    /// It has these.
    Models(BTreeSet<String>),
    /// It answers, but has no such list.
    NoList,
}

impl Remote {
    /// Asks for the list of models. An error says why there is no answer, and carries what the destination suffers from.
    pub(crate) async fn probe(&self) -> Result<Offered, ApiError> {
        let ready = self.ready()?;
        let answer = self.first_bytes(ready, ready.requests.models()).await?;
        match answer.status() {
            StatusCode::OK => {}
            // Many servers have chats alone; whoever wants a key says so before.
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => return Ok(Offered::NoList),
            _ => return Err(self.refused(answer, b"").await),
        }
        let reading = Limited::new(answer.into_body(), LIST_BYTES_MAX).collect();
        let body = self.clock.within(self.about.idle_time_max, reading).await.and_then(Result::ok);
        let list = body.and_then(|body| serde_json::from_slice::<Value>(&body.to_bytes()).ok());
        let Some(models) = list.as_ref().and_then(|list| list.get("data")?.as_array()) else {
            return Ok(Offered::NoList);
        };
        let names = models.iter().filter_map(|model| model.get("id")?.as_str());
        // Google's surface writes `models/NAME` where it is asked for `NAME`.
        Ok(Offered::Models(names.map(|name| name.strip_prefix("models/").unwrap_or(name).to_owned()).collect()))
    }
}
