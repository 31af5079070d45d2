//! What a page changes is what it says, and nothing else; what is wrong changes nothing and leaves nothing.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::*;

const TYPED: &str = "\
# ours, since spring
[policy]
use = \"open\" # for now

[[destination]] # the first
name = \"seoul\"
base_url = \"https://seoul.example/v1\"
models = [\"large\", \"small\"]

[[destination]]
name = \"paris\"
base_url = \"https://paris.example/v1\"
models = [\"grand\"]

[[route]]
model = \"assistant\"
destinations = [\"seoul/large\", \"paris/grand\", \"local\"]

[[route]]
model = \"quick\"
destinations = [\"seoul/small\"]
";

fn seoul() -> NewDestination {
    NewDestination {
        name: "seoul".into(),
        base_url: "https://new.example/v1".into(),
        models: vec!["large".into(), "small".into()],
        provider: Some("own".into()),
        private: true,
        ..NewDestination::default()
    }
}

#[test]
fn what_is_not_named_stays_as_it_was_typed() {
    let edits = [
        Edit::Policy { used: "kr-enterprise".into(), home: Some("KR".into()) },
        Edit::Destination(seoul()),
        Edit::Destination(NewDestination { name: "hanoi".into(), ..seoul() }),
        Edit::DestinationKey { name: "paris".into(), key: "env:GWANMUN_SEOUL_KEY".into() },
        Edit::Route { model: "quick".into(), destinations: vec!["hanoi/small".into(), "local".into()] },
        Edit::LocalModel("smollm2-135m-instruct-q4_1".into()),
    ];
    let made = Edit::all(&edits, TYPED).unwrap();
    insta::assert_snapshot!(made);
    let config = parse(&made).unwrap();
    assert_eq!(config.destinations.iter().map(|it| &*it.name).collect::<Vec<_>>(), ["seoul", "paris", "hanoi"]);
    assert_eq!(config.routes.len(), 2);
    // The same from nothing.
    let made = Edit::all(&edits, "").unwrap();
    assert_eq!(parse(&made).unwrap().destinations.len(), 2, "{made}");
}

#[test]
fn a_destination_that_is_taken_out_is_in_no_route_any_more() {
    let edits = [Edit::RemoveDestination("seoul".into()), Edit::RemoveDestination("lisbon".into())];
    let made = Edit::all(&edits, TYPED).unwrap();
    let config = parse(&made).unwrap();
    assert_eq!(config.destinations.iter().map(|it| &*it.name).collect::<Vec<_>>(), ["paris"]);
    assert_eq!(config.routes.iter().map(|it| (&*it.model, it.steps.len())).collect::<Vec<_>>(), [("assistant", 2)]);
    let made = Edit::all(&[Edit::RemoveRoute("assistant".into())], &made).unwrap();
    assert!(parse(&made).unwrap().routes.is_empty() && made.starts_with("# ours, since spring\n"), "{made}");
}

/// A configuration that is followed, and changed through its editor.
struct Followed {
    folder: tempfile::TempDir,
    live: Live,
    editor: Editor,
    _tasks: Tasks,
}

impl Followed {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gwanmun.toml");
        std::fs::write(&path, text).unwrap();
        let live = Config::load(&path).unwrap().live();
        let (clock, _hand) = Clock::by_hand("2026-11-22T09:00:00Z".parse().unwrap());
        let tasks = Tasks::new(clock.clone());
        let editor = follow(Source::new(path, Arc::clone(&live)), off(), &tasks, clock).unwrap();
        Self { folder, live, editor, _tasks: tasks }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Every file below the folder, by its path from there.
    fn files(&self) -> Vec<String> {
        fn below(folder: &Path, root: &Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.path().is_dir() {
                    below(&entry.path(), root, found);
                } else {
                    found.push(entry.path().strip_prefix(root).unwrap().display().to_string());
                }
            }
        }
        let mut found = Vec::new();
        below(self.folder.path(), self.folder.path(), &mut found);
        found.sort();
        found
    }

    async fn change(&self, edits: Vec<Edit>, files: Vec<(PathBuf, String)>) -> Result<Vec<&'static str>, ChangeError> {
        self.editor.change(Change { edits, files, by: "account:kim".into() }).await
    }

    fn key(&self) -> Option<String> {
        self.live.load().destinations.first()?.key.as_ref().map(|key| key.reveal().to_owned())
    }
}

#[tokio::test]
async fn a_change_is_in_force_when_it_is_made() {
    let followed = Followed::new(TYPED);
    let path = followed.path("gwanmun.toml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let edits = vec![Edit::Policy { used: "local".into(), home: None }, Edit::LocalModel("other".into())];
    assert_eq!(followed.change(edits, Vec::new()).await.unwrap(), ["local.model"]);
    assert_eq!(followed.live.load().policy.used, UsedPolicy::Shipped("local".into()));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640, "its rights are as they were");
    assert_eq!(Config::load(&path).unwrap().version, followed.live.load().version);
    assert_eq!(followed.files(), ["gwanmun.toml"]);
    assert_eq!(followed.change(Vec::new(), Vec::new()).await.unwrap(), [""; 0], "nothing to change");
}

#[tokio::test]
async fn a_first_change_makes_the_file() {
    let followed = Followed::new("");
    std::fs::remove_file(followed.path("gwanmun.toml")).unwrap();
    followed.change(vec![Edit::Policy { used: "open".into(), home: None }], Vec::new()).await.unwrap();
    let about = std::fs::metadata(followed.path("gwanmun.toml")).unwrap();
    assert_eq!(about.permissions().mode() & 0o777, 0o600);
    assert_eq!(followed.live.load().policy.used, UsedPolicy::Shipped("open".into()));
}

#[tokio::test]
async fn what_is_wrong_changes_nothing_and_leaves_nothing() {
    let followed = Followed::new(TYPED);
    let before = followed.live.load_full();
    let secret = Editor::secret_path("seoul").unwrap();
    let edits = vec![
        Edit::Destination(NewDestination { base_url: "ftp://x".into(), ..seoul() }),
        Edit::DestinationKey { name: "seoul".into(), key: format!("file:{}", secret.display()) },
    ];
    let Err(ChangeError::Mistakes(mistakes)) = followed.change(edits, vec![(secret, "sk-new".into())]).await else {
        panic!("it is wrong");
    };
    let told = mistakes.to_string();
    assert!(told.contains("must begin with `http://`") && told.contains("set `policy.home`"), "{told}");
    assert_eq!(std::fs::read_to_string(followed.path("gwanmun.toml")).unwrap(), TYPED);
    assert_eq!(followed.files(), ["gwanmun.toml"]);
    assert!(Arc::ptr_eq(&before, &followed.live.load_full()));
    // Somebody is in the middle of writing it.
    std::fs::write(followed.path("gwanmun.toml"), "[policy").unwrap();
    let refused = followed.change(vec![Edit::LocalModel("other".into())], Vec::new()).await;
    assert!(matches!(refused, Err(ChangeError::NotToml(_))), "{refused:?}");
    assert_eq!(std::fs::read_to_string(followed.path("gwanmun.toml")).unwrap(), "[policy");
    // What is there is not written over.
    std::fs::write(followed.path("gwanmun.toml"), TYPED).unwrap();
    std::fs::write(followed.path("mine"), "mine").unwrap();
    let refused = followed.change(Vec::new(), vec![("mine".into(), "yours".into())]).await;
    assert!(matches!(&refused, Err(ChangeError::Disk { path, .. }) if path.ends_with("mine")), "{refused:?}");
    assert_eq!(std::fs::read_to_string(followed.path("mine")).unwrap(), "mine");
}

#[tokio::test]
async fn a_secret_lies_beside_the_configuration_for_its_owner_alone_and_goes_when_it_is_not_used() {
    let followed = Followed::new(TYPED);
    let set = async |text: &str| {
        let path = Editor::secret_path("seoul").unwrap();
        let key = format!("file:{}", path.display());
        let edit = Edit::DestinationKey { name: "seoul".into(), key };
        followed.change(vec![edit], vec![(path.clone(), text.to_owned())]).await.unwrap();
        path.display().to_string()
    };
    let first = set("sk-first").await;
    assert_eq!(followed.key().as_deref(), Some("sk-first"));
    assert_eq!(std::fs::metadata(followed.path(&first)).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!std::fs::read_to_string(followed.path("gwanmun.toml")).unwrap().contains("sk-first"));
    let second = set("sk-second").await;
    assert_eq!(followed.key().as_deref(), Some("sk-second"));
    assert_eq!(followed.files(), ["gwanmun.toml".to_owned(), second], "the first is gone");
    followed.change(vec![Edit::RemoveDestination("seoul".into())], Vec::new()).await.unwrap();
    assert_eq!(followed.files(), ["gwanmun.toml"]);
}

#[tokio::test]
async fn a_secret_of_a_file_is_one_line_and_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, secret) = (folder.path().join("gwanmun.toml"), folder.path().join("seoul.key"));
    let edit = Edit::DestinationKey { name: "seoul".into(), key: "file:seoul.key".into() };
    std::fs::write(&path, Edit::all(&[edit], TYPED).unwrap()).unwrap();
    let told = |text: &str| {
        std::fs::write(&secret, text).unwrap();
        Config::load(&path).map_err(|mistakes| mistakes.to_string())
    };
    for bad in ["", "\n", "two words\n", "two\nlines\n"] {
        assert!(told(bad).unwrap_err().contains("write the key into it, alone"), "{bad:?}");
    }
    let live = told("sk-first\r\n").unwrap().live();
    assert_eq!(live.load().destinations[0].key.as_ref().unwrap().reveal(), "sk-first");
    assert!(!format!("{live:?}").contains("sk-first"));
    let mut source = Source::new(path.clone(), Arc::clone(&live));
    assert_eq!(source.look(false, &off()).await, Looked::Same);
    std::fs::write(&secret, "sk-second-one\n").unwrap();
    assert_eq!(source.look(false, &off()).await, Looked::Applied { waiting: vec![] });
    assert_eq!(live.load().destinations[0].key.as_ref().unwrap().reveal(), "sk-second-one");
    std::fs::remove_file(&secret).unwrap();
    let Looked::Refused(mistakes) = source.look(false, &off()).await else { panic!("refused") };
    assert!(mistakes.to_string().contains("cannot be read"), "{mistakes}");
    assert_eq!(live.load().destinations[0].key.as_ref().unwrap().reveal(), "sk-second-one", "the last good one stays");
}
