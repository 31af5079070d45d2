//! Withdrawals that may end without an operator, for the causes that the configuration names: a place is asked which models it has, by
//! a request without anybody's data, and comes back if that shows that the cause is gone. Nothing else is ever sent to a withdrawn place.

use std::{sync::Arc, time::Duration};

use super::{
    Cause, Withdrawal,
    store::{self, Return},
};
use crate::{
    app::App,
    database::{Database, DatabaseError},
    destinations::Destination,
    tasks::Tasks,
    withdrawal::Subject,
};

/// How often a withdrawn place is asked.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Who lets back what no operator has let back.
const BY_POLICY: &str = "policy";

/// Looks for what may return, for as long as the process lives.
pub fn follow_returns(app: &Arc<App>, database: Database, tasks: &Tasks) {
    let app = Arc::clone(app);
    tasks.start("returns", |stop| async move {
        loop {
            tokio::select! {
                () = stop.draining() => break,
                () = app.clock().sleep(LOOK_EVERY) => {}
            }
            tokio::select! {
                () = stop.draining() => break,
                looked = look(&app, &database) => if let Err(error) = looked {
                    tracing::error!(%error, "the end of a withdrawal cannot be stored: {error}");
                },
            }
        }
    });
}

/// Ends those withdrawals whose cause the configuration names, and is gone.
pub(super) async fn look(app: &App, database: &Database) -> Result<(), DatabaseError> {
    let causes = app.in_force().config.availability.automatic_return.clone();
    let in_force = app.availability().withdrawals();
    for withdrawal in in_force.iter().filter(|it| causes.contains(&it.cause)) {
        if is_gone(app, withdrawal).await {
            let why = "the list of models is to be had again";
            let now = app.clock().wall();
            store::end(database, &withdrawal.subject, (BY_POLICY, why), Return::Automatic(withdrawal.cause), now)
                .await?;
        }
    }
    Ok(())
}

/// Whether the cause is gone. What is no single destination cannot be asked.
async fn is_gone(app: &App, withdrawal: &Withdrawal) -> bool {
    let (name, model) = match &withdrawal.subject {
        Subject::Destination(name) => (name, None),
        Subject::Place(name, model) => (name, Some(model)),
        Subject::Provider(_)
        | Subject::Operator(_)
        | Subject::Model(_)
        | Subject::Jurisdiction(_)
        | Subject::Outside(_) => return false,
    };
    let force = app.in_force();
    let Some(Destination::Remote(remote)) = force.destination(name) else { return false };
    match remote.models().await {
        Ok(models) => model.is_none_or(|model| models.iter().any(|known| *known == *remote.upstream(model))),
        // Whatever it answers, it has a name, and speaks TLS with us.
        Err(error) => {
            let answered = error.diagnosis().is_some_and(|diagnosis| diagnosis.evidence.status.is_some());
            answered && matches!(withdrawal.cause, Cause::Tls | Cause::Name)
        }
    }
}

#[cfg(test)]
mod tests;
