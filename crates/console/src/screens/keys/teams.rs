//! Keys by team, with what the configuration registers for each. Plain values, made without asking anybody.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use gateway::config::Registered;
use gateway::keys::ListedKey;
use jiff::Timestamp;
use request_index::Name;

/// A team.
pub(super) struct Team {
    pub(super) name: String,
    /// As the configuration has it; none where only keys name the team.
    pub(super) registered: Option<Registered>,
    /// Those that are taken, the oldest first.
    pub(super) in_force: Vec<Row>,
    /// Those that were revoked, the last one first.
    pub(super) revoked: Vec<Row>,
}

/// A key, and when it was used.
pub(super) struct Row {
    pub(super) key: ListedKey,
    pub(super) used: Option<Used>,
}

/// When a key was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Used {
    pub(super) requests: u64,
    pub(super) last: Timestamp,
}

impl Used {
    pub(super) fn of(name: &Name) -> Self {
        let micros = i64::try_from(name.last_at).unwrap_or(i64::MAX);
        Self { requests: name.requests, last: Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX) }
    }
}

/// Every team that the configuration or a key names, by name.
pub(super) fn of(
    registered: &BTreeMap<Arc<str>, Registered>,
    keys: Vec<ListedKey>,
    used: &HashMap<String, Used>,
) -> Vec<Team> {
    let mut teams: BTreeMap<String, Team> = BTreeMap::new();
    let fresh =
        |name: &str, registered| Team { name: name.to_owned(), registered, in_force: Vec::new(), revoked: Vec::new() };
    for (name, registered) in registered {
        teams.insert(name.to_string(), fresh(name, Some(registered.clone())));
    }
    for key in keys {
        let team = teams.entry(key.team.clone()).or_insert_with(|| fresh(&key.team, None));
        let used = used.get(&key.id).copied();
        let list = if key.revoked_at.is_some() { &mut team.revoked } else { &mut team.in_force };
        list.push(Row { key, used });
    }
    for team in teams.values_mut() {
        team.revoked.sort_by(|one, other| other.key.revoked_at.cmp(&one.key.revoked_at));
    }
    teams.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, team: &str, revoked: Option<&str>) -> ListedKey {
        ListedKey {
            id: format!("id-{name}"),
            name: name.to_owned(),
            team: team.to_owned(),
            class: None,
            continuity: None,
            account: None,
            created_at: "2026-11-22T09:00:00Z".to_owned(),
            revoked_at: revoked.map(str::to_owned),
        }
    }

    #[test]
    fn keys_stand_with_their_team_and_teams_without_keys_stand_too() {
        let registered =
            BTreeMap::from([("hr".into(), Registered { purpose: "hiring".into(), ..Registered::default() })]);
        let keys = vec![
            key("a", "desk", None),
            key("b", "desk", Some("2026-11-22T09:00:00Z")),
            key("c", "desk", Some("2026-11-22T10:00:00Z")),
        ];
        let at = Name { name: "id-a".to_owned(), requests: 3, last_at: 1_795_338_000_000_000, last_entry: 7 };
        let used = HashMap::from([("id-a".to_owned(), Used::of(&at))]);
        let teams = of(&registered, keys, &used);
        let names = |rows: &[Row]| rows.iter().map(|row| row.key.name.clone()).collect::<Vec<_>>();
        let [desk, hr] = teams.as_slice() else { panic!("two teams") };
        assert_eq!(
            (&*desk.name, names(&desk.in_force), names(&desk.revoked)),
            ("desk", vec!["a".to_owned()], vec!["c".to_owned(), "b".to_owned()])
        );
        assert!(desk.registered.is_none());
        let used = desk.in_force[0].used.unwrap();
        assert_eq!((used.requests, used.last.to_string()), (3, "2026-11-22T09:00:00Z".to_owned()));
        assert_eq!((&*hr.name, hr.in_force.len()), ("hr", 0));
        assert_eq!(&*hr.registered.as_ref().unwrap().purpose, "hiring");
    }
}
