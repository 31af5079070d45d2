//! The table against the specification's words, and what it refuses.

use super::{Field, KINDS, Need};
use crate::entry::{Fault, read};

const HEX: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn told(entry: &str) -> String {
    match read(entry.as_bytes()) {
        Ok(_) => "sound".to_owned(),
        Err(Fault::Form(wrong)) => format!("form: {wrong}"),
        Err(Fault::Schema(wrong)) => wrong,
    }
}

fn stop() -> String {
    "{\"at\":\"2026-05-01T00:00:00.000000Z\",\"kind\":\"stop\",\"reason\":\"asked\",\"replica\":\"00000000000000aa\",\"seq\":0,\
     \"v\":1}"
        .to_owned()
}

#[test]
fn tables_stand_in_canonical_order_and_have_what_all_entries_have() {
    for (kind, fields) in KINDS {
        assert!(fields.is_sorted_by_key(|Field(name, ..)| *name), "{kind}");
        for name in ["at", "kind", "replica", "seq", "v"] {
            assert!(
                fields.iter().any(|Field(field, _, need)| *field == name && *need == Need::Always),
                "{kind}: {name}"
            );
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_with_its_name() {
    let stop = stop();
    assert_eq!(told(&stop), "sound");
    for (from, to, wrong) in [
        ("\"v\":1", "\"v\":2", "`v` is not 1, the version this reader knows"),
        (",\"v\":1", "", "`v` is missing"),
        ("\"stop\"", "\"halt\"", "`halt` is not a kind of entry"),
        ("\"reason\":\"asked\",", "", "`reason` is missing"),
        ("\"asked\"", "\"\"", "`reason` is not text of 1 to 2048 bytes without control characters"),
        ("\"asked\"", "null", "`reason` is not text of 1 to 2048 bytes without control characters"),
        ("\"seq\":0", "\"seq\":-1", "`seq` is not a whole number in its one spelling"),
        ("\"seq\":0", "\"seq\":\"7\"", "`seq` is not a whole number in its one spelling"),
        ("\"seq\":0", "\"seq\":\"9007199254740992\"", "sound"),
        ("\"seq\":0", "\"seq\":\"18446744073709551616\"", "`seq` is not a whole number in its one spelling"),
        ("00000000000000aa", "00000000000000AA", "`replica` is not hex of its length"),
        ("00000000000000aa", "aa", "`replica` is not hex of its length"),
        ("\"seq\"", "\"scope\":1,\"seq\"", "`scope` is not a field of `stop`"),
        ("\"v\":1", "\"v\":1,\"x\":1", "`x` is not a field of `stop`"),
        (".000000Z", "Z", "`at` is not a time in UTC with microseconds, such as `2026-01-31T09:30:00.000000Z`"),
        ("05-01", "02-30", "`at` is not a time in UTC with microseconds, such as `2026-01-31T09:30:00.000000Z`"),
        ("00:00:00", "23:59:60", "`at` is not a time in UTC with microseconds, such as `2026-01-31T09:30:00.000000Z`"),
        ("\"v\":1}", "\"v\":1} ", "form: something follows the value, at byte 110 of the entry"),
    ] {
        assert!(stop.contains(from), "{from}");
        assert_eq!(told(&stop.replace(from, to)), wrong, "{from} to {to}");
    }
    assert_eq!(told("[]"), "form: it is not an object");
}

#[test]
fn a_decision_permits_at_least_one_destination_each_once() {
    let decision = |destinations: &str| {
        told(&format!(
            "{{\"at\":\"2026-05-01T00:00:00.000000Z\",\"choices\":1,\"commitment\":\"{HEX}\",\"config\":\"{HEX}\",\
             \"destinations\":{destinations},\"key\":\"k\",\"kind\":\"decision\",\"model\":\"m\",\"policy\":\"{HEX}\",\
             \"replica\":\"00000000000000aa\",\"request\":\"r\",\"request_bytes\":1,\"seq\":0,\"stream\":false,\
             \"surface\":\"chat\",\"team\":\"t\",\"v\":1}}"
        ))
    };
    assert_eq!(decision("[\"a\",\"b\"]"), "sound");
    for bad in ["[]", "[\"a\",\"a\"]", "[\"\"]", "[1]", "\"a\""] {
        assert_eq!(decision(bad), "`destinations` is not a list of different texts, at least one", "{bad}");
    }
}
