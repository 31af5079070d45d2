//! Drills on the built command and the wall: what each mode touches, what its report says, who vouches for it, and that it ends.

#![expect(clippy::disallowed_methods, reason = "callers run beside the drill, and a report is tampered with")]

use std::path::PathBuf;
use std::process::Output;

use e2e::command::{Site, end};
use e2e::entries::Entries;
use e2e::wall::{Role, Wall};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

/// The wall abroad and at home, one model at both, and one abroad alone.
fn configuration(wall: &Wall) -> String {
    let (foreign, national) = (wall.base_url(Role::Foreign), wall.base_url(Role::National));
    format!(
        "[policy]\nuse = \"open\"\nhome = \"KR\"\n\n[[destination]]\nname = \"foreign\"\nbase_url = \"{foreign}\"\nmodels = [\"m\", \"abroad\"]\n\n\
         [[destination]]\nname = \"national\"\nbase_url = \"{national}\"\nmodels = [\"m\"]\n"
    )
}

struct Held {
    wall: Wall,
    site: Site,
    server: Child,
}

impl Held {
    /// Nothing where no binary is prepared.
    async fn new() -> Option<Self> {
        let wall = Wall::start().await;
        let site = Site::new(&configuration(&wall)).await?;
        let server = Self::serve(&site).await;
        Some(Self { wall, site, server })
    }

    async fn serve(site: &Site) -> Child {
        let mut server = site.serve().spawn().expect("the command starts");
        site.until_open(&mut server).await;
        server
    }

    fn data(&self) -> PathBuf {
        self.site.folder().join("data")
    }

    fn command(&self, words: &[&str]) -> Command {
        let binary = self.site.command_line().into_iter().next().expect("a command has a name");
        let mut command = Command::new(binary);
        command.args(words).arg("--data-dir").arg(self.data()).env("NO_COLOR", "1").kill_on_drop(true);
        command
    }

    async fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().await.expect("the command runs")
    }

    fn drill(&self, words: &[&str]) -> Command {
        let config = self.site.folder().join("gwanmun.toml");
        let mut command = self.command(&["drill"]);
        command.args(words).arg("--json").arg("--config").arg(config);
        command
    }

    async fn ask(&self, model: &str) -> u16 {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "hello"}]});
        self.site.client().chat(&body).await.status
    }

    /// Requests that a role has heard.
    fn heard(&self, role: Role) -> usize {
        self.wall.heard().of(role).map(|connection| connection.requests.len()).sum()
    }

    async fn drills(&self) -> Vec<Value> {
        let listed = self.run(&["drill", "list", "--json"]).await;
        serde_json::from_slice(&listed.stdout).expect("a list")
    }

    /// Until the log says that one begins.
    async fn until_begun(&self) {
        let begun = |drill: &Value| drill["state"] == "running" && !drill["begin_entry"].is_null();
        while !self.drills().await.iter().any(begun) {}
    }

    async fn end(mut self) {
        end(&mut self.server).await;
        let faults = Entries::read(&self.site.log()).faults();
        assert_eq!(faults, Vec::<String>::new());
    }
}

