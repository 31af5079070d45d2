//! Every mistake is told at its line with how to mend it; what is proper means what it says; a bad change changes nothing.

#![expect(clippy::disallowed_methods, reason = "a test may leave half a file")]

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::clock::Clock;
use crate::record::{CommitmentSecret, Recorder};
use crate::tasks::Tasks;

mod editing;
mod examples;
mod reach;

fn environment(name: &str) -> Option<String> {
    match name {
        "GWANMUN_SEOUL_KEY" => Some("sk-seoul-secret".to_owned()),
        "GWANMUN_BLANK" => Some("two words".to_owned()),
        "GWANMUN_PROXY" => Some("socks5://gate%40way:p%3Ass@proxy.example:1081".to_owned()),
        "GWANMUN_BAD_PROXY" => Some("http://gate:%zz@proxy.example".to_owned()),
        _ => None,
    }
}

fn parse(text: &str) -> Result<Config, Mistakes> {
    Config::parse_in(text, "gwanmun.toml", &environment)
}

const WHOLE: &str = r#"
[server]
listen = "0.0.0.0:80"
console = "[::1]:81"

[limits]
head_bytes_max = 8192
head_seconds_max = 1
body_bytes_max = 2048
body_seconds_max = 2
idle_seconds_max = 3
connections_max = 4
answer_seconds_max = 5
write_stall_seconds_max = 6
drain_seconds_max = 7

[admission]
requests_in_flight_max = 8
requests_in_flight_per_key_max = 9
requests_per_minute_per_key = 10
tokens_in_flight_per_key_max = 11

[local]
model = "qwen2.5-coder"
embedding_model = "./encoder"
threads = 12
queue_jobs_max = 13
sequences_max = 14
cache_mib = 16
context_tokens_max = 17
answer_tokens_default = 18
prefix_cache = false
speculation = false

[policy]
use = "open"
home = "KR"

[availability]
quality = "alert"
automatic_return = ["tls", "name"]
webhook = "https://hooks.example/secret-path"

[audit_log]
mode = "off"
payloads = "sealed"
witnesses = "w.policy"
watch = "l.policy"
private_witnesses = true
open_entries = true

[[destination]]
name = "seoul-1"
base_url = "https://seoul.example/v1/"
models = ["a", { name = "b", upstream = "vendor/b-2" }]
key = "env:GWANMUN_SEOUL_KEY"
connect_seconds_max = 19
first_byte_seconds_max = 20
idle_seconds_max = 21
total_seconds_max = 22

[[destination]]
name = "lab"
base_url = "http://127.0.0.1:8000"
models = ["c"]
"#;

#[test]
fn what_is_typed_is_what_holds() {
    let config = parse(WHOLE).unwrap();
    let seconds = Duration::from_secs;
    assert_eq!(config.server, Server { listen: "0.0.0.0:80".parse().unwrap(), console: "[::1]:81".parse().unwrap() });
    let limits = Limits {
        head_bytes_max: 8192,
        head_time_max: seconds(1),
        body_bytes_max: 2048,
        body_time_max: seconds(2),
        idle_time_max: seconds(3),
        connections_max: 4,
        answer_time_max: seconds(5),
        write_stall_time_max: seconds(6),
        drain_time_max: seconds(7),
    };
    assert_eq!(config.limits, limits);
    let admission = Admission {
        requests_in_flight_max: 8,
        requests_in_flight_per_key_max: 9,
        requests_per_minute_per_key: Some(10),
        tokens_in_flight_per_key_max: 11,
    };
    assert_eq!(config.admission, admission);
    let local = Local {
        model: Some(LocalModelChoice::Named("qwen2.5-coder".into())),
        embedding_model: Some(LocalModelChoice::File("./encoder".into())),
        threads: Some(12),
        queue_jobs_max: 13,
        sequences_max: 14,
        cache_mib: 16,
        context_tokens_max: Some(17),
        answer_tokens_default: 18,
        prefix_cache: false,
        speculation: false,
    };
    assert_eq!(config.local, local);
    assert_eq!((config.policy.rules.name(), config.audit_log.mode), ("open", LogMode::Off));
    let [seoul, lab] = config.destinations.as_slice() else { panic!("two destinations") };
    assert_eq!((&*seoul.name, seoul.base_url.to_string().as_str()), ("seoul-1", "https://seoul.example/v1"));
    let model = |name: &str, upstream: &str| RemoteModel { upstream: upstream.into(), ..RemoteModel::plain(name) };
    assert_eq!(seoul.models, [model("a", "a"), model("b", "vendor/b-2")]);
    assert_eq!(seoul.key.as_ref().map(Secret::reveal), Some("sk-seoul-secret"));
    assert_eq!((seoul.connect_time_max, seoul.first_byte_time_max), (seconds(19), seconds(20)));
    assert_eq!((seoul.idle_time_max, seoul.total_time_max), (seconds(21), seconds(22)));
    assert_eq!((lab.key.as_ref(), lab.total_time_max), (None, defaults::TOTAL_TIME_MAX));
}

