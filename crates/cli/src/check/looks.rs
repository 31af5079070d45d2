//! What `check` looks at, one function each, in the order in which `serve` needs it.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
};

use audit_log::Reader;
use gateway::{
    clock::Clock,
    config::{self, Config},
    data_dir::{DataDir, Running},
    database::Database,
    keys::KeyStore,
};
use model_store::{Store, StoreError};

use super::{Finding, judged::Judged, reach};
use crate::{assembly::Plan, failure::Failure, floor::Choice, models, runtime, table};

/// The audit log and a database still fit.
const ROOM_BYTES_MIN: u64 = 64_000_000;

/// How a place that cannot be written is mended.
const RIGHTS: &str = "give this user the right to write there, or choose another with `--data-dir`";

/// Looks at everything.
pub(super) fn all(plan: &Plan, wants_reach: bool) -> Result<(Vec<Finding>, Option<Judged>), Failure> {
    let running = DataDir::running(&plan.data_dir);
    let (data_dir, finding) = data_dir(&plan.data_dir, running.as_ref());
    let mut findings = vec![finding, room(&plan.data_dir)];
    let (config, finding) = config(plan);
    findings.push(finding);
    if let Some(data_dir) = &data_dir {
        findings.push(log(data_dir));
        findings.push(keys(data_dir));
    }
    let Some(config) = config else { return Ok((findings, None)) };
    let folder = data_dir.as_ref().map_or_else(|| plan.data_dir.join("models"), DataDir::models);
    let store = models::store(&folder, &plan.fetching);
    let choice = Choice::of(None, false, config.local.model.as_ref());
    let judged = Judged::of(&config, choice.judged(&store).as_ref());
    findings.extend(judged.findings());
    findings.extend(announced(&config));
    let (to_be_pulled, finding) = model(&store, &choice);
    findings.push(finding);
    findings.push(pip(&store, to_be_pulled));
    findings.push(port("API port", config.server.listen, running.as_ref()));
    if wants_reach {
        findings.extend(reach::all(&config)?);
    }
    Ok((findings, Some(judged)))
}

/// The directory, where it is there; absent is in order too.
fn data_dir(path: &Path, running: Option<&Running>) -> (Option<DataDir>, Finding) {
    const WHAT: &str = "data directory";
    let shown = path.display();
    let absent = match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    if absent {
        let ancestor = path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("."));
        if writable(ancestor) {
            return (
                None,
                Finding::note(WHAT, format!("{shown} is not there yet: the first `gwanmun serve` makes it")),
            );
        }
        let found = format!("{shown} cannot be made: {} is not writable", ancestor.display());
        return (None, Finding::wrong(WHAT, found).mend(RIGHTS));
    }
    let opened = DataDir::join(path, &Clock::system()).and_then(|dir| {
        dir.key_hash_secret()?;
        dir.commitment_secret()?;
        Ok(dir)
    });
    match opened {
        Err(error) => (None, Finding::wrong(WHAT, error.to_string())),
        Ok(_) if !writable(path) => {
            let finding = Finding::wrong(WHAT, format!("{shown} is not writable"));
            (None, finding.mend(RIGHTS))
        }
        Ok(dir) => {
            let used =
                running.map_or(String::new(), |running| format!(", in use by the server with process {}", running.pid));
            (Some(dir), Finding::good(WHAT, format!("{shown}{used}")))
        }
    }
}

fn writable(path: &Path) -> bool {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

fn room(path: &Path) -> Finding {
    const WHAT: &str = "disk";
    let ancestor = path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("."));
    match rustix::fs::statvfs(ancestor) {
        Err(error) => Finding::wrong(WHAT, format!("{} cannot be asked for its room: {error}", ancestor.display())),
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let found = format!("{} free", table::bytes(free));
            if free < ROOM_BYTES_MIN {
                return Finding::wrong(WHAT, found)
                    .mend("make room: without it nothing can be recorded, so nothing answered");
            }
            Finding::good(WHAT, found)
        }
    }
}

fn config(plan: &Plan) -> (Option<Config>, Finding) {
    const WHAT: &str = "configuration";
    let path = plan.config_path();
    match plan.config() {
        Err(failure) => (None, from(WHAT, &failure)),
        Ok(config) if path.exists() => {
            let found = format!("{}, version {}", path.display(), config.version);
            (Some(config), Finding::good(WHAT, found))
        }
        Ok(config) => (Some(config), Finding::good(WHAT, "no file, so the defaults")),
    }
}

