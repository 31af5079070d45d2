//! Changing the configuration from a page: whether that may be done, doing it, and telling in the reader's words why it was not.

use std::path::{Path, PathBuf};

use gateway::config::{Change, ChangeError, Edit, Editor, Mistake};

use crate::accounts::Permission;
use crate::answer::Refused;
use crate::call::Call;

/// Whether the reader may, and the file is ours to change.
pub(crate) fn may(call: &Call) -> bool {
    call.may(Permission::ChangeSettings) && call.site.settings.editor.is_some()
}

/// Why a change was not made.
pub(crate) enum NotMade {
    /// It would be wrong: each mistake, and how to mend it.
    Mistakes(Vec<String>),
    /// Anything else.
    Refused(Refused),
}

impl From<NotMade> for Refused {
    fn from(not_made: NotMade) -> Self {
        match not_made {
            NotMade::Mistakes(mistakes) => Self::Wrong(mistakes.join("\n")),
            NotMade::Refused(refused) => refused,
        }
    }
}

/// Makes the change in the reader's name; which settings wait for a restart. `files` are made beside the configuration.
pub(crate) async fn change(
    call: &Call,
    edits: Vec<Edit>,
    files: Vec<(PathBuf, String)>,
) -> Result<Vec<&'static str>, NotMade> {
    let editor = editor(call).map_err(NotMade::Refused)?;
    let by = call.by().map_err(NotMade::Refused)?;
    let changed = editor.change(Change { edits, files, by }).await;
    changed.map_err(|error| match error {
        ChangeError::Mistakes(mistakes) => NotMade::Mistakes(mistakes.list().iter().map(|it| told(call, it)).collect()),
        ChangeError::NotToml(_) => wrong(call, "configuring-not-toml"),
        ChangeError::Unrecorded(_) => wrong(call, "configuring-unrecorded"),
        ChangeError::Ended => wrong(call, "configuring-ended"),
        ChangeError::Disk { .. } => {
            let told = call.language.text_with("configuring-disk", &[("why", &error.to_string())]);
            NotMade::Refused(Refused::Wrong(told))
        }
    })
}

/// Of the configuration itself the line is left out: it is one of a text that was not written.
fn told(call: &Call, mistake: &Mistake) -> String {
    let file = Path::new(&mistake.file);
    match file.file_name() {
        Some(name) if file != call.site.settings.path => {
            format!("{}:{}: {}", name.display(), mistake.line, mistake.what)
        }
        Some(_) | None => mistake.what.clone(),
    }
}

/// Where the file is changed, if it is ours to change.
pub(crate) fn editor(call: &Call) -> Result<&Editor, Refused> {
    let path = call.site.settings.path.display().to_string();
    let read_only = || Refused::Wrong(call.language.text_with("configuring-read-only", &[("file", &path)]));
    call.site.settings.editor.as_ref().ok_or_else(read_only)
}

fn wrong(call: &Call, message: &str) -> NotMade {
    NotMade::Refused(Refused::Wrong(call.language.text(message)))
}