#[test]
fn nothing_typed_is_the_defaults_and_versions_name_texts() {
    assert_eq!(parse("").unwrap(), Config::default());
    let (one, other) = (parse("# a\n").unwrap(), parse("# b\n").unwrap());
    assert_ne!(one.version, other.version);
    assert_eq!(one.version.to_string().len(), 16);
    assert_eq!(Config { version: other.version, ..one }, other);
}

#[test]
fn models_are_files_names_or_none() {
    let model = |text: &str| parse(&format!("[local]\nmodel = \"{text}\"\n")).unwrap().local.model.unwrap();
    assert_eq!(model("none"), LocalModelChoice::None);
    assert_eq!(model("./x"), LocalModelChoice::File("./x".into()));
    assert_eq!(model("x.gguf"), LocalModelChoice::File("x.gguf".into()));
    assert_eq!(model("x"), LocalModelChoice::Named("x".into()));
}

#[test]
fn every_mistake_is_told_at_once_at_its_line_with_how_to_mend_it() {
    let text = r#"
[server]
listen = "localhost:4000"
consol = "127.0.0.1:4001"
[limits]
head_bytes_max = 3
connections_max = "many"
idle_seconds_max = 0
[admission]
requests_in_flight_max = 2.5
requests_per_minute_per_key = -1
[local]
model = "two words"
thread = 4
[policy]
use = "opne"
home = "Korea"
[audit_log]
mode = true
[audit_logs]
[[destination]]
base_url = "seoul.example"
models = []
key = "sk-typed-by-mistake"
[[destination]]
name = "Seoul"
base_url = "https://user:hunter2@seoul.example"
models = ["a", "a", 7, { upstream = "x" }, { name = "b", upsteam = "c" }]
key = "env:OPENAI_API_KEY"
[[destination]]
name = "lab"
base_url = "https://lab.example/?key=hunter3"
models = "a"
key = "env:GWANMUN_NOT_SET"
total_seconds_max = 100000
[[destination]]
name = "lab2"
base_url = "https://lab.example"
models = ["a"]
key = "env:GWANMUN_BLANK"
[[destination]]
name = "local"
base_url = "https://lab.example"
models = ["a"]
[[destination]]
name = "twice"
base_url = "https://lab.example"
models = ["a"]
[[destination]]
name = "twice"
base_url = "https://lab.example"
models = ["a"]
"#;
    let told = parse(text).unwrap_err().to_string();
    insta::assert_snapshot!(told);
    for secret in ["typed-by-mistake", "hunter2", "hunter3"] {
        assert!(!told.contains(secret), "`{secret}` is not repeated");
    }
}

