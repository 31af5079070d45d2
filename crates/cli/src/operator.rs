//! Who gives commands here, and how what they change outside the server reaches the audit log. It must not know what the
//! commands do.

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

/// Leaves it for the audit log. The server writes it down within a second, or the next one at its start.
pub(crate) fn leave(place: &Place, change: &Change) -> Result<(), Failure> {
    let data_dir = DataDir::join(&place.data_dir(), &Clock::system())?;
    runtime::new()?.block_on(async {
        let database = Database::open(&data_dir.database()).await?;
        changes::leave(&database, change).await?;
        Ok(())
    })
}