fn report(output: &Output) -> Value {
    let told = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("no report ({error}): {told}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_touches_nobody_and_its_report_is_vouched_for() {
    let Some(held) = Held::new().await else { return };
    for _ in 0..18 {
        assert_eq!(held.ask("m").await, 200);
    }
    for _ in 0..6 {
        assert_eq!(held.ask("abroad").await, 200);
    }
    let before = (held.heard(Role::Foreign), held.heard(Role::National));
    let words = ["--withdraw", "foreign", "--for", "1h", "--mode", "replay", "--least-answered", "70%"];
    let ended = held.drill(&words).output().await.expect("it runs");
    let told = report(&ended);
    assert_eq!((ended.status.code(), &told["held"]), (Some(0), &json!(true)), "{told}");
    assert_eq!(told["during"]["requests"], 24);
    assert_eq!((&told["during"]["answered"], &told["during"]["unanswered"]), (&json!(18), &json!(6)));
    assert_eq!((&told["before"]["answered"], &told["answered_permille"]), (&json!(24), &json!(750)));
    assert_eq!((held.heard(Role::Foreign), held.heard(Role::National)), before, "a replay sends nothing");

    let folder = held.data().join("drills").join(told["id"].as_str().expect("an id"));
    let named = folder.to_str().expect("a path of text").to_owned();
    let key = held.site.log().join("key.pub");
    let verify = ["drill", "verify", &named, "--key", key.to_str().expect("a path of text")];
    let held_up = held.run(&verify).await;
    assert_eq!(held_up.status.code(), Some(0), "{}", String::from_utf8_lossy(&held_up.stdout));
    // Whatever is changed of it is found: a number of the report, a page, the proof.
    for (file, from, to) in [
        ("report.json", "\"answered\":18", "\"answered\":24"),
        ("report.md", "| answered whole | 18", "| answered whole | 24"),
        ("report.html", "answered whole", "answered hole"),
        ("report.proof", "index ", "index 1"),
    ] {
        let path = folder.join(file);
        let text = std::fs::read_to_string(&path).expect("a file of the report");
        assert!(text.contains(from), "{file} has no `{from}`");
        std::fs::write(&path, text.replacen(from, to, 1)).expect("a folder of our own");
        let refused = held.run(&verify).await;
        assert_ne!(refused.status.code(), Some(0), "{file}: {}", String::from_utf8_lossy(&refused.stdout));
        std::fs::write(&path, text).expect("a folder of our own");
    }
    assert_eq!(held.run(&verify).await.status.code(), Some(0));
    held.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_says_nothing_is_not_told_as_held() {
    let Some(held) = Held::new().await else { return };
    let words = ["--withdraw", "foreign", "--for", "1h", "--mode", "replay"];
    let ended = held.drill(&words).output().await.expect("it runs");
    let told = report(&ended);
    assert_eq!((ended.status.code(), &told["held"]), (Some(1), &json!(null)), "nothing was measured: {told}");
    // The catalogue knows what lies in Japan; this configuration has nothing there.
    let words = ["--withdraw", "JP", "--for", "1h", "--mode", "live", "--yes"];
    let ended = held.drill(&words).output().await.expect("it runs");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains("no destination of the configuration in force is taken by JP"), "{said}");
    let words = ["--withdraw", "foreign", "--for", "25h", "--mode", "live", "--yes"];
    assert_eq!(held.drill(&words).output().await.expect("it runs").status.code(), Some(64), "longer than a day");
    held.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_drill_ends_though_reference_questions_are_under_way() {
    let Some(held) = Held::new().await else { return };
    let words = ["--withdraw", "foreign", "--for", "1s", "--mode", "live", "--yes", "--reference", "m"];
    let told = report(&held.drill(&words).output().await.expect("it runs"));
    let quality = &told["quality"];
    assert_eq!((&quality["before"]["asked"], &quality["during"]["asked"]), (&json!(20), &json!(20)), "{told}");
    assert_eq!(held.ask("abroad").await, 200, "nothing is left of it");
    held.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_drill_asks_again_beside_the_answer_and_never_the_withdrawn() {
    let Some(held) = Held::new().await else { return };
    let words =
        ["--withdraw", "foreign", "--for", "3s", "--mode", "shadow", "--sample", "100%", "--least-answered", "0%"];
    let drilling = tokio::spawn(held.drill(&words).output());
    held.until_begun().await;
    for _ in 0..5 {
        assert_eq!(held.ask("m").await, 200, "a caller is answered as ever");
    }
    let told = report(&drilling.await.expect("no panic").expect("it runs"));
    assert_eq!(
        (held.heard(Role::Foreign), held.heard(Role::National)),
        (5, 5),
        "each once abroad, and once at home beside it"
    );
    assert_eq!((&told["during"]["requests"], &told["during"]["answered"]), (&json!(5), &json!(5)), "{told}");
    assert_eq!((&told["before"]["answered"], &told["why"]), (&json!(5), &json!("time")));
    assert_eq!(told["during"]["places"][0]["place"], "national/m");
    held.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_drill_is_real_until_it_ends_and_nothing_is_left_of_it() {
    let Some(held) = Held::new().await else { return };
    assert_eq!(held.ask("m").await, 200);
    let refused =
        held.drill(&["--withdraw", "foreign", "--for", "3s", "--mode", "live"]).output().await.expect("it runs");
    assert_eq!(refused.status.code(), Some(64), "it is not done without `--yes`");
    let words = ["--withdraw", "foreign", "--for", "3s", "--mode", "live", "--yes"];
    let drilling = tokio::spawn(held.drill(&words).output());
    held.until_begun().await;
    // Running is written before it is in force; what is asked before that may still go abroad.
    while held.ask("abroad").await == 200 {}
    let abroad = held.heard(Role::Foreign);
    for _ in 0..5 {
        assert_eq!(held.ask("m").await, 200);
    }
    assert_eq!((held.heard(Role::Foreign), held.heard(Role::National)), (abroad, 5));
    let told = report(&drilling.await.expect("no panic").expect("it runs"));
    assert!(told["during"]["unanswered"].as_u64() >= Some(1), "{told}");
    assert_eq!(held.ask("abroad").await, 200, "it has ended: everything is as before");
    let listed = held.run(&["withdraw", "--list", "--json"]).await;
    assert!(!String::from_utf8_lossy(&listed.stdout).contains("drill"), "a drill is no withdrawal that lasts");
    held.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_drill_stops_by_itself_and_by_command_and_with_its_server() {
    let Some(mut held) = Held::new().await else { return };
    let words = ["--withdraw", "foreign", "--for", "1h", "--mode", "live", "--yes", "--least-answered", "90%"];
    let drilling = tokio::spawn(held.drill(&words).output());
    held.until_begun().await;
    for _ in 0..30 {
        held.ask("abroad").await;
    }
    let ended = drilling.await.expect("no panic").expect("it runs");
    let told = report(&ended);
    assert_eq!((ended.status.code(), &told["why"]), (Some(1), &json!("answered-share")), "{told}");
    assert_eq!(held.ask("abroad").await, 200);

    let words = ["--withdraw", "foreign", "--for", "1h", "--mode", "live", "--yes"];
    let drilling = tokio::spawn(held.drill(&words).output());
    let running = loop {
        let drills = held.drills().await;
        if let Some(drill) = drills.iter().find(|drill| drill["state"] == "running") {
            break drill["id"].as_str().expect("an id").to_owned();
        }
    };
    assert_eq!(held.run(&["drill", "stop", &running]).await.status.code(), Some(0));
    assert_eq!(report(&drilling.await.expect("no panic").expect("it runs"))["why"], "stopped");

    // The server dies in the middle of one.
    let words = ["--withdraw", "foreign", "--for", "1h", "--mode", "live", "--yes"];
    let drilling = tokio::spawn(held.drill(&words).output());
    held.until_begun().await;
    held.server.kill().await.expect("it was ours");
    held.server = Held::serve(&held.site).await;
    while held.drills().await.iter().any(|drill| drill["state"] != "ended") {}
    let ended = drilling.await.expect("no panic").expect("it runs");
    assert_eq!(ended.status.code(), Some(2), "there is no report: {}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(held.drills().await[0]["why"], "server-stopped");
    assert_eq!(held.ask("abroad").await, 200, "a drill never survives its server");
    held.end().await;
}
