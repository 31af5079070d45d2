//! What if: asked of the configuration in force, the keys, and what is withdrawn already. Shared by all screens that show what a
//! withdrawal would mean. It must not know how it is shown.

use std::sync::Arc;

use gateway::what_if::{self, Question, WhatIf};
use gateway::withdrawal::Subject;

use super::cut_off::withdrawals;
use crate::answer::Refused;
use crate::call::Call;

/// What would be, with these withdrawn too. No log is read: it says where requests would go, not how many.
pub(crate) async fn what_if(call: &Call, subjects: Vec<Subject>) -> Result<WhatIf, Refused> {
    let site = &call.site;
    let already = withdrawals(site).await?.into_iter().map(|it| it.subject).collect();
    let keys = site.keys.list().await.map_err(Refused::ours)?;
    let keys = keys.into_iter().filter(|key| key.revoked_at.is_none());
    let keys = keys.map(|key| (Arc::<str>::from(key.team), key.class)).collect();
    let in_force = site.app.in_force();
    let question = Question { subjects, already, keys };
    // Judging each team, model and class takes milliseconds, of many more than one: not on a thread that answers.
    let work = move || {
        let teams: Vec<Arc<str>> = in_force.config.teams.keys().cloned().collect();
        what_if::what_if(&in_force.judgement, &teams, &question, None)
    };
    let found = site.tasks.blocking("console what-if", work).await;
    found.ok_or_else(|| Refused::ours("what would be could not be worked out"))
}
