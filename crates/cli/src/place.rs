//! Where the data directory is. Its layout is the gateway's; this knows only how it is named and what lies where.

use std::path::{Path, PathBuf};

use clap::Args;

/// The folder under a user's data, and the one in the working directory where the user has no home.
const FOLDER: &str = "gwanmun";
const FOLDER_WITHOUT_HOME: &str = "gwanmun-data";

/// `--data-dir`
#[derive(Args, Clone, Debug)]
pub(crate) struct Place {
    /// Where keys, models and the audit log lie [default: $XDG_DATA_HOME/gwanmun, else ~/.local/share/gwanmun; where the
    /// user has no home, as in many containers, ./gwanmun-data]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl Place {
    /// The data directory; it need not exist.
    pub(crate) fn data_dir(&self) -> PathBuf {
        if let Some(chosen) = &self.data_dir {
            return chosen.clone();
        }
        #[expect(clippy::disallowed_methods, reason = "the default of `--data-dir`")]
        let data_home = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = std::env::home_dir().filter(|home| home.is_absolute() && home != Path::new("/"));
        match data_home.or_else(|| home.map(|home| home.join(".local/share"))) {
            Some(data) => data.join(FOLDER),
            None => PathBuf::from(FOLDER_WITHOUT_HOME),
        }
    }
}
