//! Who gives commands here, and how what they change outside the server reaches the audit log. It must not know what the
//! commands do.

use audit_log::{Action, Administration, Text, Word};
use gateway::{
    changes::{self, Change},
    clock::Clock,
    data_dir::DataDir,
    database::Database,
};

use crate::{failure::Failure, place::Place, runtime};

/// Who commands: the operating system's number of the user, such as `uid 1000`. A name could only be looked up for it.
pub(crate) fn by() -> String {
    format!("uid {}", rustix::process::getuid().as_raw())
}

/// Leaves for the audit log that something has been done to `subject`. The server writes it down within a second, or the
/// next one at its start.
pub(crate) fn leave(place: &Place, action: Action, subject: &str, detail: &[(&str, String)]) -> Result<(), Failure> {
    let data_dir = DataDir::join(&place.data_dir(), &Clock::system())?;
    let named = |(name, value): &(&str, String)| Some((Word::new(*name).ok()?, Text::of(value)));
    let detail = detail.iter().filter_map(named).collect();
    let change =
        Change::Administration(Administration { action, subject: Text::of(subject), by: Text::of(&by()), detail });
    runtime::new()?.block_on(async {
        let database = Database::open(&data_dir.database()).await?;
        changes::leave(&database, &change).await?;
        Ok(())
    })
}