#[test]
fn mistakes_of_what_judges_are_told_at_their_lines() {
    let text = r#"
[policy]
use = "kr-enterprise"
[[destination]]
name = "a"
base_url = "https://a.example"
models = [{ name = "m", card = "solar-pro9" }]
provider = "upstag"
[[destination]]
name = "b"
base_url = "https://b.example"
models = ["m"]
provider = "azure"
region = "mars"
[[destination]]
name = "c"
base_url = "https://c.example"
models = ["m"]
provider = "own"
region = "kr"
[[destination]]
name = "d"
base_url = "https://d.example"
models = ["m"]
region = "kr"
[[route]]
model = "r"
destinations = ["b/m", "b/m", "b/n", "b", "local"]
class = "secret"
purpose = "Case Work"
[[route]]
model = "r"
destinations = []
nfc = "yes"
[[route]]
destination = "b/m"
[[team]]
class = "opne"
high_impact = 1
[[team]]
name = "t"
[[team]]
name = "t"
[[dictionary]]
name = "projects"
words = ["x"]
[[dictionary]]
name = "Projects"
words = ["x", 7]
[[pattern]]
name = "cases"
[[pattern]]
name = "projects"
regex = "a+"
[[pattern]]
name = "open"
regex = "(a"
[[destination]]
name = "e"
base_url = "https://e.example"
models = ["m"]
key = "env:GWANMUN_NOT_SET"
[[route]]
model = "s"
destinations = ["e/m"]
"#;
    insta::assert_snapshot!(parse(text).unwrap_err());
}

#[test]
fn a_policy_and_facts_in_files_are_read_beside_the_configuration_and_their_mistakes_told_with_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    };
    write("gwanmun.toml", "[policy]\nuse = \"rules/ours.cedar\"\ncatalog = \"facts\"\n[limits]\nconnections_max = 0\n");
    write(
        "rules/ours.cedar",
        "@id(\"floor\")\npermit (principal, action, resource)\nwhen { resource.processed_within.contains(\"KO\") };\n",
    );
    write("facts/ours.toml", "[organisation.x]\nname = \"X\"\nseat = \"KR\"\n");
    let told = Config::load(&folder.path().join("gwanmun.toml")).unwrap_err().to_string();
    let told = told.replace(&format!("{}/", folder.path().display()), "");
    insta::assert_snapshot!(told);
    for (used, told) in [("gone.cedar", "gone.cedar`, and there is no such file"), ("gwanmun.cedar", "this very file")]
    {
        write("gwanmun.cedar", "@id(\"a\")\npermit (principal, action, resource);\n");
        write("gwanmun.toml", &format!("[policy]\nuse = \"{used}\"\n"));
        let found = Config::load(&folder.path().join("gwanmun.toml")).unwrap_err().to_string();
        assert!(found.contains("gwanmun.toml:2: `policy.use` is `") && found.contains(told), "{found}");
    }
    write("gwanmun.toml", "[policy]\nuse = \"rules/ours.cedar\"\n");
    write("rules/ours.cedar", "@id(\"floor\")\npermit (principal, action, resource)\nwhen { resource.local };\n");
    let config = Config::load(&folder.path().join("gwanmun.toml")).unwrap();
    assert_eq!((config.policy.rules.name(), config.policy.rules.rules().len()), ("ours", 1));
}

#[test]
fn broken_toml_is_told_at_its_line() {
    for (text, line) in [("[server\nlisten = 1", 1), ("\n\nx = ", 3), ("[server]\n[server]\n", 2), ("a = 1\na = 2", 2)]
    {
        let mistakes = parse(text).unwrap_err();
        let [mistake] = mistakes.list() else { panic!("{mistakes}") };
        assert_eq!(mistake.line, line, "{mistakes}");
        assert!(mistake.what.starts_with("this is not TOML: "), "{mistakes}");
    }
}

#[test]
fn the_same_address_twice_is_a_mistake_unless_the_system_chooses() {
    let told = parse("[server]\nlisten = \"127.0.0.1:4001\"\n").unwrap_err().to_string();
    assert!(told.contains("are both `127.0.0.1:4001`: give one another port"), "{told}");
    assert!(parse("[server]\nlisten = \"127.0.0.1:0\"\nconsole = \"127.0.0.1:0\"\n").is_ok());
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let told = Config::load(&folder.path().join("none.toml")).unwrap_err().to_string();
    assert!(told.contains("none.toml: cannot be read"), "{told}");
    let large = folder.path().join("large.toml");
    std::fs::write(&large, "#".repeat(1024 * 1024 + 1)).unwrap();
    assert!(Config::load(&large).unwrap_err().to_string().contains("larger than 1 MiB"));
}

