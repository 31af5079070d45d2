//! Sealed payloads beside a gateway of the harness: where its configuration wants them, a database and a folder for them.
//! Reads and erases as an operator's commands do. Knows nothing of how they are sealed.

use std::path::PathBuf;

use audit_log::Text;
use gateway::clock::Clock;
use gateway::config::{self, Config};
use gateway::database::Database;
use gateway::payloads::{
    self, EraseError, Erased, Kept, Month, PayloadError, PayloadSecret, Payloads, ReadError, Sealing, Wanted,
};
use gateway::record::{Part, Recorder};
use gateway::tasks::Tasks;
use serde_json::Value;

use crate::place::Place;

/// The payloads of one gateway.
pub struct SealedPayloads {
    /// What the gateway seals with.
    pub payloads: Payloads,
    /// Where they lie.
    pub folder: PathBuf,
    database: PathBuf,
    recorder: Recorder,
    sealing: Option<Sealing>,
}

impl SealedPayloads {
    /// Opens them beside the log, if the configuration wants them.
    pub async fn open(
        place: &Place,
        config: &Config,
        recorder: &Recorder,
        clock: &Clock,
        tasks: &Tasks,
    ) -> Option<Self> {
        if config.audit_log.payloads == config::Payloads::None {
            return None;
        }
        let folder = place.log_dir().with_file_name("payloads");
        std::fs::create_dir_all(&folder).expect("a folder for payloads");
        let path = place.database();
        let database = Database::open(&path).await.expect("a database");
        let origin = recorder.log().expect("the log is kept").origin().to_owned();
        let opened = Payloads::open(&folder, secret(), database, &origin, clock.clone());
        let (payloads, sealing) = opened.expect("a thread");
        payloads.follow(tasks);
        Some(Self { payloads, folder, database: path, recorder: recorder.clone(), sealing: Some(sealing) })
    }

    /// Ends sealing, as a process does before it closes its log. An error if something could not be written.
    pub fn finish(&mut self) -> Result<(), PayloadError> {
        self.sealing.take().expect("ended once").finish()
    }

    /// Reads what belongs to a decision's or refusal's entry, as another process.
    pub async fn read(&self, entry: &Value) -> Result<Kept, ReadError> {
        let database = Database::open(&self.database).await.expect("a database");
        let text = |name: &str| entry[name].as_str().expect("a text").to_owned();
        let (request_id, team) = (text("request"), text("team"));
        let at = text("at").parse().expect("a time");
        let origin = self.recorder.log().expect("the log is kept").origin();
        let wanted = Wanted { request_id: &request_id, team: &team, at };
        payloads::read(&self.folder, &secret(), &database, origin, wanted).await
    }

    /// Erases a team's payloads of this month, as another process.
    pub async fn erase(&self, team: &str) -> Result<Erased, EraseError> {
        let database = Database::open(&self.database).await.expect("a database");
        let now = Clock::system().wall();
        payloads::erase(&database, team, Month::of(now), Text::of("operator"), now).await
    }

    /// Whether the log's commitments are to these bytes.
    pub fn committed(&self, decision: &Value, outcome: Option<&Value>, kept: &Kept) -> bool {
        let of = |entry: &Value, part, bytes: &[u8]| {
            let request_id = decision["request"].as_str().expect("a text");
            entry["commitment"] == self.recorder.commit(request_id, part).over(bytes).to_string()
        };
        of(decision, Part::Request, &kept.request.bytes)
            && outcome.is_none_or(|outcome| match &kept.answer {
                Some(answer) => of(outcome, Part::Answer, &answer.bytes),
                None => outcome.get("commitment").is_none(),
            })
    }
}

fn secret() -> PayloadSecret {
    PayloadSecret::new(&[6; PayloadSecret::BYTES])
}