/// What notices say: a day that is to come, or one from which on it is so unless an operator has let it back.
fn announced(config: &Config) -> Vec<Finding> {
    let today = Clock::system().wall().to_zoned(jiff::tz::TimeZone::UTC).date();
    let told = |notice: &config::Notice| {
        let config::Notice { subject, from, why } = notice;
        let found = if *from > today {
            format!("announced: {subject} is withdrawn from {from} on: {why}")
        } else {
            format!("{subject} is withdrawn since {from}, unless it was let back: {why}")
        };
        Finding::note("notice", found)
    };
    config.notices.iter().map(told).collect()
}

/// That it is a log whose newest checkpoint can be read. Whether all of it holds is what `audit verify` says.
fn log(data_dir: &DataDir) -> Finding {
    const WHAT: &str = "audit log";
    match Reader::open(&data_dir.log()).and_then(|log| log.checkpoint()) {
        Err(error) => Finding::wrong(WHAT, error.to_string()),
        Ok(newest) => {
            let size = newest.checkpoint.size;
            Finding::good(WHAT, format!("{size} entries signed; `gwanmun audit verify` checks every one"))
        }
    }
}

fn keys(data_dir: &DataDir) -> Finding {
    const WHAT: &str = "keys";
    let listed = || -> Result<(usize, usize), Failure> {
        let runtime = runtime::new()?;
        let secret = data_dir.key_hash_secret()?;
        let keys = runtime.block_on(async {
            let keys = KeyStore::open(Database::open(&data_dir.database()).await?, secret).await?;
            Ok::<_, Failure>(keys.list().await?)
        })?;
        let in_force = keys.iter().filter(|key| key.revoked_at.is_none()).count();
        Ok((in_force, keys.len() - in_force))
    };
    match listed() {
        Err(failure) => from(WHAT, &failure),
        Ok((0, 0)) => Finding::note(WHAT, "none yet: the first `gwanmun serve` makes one"),
        Ok((0, revoked)) => Finding::wrong(WHAT, format!("none in force, {revoked} revoked"))
            .mend("make one with `gwanmun key create --name NAME`"),
        Ok((in_force, revoked)) => Finding::good(WHAT, format!("{in_force} in force, {revoked} revoked")),
    }
}

/// The model on this machine, and whether it has yet to be pulled.
fn model(store: &Store, choice: &Choice) -> (bool, Finding) {
    const WHAT: &str = "model";
    match choice {
        Choice::None => (false, Finding::note(WHAT, "none on this machine, as configured")),
        Choice::File(path) => match models::inspect(path) {
            Ok(facts) => (
                false,
                Finding::good(WHAT, format!("{}: {} {}", path.display(), facts.architecture, facts.quantisation)),
            ),
            Err(why) => (false, Finding::wrong(WHAT, why).mend("name another in `[local] model`")),
        },
        Choice::Named(name) => named(WHAT, store, name),
    }
}

fn named(what: &'static str, store: &Store, name: &str) -> (bool, Finding) {
    let Ok(parsed) = name.parse() else {
        return (
            false,
            Finding::wrong(what, format!("`{name}` is not a model's name")).mend("`gwanmun model list` shows them"),
        );
    };
    let stored = match store.show(&parsed) {
        Err(StoreError::NotThere(_)) if model_store::known_model(name).is_some() => {
            return (
                true,
                Finding::note(what, format!("{name} is not here yet: the first `gwanmun serve` fetches it")),
            );
        }
        Err(error) => return (false, from(what, &error.into())),
        Ok(stored) => stored,
    };
    let sound = store.verify(&stored).map_err(Failure::from).and_then(|()| {
        models::inspect(&stored.path).map_err(|why| Failure::trouble(why).hint("remove the model and pull it again"))
    });
    match sound {
        Err(failure) => (false, from(what, &failure)),
        Ok(_) => {
            (false, Finding::good(what, format!("{name}, {}, its hash is right", table::bytes(stored.record.bytes))))
        }
    }
}

fn pip(store: &Store, needed: bool) -> Finding {
    const WHAT: &str = "pip";
    match store.pip_version() {
        Ok(version) => Finding::good(WHAT, version.split(" from ").next().unwrap_or(&version)),
        Err(error) if needed => from(WHAT, &error.into()),
        Err(error) => Finding::note(WHAT, format!("{error}; it is needed only for that")),
    }
}

fn port(what: &'static str, address: SocketAddr, running: Option<&Running>) -> Finding {
    if let Some(running) = running {
        return Finding::good(what, format!("{} is served by process {}", running.url, running.pid));
    }
    match TcpListener::bind(address) {
        Ok(_) => Finding::good(what, format!("{address} is free")),
        Err(error) => Finding::wrong(what, format!("{address} cannot be listened at: {error}"))
            .mend("end what is there, or choose another with `--listen` or `[server] listen`"),
    }
}

fn from(what: &'static str, failure: &Failure) -> Finding {
    let finding = Finding::wrong(what, failure.message());
    match failure.mend() {
        Some(how) => finding.mend(how),
        None => finding,
    }
}
