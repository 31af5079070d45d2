//! Every mistake in a policy is told with its file and line, and how to mend it; all of them at once.

use super::{read, read_with};

/// A rule's head with a name.
const ALL: &str = "@id(\"a\")\npermit (principal, action, resource)\n";

/// Reads rules that are wrong; gives what is told.
fn wrong(rules: &str) -> String {
    match read(rules) {
        Ok(_) => panic!("nothing is wrong with\n{rules}"),
        Err(mistakes) => mistakes.to_string(),
    }
}

#[track_caller]
fn told(rules: &str, expected: &[&str]) {
    let got = wrong(rules);
    let lines: Vec<&str> = got.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{got}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "expected `{expected}`, got `{line}`");
    }
}

#[test]
fn what_is_no_cedar_is_told_where_it_stands() {
    told(
        &format!("{ALL};\n\n@id(\"b\")\npermit (principal, action, resource)\nwhen {{ resource.local && }};"),
        &["test.cedar:7: unexpected token `}`"],
    );
    told("@id(\"a\")\npermit (principal, action, resource)", &["test.cedar:2: unexpected end of input"]);
    told(
        &format!("{ALL}when {{ resource.colour == \"red\" }};"),
        &["test.cedar:3: attribute `colour` on entity type `Destination` not found"],
    );
    told(
        &format!("{ALL}when {{ resource.card == \"solar-pro2\" }};"),
        &["test.cedar:3: unable to guarantee safety of access to optional attribute `card`"],
    );
    told("@id(\"a\")\npermit (principal == ?principal, action, resource);", &["test.cedar:"]);
}

#[test]
fn mistakes_in_several_rules_are_told_together() {
    told(
        &format!(
            "{ALL}when {{ context.clazz == \"open\" }};\n@id(\"b\")\npermit (principal, resource, action);\n@id(\"c\")\nforbid (principal, action == Action::\"train\", resource);"
        ),
        &[
            "test.cedar:3: attribute `clazz` in context not found; did you mean `class`?",
            "test.cedar:5: ",
            "test.cedar:5: ",
            "test.cedar:7: unrecognized action `Action::\"train\"`",
        ],
    );
}

#[test]
fn words_that_do_not_exist_are_told_with_the_nearest() {
    told(
        &format!("{ALL}when {{ context.class == \"sensitiv\" }};"),
        &["test.cedar:3: there is no class `sensitiv`; did you mean `sensitive`?"],
    );
    told(
        &format!("{ALL}when {{ context.findings.containsAny([\"email\",\n  \"kr.residnet\"]) }};"),
        &["test.cedar:4: there is no kind or group of findings `kr.residnet`; did you mean `kr.resident`?"],
    );
    told(
        &format!("{ALL}when {{ resource.processed_within.contains(\"KP\") }};"),
        &["test.cedar:3: there is no jurisdiction or bloc `KP`; did you mean `"],
    );
    told(
        &format!("{ALL}when {{ [\"EU\", \"EUU\"].containsAny(resource.controlled_by) }};"),
        &["test.cedar:3: there is no jurisdiction or bloc `EUU`; did you mean `EU`?"],
    );
    told(
        &format!("{ALL}unless {{ context.signals.contains(\"signal.overide\") }};"),
        &["test.cedar:3: there is no signal `signal.overide`; did you mean `signal.override`?"],
    );
    told(
        &format!("{ALL}when {{ context.surface == \"chats\" }};"),
        &["test.cedar:3: there is no surface `chats`; did you mean `chat`?"],
    );
    told(
        &format!("{ALL}when {{ resource.transfer_basis.contains(\"consents\") }};"),
        &["test.cedar:3: there is no basis of a transfer `consents`; did you mean `consent`?"],
    );
}