#[test]
fn what_is_in_force_is_described_without_secrets() {
    let settings = parse(WHOLE).unwrap().settings();
    let lines: Vec<_> = settings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
    // A folder of facts would have to be there.
    let of_itself = |setting: &&Setting| !setting.name.starts_with("destination.");
    assert!(settings.iter().filter(of_itself).all(|setting| !setting.is_default || setting.name == "policy.catalog"));
    let defaults = Config::default().settings();
    assert!(defaults.iter().all(|setting| setting.is_default));
    assert_eq!(defaults[2].to_string(), "limits.head_bytes_max = 16384  # default");
    assert!(!format!("{:?}", parse(WHOLE).unwrap()).contains("sk-seoul-secret"));
}

#[test]
fn the_page_for_operators_shows_the_defaults() {
    let page = include_str!("../../../../docs/configuration.md");
    let block = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let shown = Config::parse_in(block, "gwanmun.toml", &|_| Some("a-key".to_owned())).unwrap();
    assert_eq!(shown.limits, Limits::default());
    assert_eq!(Admission { requests_per_minute_per_key: None, ..shown.admission }, Admission::default());
    let without_default =
        Local { model: None, embedding_model: None, threads: None, context_tokens_max: None, ..shown.local };
    assert_eq!(without_default, Local::default());
    let told = &shown.destinations[0];
    assert_eq!(told.connect_time_max, defaults::CONNECT_TIME_MAX);
    assert_eq!(told.first_byte_time_max, defaults::FIRST_BYTE_TIME_MAX);
    assert_eq!((told.idle_time_max, told.total_time_max), (defaults::REMOTE_IDLE_TIME_MAX, defaults::TOTAL_TIME_MAX));
}

#[test]
fn settings_that_wait_for_a_restart_are_named() {
    let old = Config::default();
    let new =
        parse("[server]\nlisten = \"127.0.0.1:1\"\n[local]\nthreads = 3\n[limits]\nconnections_max = 9\n").unwrap();
    assert_eq!(old.waiting_for_restart(&new), ["server.listen", "local.threads"]);
    assert!(old.waiting_for_restart(&old).is_empty());
}

#[tokio::test]
async fn a_good_change_is_taken_and_a_bad_one_is_refused_and_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gwanmun.toml");
    let live = Config::default().live();
    let mut source = Source::new(path.clone(), Arc::clone(&live));
    assert_eq!(source.look(true, &off()).await, Looked::Same, "a file that is not there changes nothing");
    std::fs::write(&path, "[limits]\nconnections_max = 9\n").unwrap();
    assert_eq!(source.look(false, &off()).await, Looked::Applied { waiting: vec![] });
    let good = live.load_full();
    assert_eq!(good.limits.connections_max, 9);
    assert_eq!(source.look(true, &off()).await, Looked::Same);
    std::fs::write(&path, "[limits]\nconnections_max = nine\n").unwrap();
    let Looked::Refused(mistakes) = source.look(false, &off()).await else { panic!("refused") };
    assert_eq!(mistakes.list()[0].line, 2);
    assert_eq!(source.look(true, &off()).await, Looked::Same, "it is told once");
    assert!(Arc::ptr_eq(&good, &live.load_full()), "the last good one stays");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(source.look(true, &off()).await, Looked::Same);
    std::fs::write(&path, "[limits]\nconnections_max = 9\n").unwrap();
    assert_eq!(source.look(true, &off()).await, Looked::Same, "back to what is in force");
    std::fs::write(&path, "[server]\nlisten = \"127.0.0.1:7\"\n").unwrap();
    assert_eq!(source.look(true, &off()).await, Looked::Applied { waiting: vec!["server.listen"] });
}

