//! A process that is killed while it writes: every entry that it said was durable is there after it.
//!
//! The test runs itself again as the child that writes, with the directory in an argument of its own.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use audit_log::{Log, RealDisk, Settings};
use tlog::Hash;

use crate::naive;
use crate::samples::{ORIGIN, clock, decision, outcome};

const ROUNDS: u32 = if cfg!(debug_assertions) { 6 } else { 20 };
const CHILD: &str = "kill::child_that_writes_until_it_is_killed";

fn settings() -> Settings {
    Settings {
        checkpoint_every: std::time::Duration::from_millis(5),
        segment_bytes_max: 200_000,
        ..Settings::new(clock())
    }
}

/// Not a test of its own: without its directory it has nothing to do.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Some(dir) = std::env::args().skip_while(|argument| argument != "--skip").nth(1) else { return };
    let (log, recovered) = Log::open(Path::new(&dir), settings()).unwrap();
    for open in recovered.open {
        log.append_and_wait(&outcome(open.index)).unwrap();
    }
    println!("\nopened");
    std::thread::scope(|scope| {
        for writer in 0..8_u64 {
            let log = &log;
            scope.spawn(move || {
                for number in 0.. {
                    let appended = log.append_and_wait(&decision(writer * 1_000_000 + number)).unwrap();
                    println!("entry {} {}", appended.index, writer * 1_000_000 + number);
                    let newest = &log.checkpoint().checkpoint;
                    println!("root {} {}", newest.size, hex::encode(newest.root));
                }
            });
        }
    });
}

fn start_child(dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--nocapture", "--test-threads", "1", "--skip"])
        .arg(dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

#[test]
fn what_a_killed_process_acknowledged_is_there_and_its_roots_are_extended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    Log::create(&path, ORIGIN, &settings()).unwrap();
    let (mut promised, mut roots) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let mut child = start_child(&path);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // A different moment at each turn, the first ones in the middle of recovery.
        let mut heard = 0;
        while round % 3 != 0 && heard < 40 + 70 * round {
            let line = lines.next().expect("the child ended by itself").unwrap();
            heard += u32::from(note(&line, &mut promised, &mut roots));
        }
        child.kill().unwrap();
        for line in lines.map_while(Result::ok) {
            note(&line, &mut promised, &mut roots);
        }
        child.wait().unwrap();
    }
    assert!(promised.len() > 100 && !roots.is_empty());
    let (log, _) = Log::open(&path, settings()).unwrap();
    log.close().unwrap();
    let entries = naive::verify(&RealDisk, &path);
    let leaves: Vec<Hash> = entries.iter().map(|entry| naive::leaf(entry)).collect();
    for (index, number) in promised {
        assert_eq!(audit_log::Entry::parse(&entries[index]).unwrap().body, decision(number), "entry {index}");
    }
    roots.sort();
    roots.dedup();
    for (size, root) in roots.iter().step_by(roots.len() / 40 + 1) {
        assert_eq!(hex::encode(naive::root(&leaves[..*size])), *root, "the tree of {size}");
    }
}

/// Takes down what the child said; false for a line that says nothing, or was cut off by its death.
fn note(line: &str, promised: &mut Vec<(usize, u64)>, roots: &mut Vec<(usize, String)>) -> bool {
    match line.split(' ').collect::<Vec<_>>()[..] {
        ["entry", index, number] => promised.push((index.parse().unwrap(), number.parse().unwrap())),
        ["root", size, root] if root.len() == 64 => roots.push((size.parse().unwrap(), root.to_owned())),
        _ => return false,
    }
    true
}
