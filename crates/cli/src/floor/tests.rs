//! Which model is chosen: what was typed, else what is configured, else the starter.

use super::*;

#[test]
fn what_is_typed_goes_before_what_is_configured() {
    let file = LocalModelChoice::File("/m/a.gguf".into());
    let named = LocalModelChoice::Named("a".into());
    let named_typed = || Choice::Named("b".into());
    let table = [
        (None, false, None, Choice::Named(STARTER.into())),
        (None, false, Some(&file), Choice::File("/m/a.gguf".into())),
        (None, false, Some(&named), Choice::Named("a".into())),
        (None, false, Some(&LocalModelChoice::None), Choice::None),
        (None, true, Some(&file), Choice::None),
        (Some("b"), false, Some(&file), named_typed()),
        (Some("b"), false, Some(&LocalModelChoice::None), named_typed()),
        (Some("b.GGUF"), false, None, Choice::File("b.GGUF".into())),
        (Some("./b"), false, None, Choice::File("./b".into())),
    ];
    for (typed, none_typed, configured, expected) in table {
        assert_eq!(Choice::of(typed, none_typed, configured), expected, "{typed:?} {none_typed} {configured:?}");
    }
}