#[test]
fn what_a_destination_can_never_be_is_told_wherever_it_is_written() {
    let when = |attribute: &str, is: &str| {
        format!("{ALL}when {{ resource has {attribute} &&\n  resource.{attribute} {is} }};")
    };
    told(&when("provider", "== \"azuer\""), &["test.cedar:4: there is no provider `azuer`; did you mean `azure`?"]);
    told(
        &format!("{ALL}when {{ resource has provider && [\"own\", \"opnai\"].contains(resource.provider) }};"),
        &["test.cedar:3: there is no provider `opnai`; did you mean `openai`?"],
    );
    told(
        &when("region", "!= \"korea-centre\""),
        &["test.cedar:4: there is no region of a provider `korea-centre`; did you mean `korea-central`?"],
    );
    told(
        &when("developer", "== \"upstge\""),
        &["test.cedar:4: there is no organisation `upstge`; did you mean `upstage`?"],
    );
    told(
        &when("card", "== \"solar-pro-2\""),
        &["test.cedar:4: there is no model of the catalogue `solar-pro-2`; did you mean `solar-pro2`?"],
    );
    told(
        &when("training_on_input", "== \"nevr\""),
        &["test.cedar:4: there is no `training_on_input` `nevr`; did you mean `never`?"],
    );
    told(
        &format!("{ALL}unless {{ resource.languages.contains(\"kr\") }};"),
        &["test.cedar:3: there is no language of models `kr`; did you mean `ko`?"],
    );
    // Of an attribute without a list of words nobody can say that.
    assert!(read(&when("offer_to_third_parties", "== \"anything\"")).is_ok());
    // The same words of the destinations that cases know.
    let settings = "[[destination]]\nid = \"d\"\nprovider = \"azuer\"\ntransfer_basis = [\"consent\", \"consents\"]";
    let mistakes = read_with(&format!("{ALL};"), settings).unwrap_err().to_string();
    assert_eq!(
        mistakes.lines().collect::<Vec<_>>(),
        [
            "test.toml:3: there is no provider `azuer`; did you mean `azure`?",
            "test.toml:4: there is no basis of a transfer `consents`; did you mean `consent`?",
        ]
    );
}

#[test]
fn what_the_judge_cannot_ask_is_told_with_what_it_can() {
    told(
        &format!("{ALL}when {{ resource.local\n  && resource.languages.contains(context.language) }};"),
        &[
            "test.cedar:4: `resource.languages.contains(context.language)` asks about the request and the destination at once",
        ],
    );
    told(
        &format!("{ALL}when {{ context.purpose like \"hr*\" }};"),
        &["test.cedar:3: `context.purpose like \"hr*\"` must be"],
    );
    told(
        &format!("{ALL}when {{ context.purpose == context.use_area }};"),
        &["test.cedar:3: `context.purpose == context.use_area` must be"],
    );
    told(
        &format!("{ALL}when {{ context.prompt_kib * 2 < 64 }};"),
        &["test.cedar:3: `(context.prompt_kib * 2) < 64` must be"],
    );
}

#[test]
fn annotations_are_checked() {
    told(
        "permit (principal, action, resource);",
        &["test.cedar:1: the rule needs a name: write `@id(\"…\")` before `permit`"],
    );
    told(&format!("{ALL};\n{ALL};"), &["test.cedar:4: `@id(\"a\")` is already there, at line 1: rename one"]);
    told(
        "@id(\"A rule\")\npermit (principal, action, resource);",
        &["test.cedar:1: `@id` must be 1 to 64 of `a-z 0-9 -`, not `A rule`"],
    );
    let of =
        |annotation: &str, effect: &str| format!("@id(\"a\")\n{annotation}\n{effect} (principal, action, resource);");
    told(&of("@lable(\"ai\")", "permit"), &["test.cedar:2: there is no annotation `@lable`; did you mean `label`?"]);
    told(
        &of("@edit(\"mask\")", "forbid"),
        &["test.cedar:2: `@edit` says nothing on a `forbid`: it belongs on a `permit`"],
    );
    told(
        &of("@code(\"no\")", "permit"),
        &["test.cedar:2: `@code` says nothing on a `permit`: it belongs on a `forbid`"],
    );
    told(&of("@code(\"No!\")", "forbid"), &["test.cedar:2: `@code` must be 1 to 64 of `a-z 0-9 _`, not `No!`"]);
    told(&of("@edit(\"hide\")", "permit"), &["test.cedar:2: `@edit` must be `mask` or `pseudonymise`, not `hide`"]);
    told(&of("@review(\"yes\")", "permit"), &["test.cedar:2: `@review` must be `human`, not `yes`"]);
    told(&of("@kinds(\"email\")", "permit"), &["test.cedar:2: `@kinds` says nothing without `@edit` or `@answer`"]);
    told(
        &of("@edit(\"mask\") @kinds(\"emial\")", "permit"),
        &["test.cedar:2: there is no kind or group of findings `emial`; did you mean `email`?"],
    );
}

