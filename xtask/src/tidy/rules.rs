//! Rules that one file or the list of files keeps or breaks. Each finding says where, what, and what to do instead.

use super::Findings;
use super::lines;
use super::sources::{File, Sources};

/// Lines a file may have without its tests, and lines after which it is worth a look.
const LINES_MAX: usize = 600;
const LINES_WARNED: usize = 350;

/// Lines that `main.rs` may have: it starts things, it does none.
const MAIN_LINES_MAX: usize = 40;

/// Names that say nothing of what is inside.
const VAGUE: [&str; 11] =
    ["util", "utils", "common", "helper", "helpers", "misc", "types", "manager", "base", "core", "shared"];

/// Words of unfinished work, in halves so that this file does not find itself.
const UNFINISHED: [(&str, &str); 6] =
    [("TO", "DO"), ("FIX", "ME"), ("to", "do!("), ("unimpl", "emented!("), ("#[ig", "nore"), ("XX", "X:")];

/// Hosts of package registries (packages are named, never where they were fetched), and places on one person's machine.
const HOSTS: [(&str, &str); 5] =
    [("crates", ".io"), ("py", "pi.org"), ("python", "hosted"), ("npm", "js."), ("deb.", "debian.org")];
const PLACES: [(&str, &str); 4] = [("/wo", "rk/"), ("/fa", "rm/"), ("/ro", "ot/"), ("/tm", "p/w/")];

/// Files that tools write: they name hosts and versions as they must.
const WRITTEN_BY_TOOLS: [&str; 2] = ["Cargo.lock", "package-lock.json"];

/// Where a permit may be made: nothing is sent without one, and only the step that made its entry durable makes it.
const PERMIT_MADE_IN: &str = "crates/gateway/src/record";

pub(super) fn each_file(file: &File, findings: &mut Findings) {
    if WRITTEN_BY_TOOLS.contains(&file.name()) {
        return;
    }
    says_no_place(file, findings);
    if file.is_rust() {
        opens_with_purpose(file, findings);
        has_a_name(file, findings);
        keeps_its_size(file, findings);
        is_finished(file, findings);
        gives_reasons(file, findings);
        makes_no_permit(file, findings);
    }
}

/// Files beside `it/main.rs` that it does not name are never compiled: tests that can't fail.
pub(super) fn test_modules_named(sources: &Sources, findings: &mut Findings) {
    const FOLDER: &str = "crates/e2e/tests/it/";
    let Some(main) = sources.find("crates/e2e/tests/it/main.rs") else { return };
    for file in sources.files().iter().filter(|file| file.path.starts_with(FOLDER) && file.is_rust()) {
        let inside = file.path.get(FOLDER.len()..).unwrap_or_default();
        let module = inside.trim_end_matches(".rs");
        if !module.contains('/') && module != "main" && !main.text.lines().any(|line| line == format!("mod {module};"))
        {
            findings.problems.push(format!("{}: not named in {}: add `mod {module};`", file.path, main.path));
        }
    }
}

/// A snapshot that no test reads proves nothing and misleads whoever reads it.
pub(super) fn snapshots_are_read(sources: &Sources, findings: &mut Findings) {
    for file in sources.files() {
        let Some(name) = file.path.strip_suffix(".snap").and_then(|path| path.rsplit("__").next()) else { continue };
        // Named after the test's function (`name`, `name-2`), or by the test in quotes.
        let test = name.split('-').next().unwrap_or(name);
        let (function, quoted) = (format!("fn {test}("), format!("\"{name}\""));
        let read =
            |source: &File| source.is_rust() && (source.text.contains(&function) || source.text.contains(&quoted));
        if !sources.files().iter().any(read) {
            findings.problems.push(format!("{}: no test reads it", file.path));
        }
    }
}

/// The map shows every crate.
pub(super) fn crates_in_architecture(sources: &Sources, findings: &mut Findings) {
    let Some(map) = sources.find("ARCHITECTURE.md") else {
        findings.problems.push("ARCHITECTURE.md: missing".to_owned());
        return;
    };
    for (folder, _) in sources.crates() {
        if let Some(name) = folder.strip_prefix("crates/")
            && !shows(&map.text, name)
        {
            findings.problems.push(format!("ARCHITECTURE.md: does not show the crate `{name}`"));
        }
    }
}

