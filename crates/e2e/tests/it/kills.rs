//! `kill -9` (promise 5): whatever a caller was told is in the log, whenever the process was killed, while it served or while it
//! read its log back. The built command, 64 writers, a stranger's verifier between kills. Needs the command that
//! `cargo xtask test` builds; without it each test says that it proves nothing and ends.

use e2e::command::{Site, end};
use e2e::kills::{Chance, Moment, Plan, Promise, Reckoning, Starting, Writers};
use e2e::wall::{Role, Wall};
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::shim::Shim;
use crate::views::{asking, streaming};

/// Writers whose answers come at once, and writers whose answers are under way when the kill comes.
const QUICK_WRITERS: usize = 56;
const HELD_WRITERS: usize = 8;

/// One life of the server, from its start to its kill.
struct Life<'a> {
    site: &'a Site,
    child: Child,
    quick: Writers,
    held: Writers,
}

impl<'a> Life<'a> {
    fn begin(site: &'a Site, mut command: Command) -> Self {
        let writers = |count, bodies: &[Value]| {
            let bodies: Vec<String> = bodies.iter().map(ToString::to_string).collect();
            Writers::start(count, site.address, &site.key, &bodies)
        };
        let child = command.spawn().unwrap();
        let quick = writers(QUICK_WRITERS, &[asking("wall-small", "?"), streaming("wall-small", "?")]);
        let held = writers(HELD_WRITERS, &[streaming("hold-after-2", "?")]);
        Self { site, child, quick, held }
    }

    /// Waits for the moment; whether it came while the server still started. What a whole start takes is noted.
    async fn wait(&mut self, moment: Moment, starting: &mut Starting) -> bool {
        let (process, log, address) = (self.child.id().unwrap(), self.site.log(), self.site.address);
        let known = *starting;
        let wait = move || match moment {
            Moment::Serving { .. } => (Starting::watch(process, &log, address), false),
            Moment::Starting(_) | Moment::Recovering(_) => (known, known.wait(moment, process, &log, address)),
        };
        let (now, within) = tokio::task::spawn_blocking(wait).await.unwrap();
        *starting = now;
        if let Moment::Serving { promises, later } = moment {
            self.quick.until(promises).await;
            tokio::task::spawn_blocking(move || std::thread::park_timeout(later)).await.unwrap();
        }
        within
    }

    async fn kill(mut self) -> Vec<Promise> {
        self.child.start_kill().unwrap();
        assert!(!self.child.wait().await.unwrap().success(), "it had ended before it was killed: {}", self.site.said());
        [self.quick.finish().await, self.held.finish().await].concat()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_entry_is_lost_on_kill_9() {
    let wall = Wall::start().await;
    let Some(site) = Site::new(&wall.configuration(Role::National, &["wall-small", "hold-after-2"])).await else {
        return;
    };
    let plan = Plan::from_environment();
    let mut chance = Chance::new(plan.seed);
    let mut reckoning = Reckoning::new(&site.log());
    let (mut starting, mut within) = (measured(&site).await, 0);
    for (kill, in_start) in plan.starting(&mut chance).into_iter().enumerate() {
        if kill % 20 == 0 {
            eprintln!("kill {kill} of {}", plan.kills);
        }
        let moment = Moment::choose(in_start, &mut chance);
        let mut life = Life::begin(&site, site.serve());
        within += usize::from(life.wait(moment, &mut starting).await);
        let promises = life.kill().await;
        assert_eq!(reckoning.after_kill(promises), Vec::<String>::new(), "after kill {kill}, {moment:?}");
    }
    let mut child = site.serve().spawn().unwrap();
    site.until_open(&mut child).await;
    end(&mut child).await;
    assert_eq!(reckoning.at_the_end(), Vec::<String>::new());
    let (promised, lost) = (reckoning.promises().len(), reckoning.endings("lost"));
    println!("{promised} promises kept, {lost} decisions closed as lost, {within} kills within a start, {starting:?}");
    // Nothing is sent before its decision is there: the provider cannot have heard of more.
    assert!(wall.heard().requests().count() <= reckoning.count("decision"));
    assert!(promised >= plan.kills && lost >= plan.kills / 4, "too little was promised or cut off to prove anything");
    // Half are planned within a start. One in ten of those comes too late, where a start is shorter than the one before it: a third
    // of all is what must be, and two fewer, so that a run of few kills does not fail by chance.
    assert!((within + 2) * 3 >= plan.kills, "{within} of {} kills were within a start", plan.kills);
    assert!(reckoning.checkpoints() >= plan.kills / 4);
}

/// What a start takes here and now: once, before the first kill.
async fn measured(site: &Site) -> Starting {
    let mut child = site.serve().spawn().unwrap();
    let (process, log, address) = (child.id().unwrap(), site.log(), site.address);
    let starting = tokio::task::spawn_blocking(move || Starting::watch(process, &log, address)).await.unwrap();
    end(&mut child).await;
    starting
}

/// The reckoning itself: what it must find, planted in copies of a log that was killed, and in a server that says what it has
/// not written yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "a test's own files, which no crash can harm")]
async fn what_is_lost_is_found() {
    let wall = Wall::start().await;
    let Some(site) = Site::new(&wall.configuration(Role::National, &["wall-small", "hold-after-2"])).await else {
        return;
    };
    let before = site.copy();
    let moment = Moment::Serving { promises: 40, later: std::time::Duration::ZERO };
    let mut life = Life::begin(&site, site.serve());
    life.wait(moment, &mut Starting::default()).await;
    let promises = life.kill().await;
    // Checkpoints are signed a second apart: one that ends well leaves one of all that it holds.
    measured(&site).await;
    let mut reckoning = Reckoning::new(&site.log());
    assert_eq!(reckoning.after_kill(promises), Vec::<String>::new());

    let last = reckoning.promises().iter().map(|promise| promise.entry).max().unwrap();
    let entries = e2e::segments::entries(&site.log());
    let bytes = |until: u64| {
        entries[..usize::try_from(until).unwrap()].iter().map(|entry| entry.len() + 48).sum::<usize>() + 32
    };
    let cut = site.copy();
    let segment = e2e::segments::files(&cut.log()).remove(0);
    let whole = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, &whole[..bytes(last)]).unwrap();
    let faults = reckoning.of(&cut.log()).after_kill(Vec::new());
    assert!(faults.iter().any(|fault| fault.contains(&format!("entry {last} was acknowledged"))), "{faults:?}");

    // An older log is sound in itself; only who kept a checkpoint can tell.
    let faults = reckoning.of(&before.log()).after_kill(Vec::new());
    assert!(faults.iter().any(|fault| fault.contains("is not extended")), "{faults:?}");
}

/// A real defect: a server that acknowledges what still lies in its own memory loses it when it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_acknowledges_too_early_is_found() {
    let wall = Wall::start().await;
    let Some(site) = Site::new(&wall.configuration(Role::National, &["wall-small", "hold-after-2"])).await else {
        return;
    };
    let Some(shim) = Shim::compile(site.folder()) else { return };
    let mut reckoning = Reckoning::new(&site.log());
    let mut command = site.serve();
    shim.plant("late-write", &mut command);
    let mut life = Life::begin(&site, command);
    life.wait(Moment::Serving { promises: 1, later: std::time::Duration::ZERO }, &mut Starting::default()).await;
    let faults = reckoning.after_kill(life.kill().await);
    assert!(faults.iter().any(|fault| fault.contains("was acknowledged")), "{faults:?}");
}
