//! `gwanmun account`: who may use the console, as an operator makes them.

use serde_json::Value;

use crate::bench::Bench;

#[test]
fn an_account_is_made_changed_and_closed() {
    let bench = Bench::new();
    let made = bench.ok(&["account", "create", "--name", "kim", "--role", "owner"]);
    let password = made.lines().find_map(|line| line.strip_prefix("password ")).unwrap();
    assert_eq!(password.len(), 24, "{made}");
    let json = bench.ok(&["account", "create", "--name", "lee", "--role", "user", "--team", "audit", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["name"], &json["role"], &json["team"]), (&"lee".into(), &"user".into(), &"audit".into()));
    assert_ne!(json["password"], password);
    assert_eq!(bench.ok(&["account", "change", "lee", "--role", "auditor"]), "lee is auditor of team audit\n");
    let again = bench.ok(&["account", "password", "kim"]);
    assert!(again.contains("signed out everywhere") && !again.contains(password), "{again}");
    assert_eq!(bench.ok(&["account", "close", "lee"]), "closed lee\n");
    let list: Value = serde_json::from_str(&bench.ok(&["account", "list", "--json"])).unwrap();
    assert_eq!(list[0]["closed_at"], Value::Null);
    assert!(list[1]["closed_at"].is_string(), "{list}");
    assert!(!list.to_string().contains("argon2"), "no hash is shown: {list}");
}

#[test]
fn what_is_wrong_with_accounts_is_told() {
    let bench = Bench::new();
    bench.ok(&["account", "create", "--name", "kim", "--role", "owner"]);
    let table: [(&[&str], i32, &str); 5] = [
        (
            &["account", "create", "--name", "kim", "--role", "user"],
            2,
            "there is an account `kim` already, or there was",
        ),
        (&["account", "create", "--name", "two words", "--role", "user"], 2, "`two words` cannot be an account's name"),
        (&["account", "create", "--name", "x", "--role", "king"], 64, "owner, officer, operator, auditor or user"),
        (&["account", "close", "park"], 2, "there is no account `park`; `gwanmun account list` shows all"),
        (&["account", "close", "kim"], 2, "`kim` is the last owner: make another account an owner first"),
    ];
    for (arguments, exit, says) in table {
        let told = bench.run(arguments);
        assert_eq!(told.exit, Some(exit), "{arguments:?}: {}", told.err);
        assert!(told.err.contains(says), "{arguments:?}: {}", told.err);
    }
}
