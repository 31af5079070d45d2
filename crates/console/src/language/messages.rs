//! The messages: one file for each part of the console and each language, compiled into the binary.

use std::sync::LazyLock;

use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};

use super::Language;

/// The files of one language.
macro_rules! files {
    ($tag:literal) => {
        files!(
            $tag,
            "shell", "accounts", "overview", "cut-off", "jurisdictions", "models", "routes", "guard", "keys", "requests", "audit",
            "chat", "set-up", "destinations", "first-steps"
        )
    };
    ($tag:literal, $($part:literal),+) => {
        &[$(($part, include_str!(concat!("../../locales/", $tag, "/", $part, ".ftl")))),+]
    };
}

/// What each language says: the parts' names and texts.
pub(super) fn files(language: Language) -> &'static [(&'static str, &'static str)] {
    match language {
        Language::Korean => files!("ko"),
        Language::English => files!("en"),
        Language::Vietnamese => files!("vi"),
        Language::French => files!("fr"),
        Language::Japanese => files!("ja"),
    }
}

struct Bundles([FluentBundle<FluentResource>; 5]);

static BUNDLES: LazyLock<Bundles> = LazyLock::new(|| Bundles(Language::ALL.map(bundle)));

fn bundle(language: Language) -> FluentBundle<FluentResource> {
    // Our own tags are well formed; the fallback is never met.
    let tag = language.tag().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![tag]);
    // The marks that isolate left-to-right from right-to-left text: none of our languages needs them.
    bundle.set_use_isolating(false);
    for (_, text) in files(language) {
        // A part that cannot be read whole is used as far as it can; a test finds it.
        let resource = FluentResource::try_new((*text).to_owned()).unwrap_or_else(|(resource, _)| resource);
        bundle.add_resource_overriding(resource);
    }
    bundle
}

fn of(language: Language) -> &'static FluentBundle<FluentResource> {
    let [korean, english, vietnamese, french, japanese] = &BUNDLES.0;
    match language {
        Language::Korean => korean,
        Language::English => english,
        Language::Vietnamese => vietnamese,
        Language::French => french,
        Language::Japanese => japanese,
    }
}

/// The message; English stands in for one that is missing, and its name for one that is nowhere.
pub(super) fn text(language: Language, name: &str, arguments: Option<&FluentArgs<'_>>) -> String {
    let found = [language, Language::English].into_iter().find_map(|language| {
        let bundle = of(language);
        let pattern = bundle.get_message(name)?.value()?;
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, arguments, &mut errors);
        for error in errors {
            tracing::debug!(message = name, %error, "a message is not whole");
        }
        Some(text.into_owned())
    });
    // Whoever reads a message's name on a page has found a mistake; tests find it first.
    #[cfg(test)]
    assert!(found.is_some(), "no message `{name}`");
    found.unwrap_or_else(|| name.to_owned())
}
