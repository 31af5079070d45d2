//! `gwanmun audit show ENTRY --payload`: the kept request and answer, opened and held against the log's commitments.

use gateway::{
    clock::Clock,
    data_dir::DataDir,
    database::Database,
    payloads::{self, KeptPart, PayloadSecret, Wanted},
    record::Part,
};
use serde::Serialize;

use super::{
    entry::Entry,
    lines::{Mark, counted, plain, write},
};
use crate::{
    failure::{Answer, Failure},
    place::Place,
    runtime,
    terminal::Terminal,
};

/// What came out, for programs.
#[derive(Serialize)]
struct Told {
    request_id: String,
    request: Opened,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Opened>,
}

/// One part.
#[derive(Serialize)]
struct Opened {
    /// Whether its end is there.
    whole: bool,
    /// Whether it is what the log's entry is about; none where that cannot be said.
    matches: Option<bool>,
    bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// In hexadecimal, where it is not text.
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
}

/// Shows the payload of the request that `asked`, a decision or a refusal, is about; `outcome` is its outcome, if it has one.
pub(super) fn show(
    (asked, outcome): (&Entry, Option<&Entry>),
    origin: &str,
    place: &Place,
    json: bool,
    terminal: &mut Terminal,
) -> Result<Answer, Failure> {
    let (Some(request_id), Some(team), Some(at)) = (asked.text("request"), asked.text("team"), asked.text("at")) else {
        return Err(Failure::trouble(format!("entry {} belongs to no request", asked.index))
            .hint("payloads are kept of decisions and refusals"));
    };
    let at = at.parse().map_err(|_| Failure::trouble(format!("entry {} has no time that can be read", asked.index)))?;
    let clock = Clock::system();
    let data_dir = DataDir::join(&place.data_dir(), &clock)?;
    let secret = PayloadSecret::new(&data_dir.payload_secret()?);
    let kept = runtime::new()?.block_on(async {
        let database = Database::open(&data_dir.database()).await?;
        let wanted = Wanted { request_id, team, at };
        let kept = payloads::read(&data_dir.payloads(), &secret, &database, origin, wanted).await;
        kept.map_err(|error| Failure::trouble(error.to_string()))
    })?;
    let commitments = data_dir.commitment_secret()?;
    let opened = |part: Part, kept: &KeptPart, entry: Option<&Entry>| {
        let told = entry.and_then(|entry| entry.text("commitment"));
        let made = commitments.begin(request_id, part).over(&kept.bytes).to_string();
        Opened::of(kept, told.filter(|_| kept.whole).map(|told| told == made))
    };
    let told = Told {
        request_id: request_id.to_owned(),
        request: opened(Part::Request, &kept.request, Some(asked)),
        answer: kept.answer.as_ref().map(|kept| opened(Part::Answer, kept, outcome)),
    };
    // The log says that there was an answer, and nothing of it is kept.
    let missing = told.answer.is_none() && outcome.is_some_and(|outcome| outcome.text("commitment").is_some());
    let differs = |part: &Opened| part.matches == Some(false);
    let holds = !missing
        && kept.damage.is_none()
        && ![Some(&told.request), told.answer.as_ref()].into_iter().flatten().any(differs);
    if json {
        terminal.json(&told)?;
    } else {
        tell("request", &told.request, terminal)?;
        if let Some(answer) = &told.answer {
            tell("answer", answer, terminal)?;
        }
        if missing {
            write(
                terminal,
                Mark::Bad,
                "answer",
                "missing: the log has a commitment to it, and no bytes of it are kept",
            )?;
        }
        if let Some(damage) = &kept.damage {
            let found = format!("{}, byte {}: {}", damage.path.display(), damage.offset, damage.what);
            write(terminal, Mark::Bad, "damage", &found)?;
        }
    }
    Ok(if holds { Answer::Yes } else { Answer::No })
}

impl Opened {
    fn of(kept: &KeptPart, matches: Option<bool>) -> Self {
        let text = String::from_utf8(kept.bytes.clone()).ok();
        let hex = text.is_none().then(|| hex::encode(&kept.bytes));
        Self { whole: kept.whole, matches, bytes: kept.bytes.len(), text, hex }
    }
}

fn tell(what: &str, part: &Opened, terminal: &mut Terminal) -> Result<(), Failure> {
    let bytes = counted(part.bytes as u64, "byte", "bytes");
    let (mark, verdict) = match (part.whole, part.matches) {
        (_, Some(true)) => (Mark::Good, "the very bytes that the log's commitment is about"),
        (_, Some(false)) => (Mark::Bad, "not the bytes that the log's commitment is about"),
        (false, None) => (Mark::Note, "cut: its end was never written, so it cannot be held against the log"),
        (true, None) => (Mark::Note, "the log holds no commitment to it yet"),
    };
    write(terminal, mark, what, &format!("{bytes}, {verdict}"))?;
    let shown = part.text.as_deref().or(part.hex.as_deref()).unwrap_or_default();
    shown.lines().try_for_each(|line| writeln!(terminal.out(), "  {}", plain(line)))?;
    Ok(())
}
