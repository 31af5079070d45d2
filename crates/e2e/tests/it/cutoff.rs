//! The demonstration of a cut-off in its short form, as `cargo xtask demo cutoff --short` plays it: the built command with the real
//! model, two foreign providers that refuse under traffic. Whatever it claims must be so.

use e2e::command::command_and_model;
use e2e::cutoff::{Acts, stage};

/// What it claims, by words of each claim; that none is forgotten is as good as that all hold.
const CLAIMS: [&str; 14] = [
    "before the cut every request is answered from abroad",
    "withdrawn within two seconds",
    "cut in mid-sentence",
    "a whole answer or an honest error",
    "the local floor answers, and says that it is degraded",
    "at most one request in a hundred touches them",
    "nothing goes back unapproved",
    "`restore destination:foreign-a --approve` is taken",
    "`restore destination:foreign-b --approve` is taken",
    "it is asked again",
    "the server ends well",
    "the log holds",
    "exactly one outcome",
    "no answer was silently truncated",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_the_demonstration_claims_is_so() {
    let Some((command, model)) = command_and_model() else { return };
    let mut told = Vec::new();
    let claims = stage::play(&command, &model, Acts::SHORT, &mut |line| told.push(line.to_owned())).await.unwrap();
    let told = told.join("\n");
    let wrong: Vec<_> = claims.iter().filter(|(_, is_so)| !is_so).map(|(what, _)| what).collect();
    assert!(wrong.is_empty(), "not so: {wrong:#?}\n{told}");
    for claim in CLAIMS {
        assert!(claims.iter().any(|(what, _)| what.contains(claim)), "`{claim}` was not claimed: {claims:#?}\n{told}");
    }
}
