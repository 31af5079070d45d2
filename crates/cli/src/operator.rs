//! Who gives commands here, and how what they change outside the server reaches the audit log. It must not know what the
//! commands do.

use audit_log::{Action, Administration, Text, Word};
use gateway::{
    changes::{self, Change},
    clock::Clock,
    data_dir::DataDir,
    database::Database,
};
use model_store::Record;

use crate::{failure::Failure, place::Place, runtime};

/// Who commands: the operating system's number of the user, such as `uid 1000`. A name could only be looked up for it.
pub(crate) fn by() -> String {
    format!("uid {}", rustix::process::getuid().as_raw())
}

/// That something has been done to `subject`, by whoever commands here.
pub(crate) fn change(action: Action, subject: &str, detail: &[(&str, &str)]) -> Change {
    let named = |(name, value): &(&str, &str)| Some((Word::new(*name).ok()?, Text::of(value)));
    let detail = detail.iter().filter_map(named).collect();
    Change::Administration(Administration { action, subject: Text::of(subject), by: Text::of(&by()), detail })
}

/// That a model is in the store now.
pub(crate) fn model_added(record: &Record) -> Change {
    let sha256 = record.sha256.to_string();
    change(Action::ModelAdd, record.name.as_str(), &[("sha256", &sha256), ("source", &record.source)])
}

/// Leaves it for the audit log. The server writes it down within a second, or the next one at its start.
pub(crate) fn leave(place: &Place, change: &Change) -> Result<(), Failure> {
    let data_dir = DataDir::join(&place.data_dir(), &Clock::system())?;
    runtime::new()?.block_on(async {
        let database = Database::open(&data_dir.database()).await?;
        changes::leave(&database, change).await?;
        Ok(())
    })
}