#[tokio::test]
async fn a_changed_policy_is_a_change_and_a_bad_one_leaves_the_last_good_one_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let (path, rules) = (folder.path().join("gwanmun.toml"), folder.path().join("ours.cedar"));
    let rule =
        |condition: &str| format!("@id(\"only\")\npermit (principal, action, resource)\nwhen {{ {condition} }};\n");
    std::fs::write(&path, "[policy]\nuse = \"ours.cedar\"\n").unwrap();
    std::fs::write(&rules, rule("resource.local")).unwrap();
    let live = Config::load(&path).unwrap().live();
    let mut source = Source::new(path, Arc::clone(&live));
    assert_eq!(source.look(false, &off()).await, Looked::Same);
    let before = live.load().policy.rules.hash();
    std::fs::write(&rules, rule("resource.local || resource.name == \"lab\"")).unwrap();
    assert_eq!(source.look(false, &off()).await, Looked::Applied { waiting: vec![] });
    let good = live.load().policy.rules.hash();
    assert_ne!(good, before);
    std::fs::write(&rules, rule("resource.locale")).unwrap();
    let Looked::Refused(mistakes) = source.look(false, &off()).await else { panic!("refused") };
    assert!(mistakes.list()[0].file.ends_with("ours.cedar") && mistakes.list()[0].line == 3, "{mistakes}");
    assert_eq!(live.load().policy.rules.hash(), good, "the last good one stays");
    assert_eq!(source.look(false, &off()).await, Looked::Same, "it is told once");
    // A class that opens more than a lower one is refused as well: that is proved before it is in force.
    std::fs::write(&rules, rule("context.class == \"classified\"")).unwrap();
    let Looked::Refused(mistakes) = source.look(false, &off()).await else { panic!("refused") };
    assert!(mistakes.list()[0].file.ends_with("ours.cedar"), "{mistakes}");
    std::fs::write(&rules, rule("resource.local")).unwrap();
    assert_eq!(source.look(false, &off()).await, Looked::Applied { waiting: vec![] });
    assert_eq!(live.load().policy.rules.hash(), before);
}

#[tokio::test]
async fn a_policy_whose_settings_vanish_is_refused_and_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let (path, settings) = (folder.path().join("gwanmun.toml"), folder.path().join("ours.toml"));
    std::fs::write(&path, "[policy]\nuse = \"ours.cedar\"\n").unwrap();
    std::fs::write(folder.path().join("ours.cedar"), "@id(\"a\")\npermit (principal, action, resource);\n").unwrap();
    std::fs::write(&settings, "[classes]\ndefault = \"classified\"\n").unwrap();
    let live = Config::load(&path).unwrap().live();
    let mut source = Source::new(path.clone(), Arc::clone(&live));
    assert_eq!(source.look(false, &off()).await, Looked::Same);
    std::fs::remove_file(&settings).unwrap();
    let Looked::Refused(mistakes) = source.look(false, &off()).await else { panic!("refused") };
    assert!(mistakes.list()[0].file.ends_with("ours.toml"), "{mistakes}");
    assert_eq!(source.look(true, &off()).await, Looked::Same, "it is told once");
    assert_eq!(live.load().policy.rules.classes().default(), ::policy::Class::Classified);
    std::os::unix::fs::symlink("nowhere", &settings).unwrap();
    assert!(Config::load(&path).unwrap_err().to_string().contains("ours.toml: cannot be read"), "a link to nothing");
    std::fs::remove_file(&settings).unwrap();
    std::fs::write(&settings, "[classes]\ndefault = \"open\"\n").unwrap();
    assert_eq!(source.look(false, &off()).await, Looked::Applied { waiting: vec![] });
}

#[tokio::test]
async fn what_the_command_line_has_set_is_no_change_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gwanmun.toml");
    std::fs::write(&path, "[limits]\nconnections_max = 9\n").unwrap();
    let mut config = Config::load(&path).unwrap();
    config.server.listen = "127.0.0.1:7".parse().unwrap();
    let live = config.live();
    let listen = live.load().server.listen;
    let mut source = Source::new(path.clone(), Arc::clone(&live)).listening(Some(listen), None);
    assert_eq!(source.look(false, &off()).await, Looked::Same);
    assert_eq!(source.look(true, &off()).await, Looked::Same);
    std::fs::write(&path, "[server]\nlisten = \"127.0.0.1:8\"\n[limits]\nconnections_max = 19\n").unwrap();
    assert_eq!(source.look(false, &off()).await, Looked::Applied { waiting: vec![] });
    assert_eq!((live.load().server.listen.port(), live.load().limits.connections_max), (7, 19));
}

