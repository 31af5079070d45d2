//! What the pages for operators and `docs/examples` tell people to write is taken by the loader, and the pages quote the examples as they
//! are.

use std::path::{Path, PathBuf};

use super::super::{Config, RouteStep};

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");

/// The examples, by their place.
fn examples() -> Vec<(PathBuf, String)> {
    let listed = std::fs::read_dir(Path::new(DOCS).join("examples")).unwrap();
    let paths = listed.map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let mut found: Vec<_> = paths.map(|path| (path.clone(), std::fs::read_to_string(&path).unwrap())).collect();
    found.sort();
    assert!(found.len() >= 4, "{found:?}");
    found
}

/// Settings that stand in a page.
fn quoted(page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(Path::new(DOCS).join(page)).unwrap();
    let blocks = text.split("```toml\n").skip(1);
    let blocks: Vec<_> = blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect();
    assert!(!blocks.is_empty(), "{page}");
    blocks
}

/// Reads it as if it lay in a folder that has the authority's certificate which it may name.
fn loaded(text: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let signed = rcgen::generate_simple_self_signed(["gpu-b.llm.internal".to_owned()]).unwrap();
    for name in ["own-ca.pem", "hall-ca.pem"] {
        std::fs::write(folder.path().join(name), signed.cert.pem()).unwrap();
    }
    let file = folder.path().join("gwanmun.toml");
    Config::parse_in(text, &file.display().to_string(), &|_| Some("a-key".to_owned()))
        .unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"))
}

#[test]
fn every_example_is_taken_and_ends_on_this_machine() {
    for (path, text) in examples() {
        let config = loaded(&text);
        let told = path.display();
        assert!(!config.destinations.is_empty(), "{told}");
        let route = config.routes.first().unwrap_or_else(|| panic!("{told} has no route"));
        let last = route.steps.last();
        assert_eq!(last, Some(&RouteStep::Local), "{told}: when all else is cut off, the local model answers");
    }
}

#[test]
fn the_page_about_larger_machines_quotes_the_examples() {
    let examples = examples();
    for block in quoted("scale-out.md") {
        assert!(examples.iter().any(|(_, text)| text.contains(&block)), "no file of docs/examples has this:\n{block}");
    }
}

#[test]
fn the_page_about_destinations_is_taken() {
    for block in quoted("destinations.md") {
        // Whoever has machines of their own has said where they are.
        loaded(&format!("[policy]\nuse = \"kr-enterprise\"\nhome = \"KR\"\n\n{block}"));
    }
}
