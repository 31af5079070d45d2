//! A second destination's answer as the rest of the first's: its words are cut after those that were given already, and told in
//! chunks of the same stream. Knows no sockets; nothing that could be wrong is passed on.

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use serde_json::{Value, json};
use wire::error::Code;

use super::given::{Given, Said};
use super::restore::events;
use super::seam::{Trimmed, Trimmer};
use super::{Piece, Usage};
use crate::error::ApiError;

/// An answer that goes on with another.
pub(super) struct Joined {
    /// While the seam is looked for; none once it is found, and for a destination that goes on exactly.
    trimmer: Option<Trimmer>,
    /// What readers pass over, told at the seam.
    remark: Option<String>,
    /// What the first took.
    before: Usage,
    finish: Option<Value>,
    usage: Option<Value>,
}

impl Joined {
    /// Without a trimmer the destination goes on exactly where the other ended. `label` names it.
    pub(super) fn new(trimmer: Option<Trimmer>, label: &str, seam_at: u64, before: Usage) -> Self {
        let label: String = label.chars().filter(|letter| !letter.is_control()).collect();
        let remark = Some(format!(": gwanmun: {label} goes on after {seam_at} characters\n\n"));
        Self { trimmer, remark, before, finish: None, usage: None }
    }

    /// Whether the seam was found, and told.
    pub(super) fn is_joined(&self) -> bool {
        self.remark.is_none()
    }

    /// The piece as more of the answer that was begun; empty while the seam is looked for.
    pub(super) fn piece(&mut self, piece: Piece, given: &Given) -> Piece {
        let told = match piece {
            Piece::Part(bytes) => self.read(&bytes, given).map(Piece::Part),
            Piece::Complete(bytes) => self.last(&bytes, given).map(Piece::Complete),
            Piece::Broken(error) => return Piece::Broken(error),
        };
        told.unwrap_or_else(Piece::Broken)
    }

    fn read(&mut self, bytes: &Bytes, given: &Given) -> Result<Bytes, ApiError> {
        let mut out = BytesMut::new();
        for event in events(bytes) {
            let chunk = event.data.and_then(|data| serde_json::from_slice::<Value>(&data).ok());
            let Some(chunk) = chunk else { continue };
            if let Some(usage) = chunk.get("usage").filter(|usage| usage.is_object()) {
                self.usage = Some(usage.clone());
            }
            for choice in chunk.get("choices").and_then(Value::as_array).into_iter().flatten() {
                let said = Said::of(choice);
                if let Some(odd) = said.odd {
                    return Err(apart(odd));
                }
                let trimmed = match &mut self.trimmer {
                    Some(trimmer) => trimmer.push(said.text),
                    None => Trimmed::Joined(said.text.to_owned()),
                };
                self.tell(trimmed, given, &mut out)?;
                if let Some(finish) = said.finish {
                    self.finish = Some(finish.clone());
                }
            }
        }
        Ok(out.freeze())
    }

    /// Its last events: why it ended, and what both took together.
    fn last(&mut self, bytes: &Bytes, given: &Given) -> Result<Bytes, ApiError> {
        let mut out = BytesMut::from(self.read(bytes, given)?);
        if let Some(trimmer) = &mut self.trimmer {
            let trimmed = trimmer.end();
            self.tell(trimmed, given, &mut out)?;
        }
        let finish = self.finish.take().ok_or_else(|| apart("it ended without a reason"))?;
        let choice = json!({"index": 0, "delta": {}, "logprobs": null, "finish_reason": finish});
        out.extend_from_slice(&given.chunk(json!([choice]), None));
        if let Some(usage) = self.usage.take() {
            out.extend_from_slice(&given.chunk(json!([]), Some(("usage", self.both(&usage)))));
        }
        Ok(out.freeze())
    }

    fn tell(&mut self, trimmed: Trimmed, given: &Given, out: &mut BytesMut) -> Result<(), ApiError> {
        let text = match trimmed {
            Trimmed::Held => return Ok(()),
            Trimmed::Apart(why) => return Err(apart(&why.to_string())),
            Trimmed::Joined(text) => text,
        };
        self.trimmer = None;
        if let Some(remark) = self.remark.take() {
            out.extend_from_slice(remark.as_bytes());
        }
        if !text.is_empty() {
            let choice = json!({"index": 0, "delta": {"content": text}, "logprobs": null, "finish_reason": null});
            out.extend_from_slice(&given.chunk(json!([choice]), None));
        }
        Ok(())
    }

    /// What the caller is told that the answer took: each destination counts, and is paid, for itself.
    fn both(&self, usage: &Value) -> Value {
        let own = |name: &str| usage.get(name).and_then(Value::as_u64).unwrap_or(0);
        let prompt = own("prompt_tokens").saturating_add(self.before.prompt_tokens.unwrap_or(0));
        let completion = own("completion_tokens").saturating_add(self.before.completion_tokens.unwrap_or(0));
        json!({
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt.saturating_add(completion),
        })
    }
}

/// The second answer cannot be told as more of the first.
fn apart(why: &str) -> ApiError {
    let message = format!("the answer broke off, and another destination's was not joined to it: {why}");
    ApiError::destination(StatusCode::BAD_GATEWAY, Code::AnswerInterrupted, message)
}