/// Whether a part of the path is a name that fits anything.
pub(super) fn is_vague(path: &str) -> bool {
    path.split('/').any(|part| VAGUE.contains(&part.trim_end_matches(".rs")))
}

/// As `crates/NAME` or in back-ticks; `local_model` is not shown by `local_model_cpu`.
fn shows(map: &str, name: &str) -> bool {
    let path = format!("crates/{name}");
    let whole = |at: usize| {
        map.get(at + path.len()..)
            .is_none_or(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
    };
    map.contains(&format!("`{name}`")) || map.match_indices(&path).any(|(at, _)| whole(at))
}

fn says_no_place(file: &File, findings: &mut Findings) {
    for (number, line) in file.text.lines().enumerate() {
        for (first, second) in HOSTS {
            if line.contains(&format!("{first}{second}")) {
                findings.problems.push(format!("{}:{}: names the host of a registry", file.path, number + 1));
            }
        }
        for (first, second) in PLACES {
            let place = format!("{first}{second}");
            // A place begins a path; `frame_work/` in the middle of a relative path is not one.
            if line.match_indices(&place).any(|(at, _)| !follows_a_word(line, at)) {
                findings.problems.push(format!(
                    "{}:{}: names a folder of one machine: `{place}`",
                    file.path,
                    number + 1
                ));
            }
        }
    }
}

fn follows_a_word(line: &str, at: usize) -> bool {
    let before = line.get(..at).and_then(|before| before.chars().next_back());
    before.is_some_and(|character| character.is_alphanumeric() || character == '_' || character == '-')
}

fn opens_with_purpose(file: &File, findings: &mut Findings) {
    if !file.text.starts_with("//! ") {
        findings.problems.push(format!("{}: open it with `//!`: what it is for, what it must not know", file.path));
    }
}

fn has_a_name(file: &File, findings: &mut Findings) {
    let name = file.name().trim_end_matches(".rs");
    if name == "mod" {
        findings.problems.push(format!("{}: name it after its folder: `folder.rs` beside `folder/`", file.path));
    }
    if is_vague(&file.path) {
        findings.problems.push(format!("{}: the name does not say what is inside", file.path));
    }
}

fn keeps_its_size(file: &File, findings: &mut Findings) {
    let lines = lines::measure(&file.text).lines;
    if file.name() == "main.rs" && file.path.ends_with("src/main.rs") && lines > MAIN_LINES_MAX {
        findings
            .problems
            .push(format!("{}: {lines} lines, more than {MAIN_LINES_MAX}: main only starts things", file.path));
    }
    if file.path.contains("/tests/") || file.name() == "tests.rs" {
        return;
    }
    if lines > LINES_MAX {
        findings.problems.push(format!("{}: {lines} lines, more than {LINES_MAX}: split it by subject", file.path));
    } else if lines > LINES_WARNED {
        findings.warnings.push(format!("{}: {lines} lines, more than {LINES_WARNED}", file.path));
    }
}

fn is_finished(file: &File, findings: &mut Findings) {
    for (number, line) in file.text.lines().enumerate() {
        for (first, second) in UNFINISHED {
            let word = format!("{first}{second}");
            if line.contains(&word) {
                findings.problems.push(format!("{}:{}: `{word}`: finish it or open an issue", file.path, number + 1));
            }
        }
    }
}

fn gives_reasons(file: &File, findings: &mut Findings) {
    for (at, _) in file.text.match_indices("[expect(") {
        let begins_attribute =
            file.text.get(..at).is_some_and(|before| before.ends_with('#') || before.ends_with("#!"));
        let attribute = file.text.get(at..).and_then(|rest| rest.split(")]").next()).unwrap_or_default();
        if begins_attribute && !attribute.contains("reason = \"") {
            findings.problems.push(format!("{}: an `expect` without `reason = \"…\"`", file.path));
        }
    }
}

fn makes_no_permit(file: &File, findings: &mut Findings) {
    if file.path.starts_with(PERMIT_MADE_IN) || file.path.starts_with("xtask/") {
        return;
    }
    for (number, line) in file.text.lines().enumerate() {
        let made = line.match_indices("Permit {").any(|(at, _)| !follows_a_word(line, at));
        let named = ["struct Permit", "impl", "-> Permit", "let Permit", "//"].iter().any(|word| line.contains(word));
        if made && !named {
            findings.problems.push(format!("{}:{}: only `record` makes a permit", file.path, number + 1));
        }
    }
}