#[test]
fn settings_are_checked_with_the_rules() {
    let told = |settings: &str, expected: &[&str]| {
        let got = read_with(&format!("{ALL};"), settings).unwrap_err().to_string();
        let lines: Vec<&str> = got.lines().collect();
        assert_eq!(lines.len(), expected.len(), "{got}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(expected), "expected `{expected}`, got `{line}`");
        }
    };
    told(
        "[policy]\ntitle = 1\ncolour = \"red\"",
        &["test.toml:2: `title` must be a text, not integer", "test.toml:3: there is no `colour` here"],
    );
    told(
        "[classes]\ndefault = \"secret\"\n\n[classes.findings]\nemial = \"open\"\nemail = \"closed\"",
        &[
            "test.toml:2: `default` cannot be `secret`; there are `open`, `sensitive`, `classified`",
            "test.toml:5: there is no kind or group of findings `emial`; did you mean `email`?",
            "test.toml:6: the class of `email` must be `open`, `sensitive` or `classified`",
        ],
    );
    told(
        "[[destination]]\nid = \"x\"\nprocessed_in = [\"XX\"]\n\n[[destination]]\nname = \"y\"",
        &["test.toml:3: there is no jurisdiction or bloc `XX`", "test.toml:5: a destination needs an `id`"],
    );
    told(
        "[[case]]\nname = \"c\"\nto = \"locl\"\nexpect = \"permitted\"\nrule = \"b\"\nfindings = [\"mail\"]",
        &[
            "test.toml:3: `to` must name a destination of this file or `local`, not `locl`; did you mean `local`?",
            "test.toml:5: there is no rule `b`",
            "test.toml:6: there is no kind or group of findings `mail`; did you mean `email`?",
        ],
    );
    told(
        "[[case]]\nto = \"local\"",
        &[
            "test.toml:1: a case needs `expect = \"permitted\"` or `expect = \"refused\"`",
            "test.toml:1: a case needs a `name` that says what it shows",
        ],
    );
    told("[policy\ntitle = 1", &["test.toml:1: "]);
    told(
        "[policy]\nversion = 1\nsources = \"a law\"",
        &["test.toml:2: `version` must be a text, not", "test.toml:3: `sources` must be a list of texts, not"],
    );
}

#[test]
fn a_semicolon_in_a_text_or_comment_ends_no_rule() {
    let text = "// one; two\n@id(\"a\")\n@why(\"stay; or \\\"go\\\"; // no comment\")\npermit (principal, action, resource); // ; \n";
    let policy = read(text).unwrap();
    assert_eq!(policy.rules().len(), 1);
    assert_eq!(policy.rules()[0].line, 2);
    assert_eq!(policy.rules()[0].why.as_deref(), Some("stay; or \"go\"; // no comment"));
}

#[test]
fn a_rule_is_as_deep_as_can_be_walked() {
    // On the stack of a test, 2 MiB.
    for (open, close) in [
        ("context.unread && ", ""),
        ("resource.local || ", ""),
        ("!(", ")"),
        ("(", ")"),
        ("if context.unread then (", ") else false"),
    ] {
        let rule =
            |count: usize| format!("{ALL}when {{ {}context.stream{} }};", open.repeat(count), close.repeat(count));
        let judge = read(&rule(24)).unwrap().compile(super::destinations());
        assert!(judge.prove().complete);
        let facts = crate::Facts { stream: true, unread: true, ..super::PLAIN };
        assert!(super::permitted(&judge, &facts).contains(&"local".to_owned()), "{open}");
        for count in [80, 400] {
            told(&rule(count), &["test.cedar:1: the rule joins more than about 64 conditions: divide it"]);
        }
    }
    let ands = format!("{ALL}when {{ {}context.stream }};", "context.unread && ".repeat(60));
    assert!(read(&ands).is_ok());
    told(
        &format!("{ALL}when {{ resource{} == 1 }};", ".name".repeat(100)),
        &["test.cedar:1: the rule joins more than about 64"],
    );
    let rule = |count: usize| {
        let teams: Vec<String> = (0..count).map(|number| format!("Team::\"{number}\"")).collect();
        format!("{ALL}when {{ principal in [{}] }};", teams.join(","))
    };
    let judge = read(&rule(1_200)).unwrap().compile(super::destinations());
    assert_eq!(super::permitted(&judge, &crate::Facts { team: "77", ..super::PLAIN }).len(), 4);
    told(&rule(2_000), &["test.cedar:1: the rule is longer than 16 KiB: divide it"]);
}