/// A recorder that takes every change.
fn off() -> Recorder {
    Recorder::off(CommitmentSecret::new(&[0; 32]), Clock::system())
}

#[tokio::test]
async fn the_file_is_looked_at_every_second() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gwanmun.toml");
    let live = Config::default().live();
    let (clock, hand) = Clock::by_hand(jiff::Timestamp::UNIX_EPOCH);
    let tasks = Tasks::new(clock.clone());
    follow(Source::new(path.clone(), Arc::clone(&live)), off(), &tasks, clock).unwrap();
    hand.awaited(Duration::from_secs(1)).await;
    std::fs::write(&path, "[limits]\nconnections_max = 9\n").unwrap();
    hand.advance(Duration::from_secs(1));
    hand.awaited(Duration::from_secs(2)).await;
    assert_eq!(live.load().limits.connections_max, 9);
    tasks.drain();
    tasks.ended().await;
}

#[test]
fn what_is_wrong_with_withdrawals_is_told_at_its_line() {
    let place = "[[destination]]\nname = \"abroad\"\nbase_url = \"https://a.example/v1\"\nmodels = [\"m\"]\n";
    let notice = |subject: &str, from: &str, why: &str| {
        format!("{place}[[notice]]\nsubject = \"{subject}\"\nfrom = \"{from}\"\nwhy = \"{why}\"\n")
    };
    let config = parse(&notice("abroad", "2026-12-31", "a letter of 1 May")).unwrap();
    assert_eq!(config.notices.len(), 1);
    assert_eq!(config.notices[0].subject.to_string(), "destination:abroad");
    let cases = [
        ("[availability]\nquality = \"withdrawn\"\n".to_owned(), "gwanmun.toml:2: ", "did you mean `withdraw`?"),
        ("[availability]\nautomatic_return = [\"nme\"]\n".to_owned(), "gwanmun.toml:2: ", "did you mean `name`?"),
        (
            "[availability]\nautomatic_return = [\"legal\"]\n".to_owned(),
            "gwanmun.toml:2: ",
            "an operator has to say so",
        ),
        ("[availability]\nwebhook = \"chat.example\"\n".to_owned(), "gwanmun.toml:2: ", "`availability.webhook` must"),
        (
            "[availability]\nwebhook = \"http://169.254.169.254/a\"\n".to_owned(),
            "gwanmun.toml:2: ",
            "`availability.webhook` has an address that is a cloud's metadata service",
        ),
        (
            "[availability]\nwebhook = \"http://0x7f.1/a\"\n".to_owned(),
            "gwanmun.toml:2: ",
            "`availability.webhook` has a host that ends in a number",
        ),
        ("[availability]\nwebhook_key = \"hunter2\"\n".to_owned(), "gwanmun.toml:2: ", "must be `env:GWANMUN_…`"),
        (notice("abrod", "2026-12-31", "x"), "gwanmun.toml:6: ", "did you mean"),
        (notice("abroad", "31.12.2026", "x"), "gwanmun.toml:7: ", "must be a day such as `2026-12-31`"),
        (notice("abroad", "2026-12-31", ""), "gwanmun.toml:8: ", "must say in one line"),
        (
            format!("{place}[[notice]]\nsubject = \"abroad\"\n"),
            "gwanmun.toml:5: ",
            "this notice has no `from`: add one",
        ),
    ];
    for (text, line, says) in cases {
        let told = parse(&text).unwrap_err().to_string();
        assert!(told.contains(line) && told.contains(says), "{text}\n{told}");
        assert!(!told.contains("hunter2"), "what was typed may be the secret itself");
    }
}
