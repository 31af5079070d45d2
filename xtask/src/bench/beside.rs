//! The road while the floor is busy: how long answers of others take on the very processor on which the local model computes as
//! much as it can, beside the same gateway while its model is idle.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};

use super::median;
use super::subject::{self, Stage, Subject};
use crate::children::Running;
use crate::prepare;
use crate::repository::Repository;

/// Callers of the provider, whose answers are measured.
const CALLERS: usize = 4;
/// Callers of the local model at the same time.
const BUSY: usize = 16;
/// Until they are all being answered.
const UNDER_WAY: Duration = Duration::from_secs(3);

/// Measures and prints both; the same as JSON.
pub(super) fn run(repository: &Repository, stage: &Stage<'_>, quick: bool) -> Result<Value> {
    let model = prepare::model(repository)?;
    let subject = stage.with_model("beside", "[audit_log]\nmode = \"synced\"\n", &model)?;
    let name = local_name(&subject)?;
    let (rounds, seconds) = if quick { (1, 1.0) } else { (3, 5.0) };
    let (mut idle, mut busy) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for _ in 0..rounds {
        turn(repository, &subject, seconds, &mut idle)?;
        let working = keep_busy(repository, &subject, &name)?;
        std::thread::sleep(UNDER_WAY);
        turn(repository, &subject, seconds, &mut busy)?;
        drop(working);
        // What was under way is dropped before the next turn.
        std::thread::sleep(UNDER_WAY);
    }
    let mut told = Map::new();
    for ((percent, idle), busy) in ["p50", "p99"].into_iter().zip(idle).zip(busy) {
        let (idle, busy) = (median(idle), median(busy));
        let ratio = busy / idle;
        let name = format!("{percent} µs, {CALLERS} callers, local model busy");
        println!("{name:<46}idle {idle:.1}   busy {busy:.1} ({ratio:.2} ×)");
        told.insert(name, json!({"idle": idle, "busy": busy, "ratio": ratio}));
    }
    Ok(Value::Object(told))
}

fn turn(repository: &Repository, subject: &Subject, seconds: f64, into: &mut [Vec<f64>; 2]) -> Result<()> {
    let load = subject::loaded(repository, subject, CALLERS, seconds, ("bench", false))?;
    for (values, name) in into.iter_mut().zip(["p50_us", "p99_us"]) {
        values.push(load.get(name).and_then(Value::as_f64).context("the load generator told no times")?);
    }
    Ok(())
}

/// Has the local model compute until the result is dropped.
fn keep_busy(repository: &Repository, subject: &Subject, model: &str) -> Result<Running> {
    let mut command = subject::load(repository);
    command.args(["load", &subject.address.to_string(), &BUSY.to_string(), "600", &subject.key, model, "true"]);
    Running::start(command.stdout(Stdio::null()))
}

/// What the local model is called: the one that belongs to this place.
fn local_name(subject: &Subject) -> Result<String> {
    let listed = subject::get(subject, "/v1/models")?;
    let listed: Value = serde_json::from_str(&listed).context("the list of models is no JSON")?;
    let models = listed.get("data").and_then(Value::as_array).context("the list of models has no models")?;
    let local = models.iter().find(|model| model.get("owned_by").and_then(Value::as_str) == Some("local"));
    match local.and_then(|model| model.get("id")).and_then(Value::as_str) {
        Some(name) => Ok(name.to_owned()),
        None => bail!("the gateway offers no local model"),
    }
}
