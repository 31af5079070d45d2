//! What `withdraw` and `restore` stand on: the configuration, what it judges, and the database beside it.

use std::path::PathBuf;

use gateway::{clock::Clock, config::Config, data_dir::DataDir, database::Database, judge::Judgement};

use crate::{assembly::Plan, failure::Failure, floor::Choice, models, place::Place};

/// A data directory and its configuration.
pub(crate) struct Ground {
    pub(crate) path: PathBuf,
    pub(crate) config: Config,
    pub(crate) judgement: Judgement,
}

impl Ground {
    /// Reads the configuration; a data directory must be there.
    pub(crate) fn find(place: &Place, config_file: Option<PathBuf>) -> Result<Self, Failure> {
        let path = place.data_dir();
        if !path.exists() {
            return Err(Failure::trouble(format!("there is no data directory `{}`", path.display()))
                .hint("`gwanmun serve` makes it; another is named with `--data-dir`"));
        }
        let plan = Plan { config_file, ..Plan::in_place(path.clone()) };
        let config = plan.config()?;
        let store = models::store(&path.join("models"), &plan.fetching);
        let floor = Choice::of(None, false, config.local.model.as_ref()).judged(&store);
        let judgement = Judgement::new(&config, floor.as_ref());
        Ok(Self { path, config, judgement })
    }

    /// Opens the database, beside a running server or without one.
    pub(crate) async fn open(&self) -> Result<(DataDir, Database), Failure> {
        let data_dir = DataDir::join(&self.path, &Clock::system())?;
        let database = Database::open(&data_dir.database()).await?;
        Ok((data_dir, database))
    }
}
