//! Accounts on a real database: who gets in, who stays out, what the log is left to say.

use gateway::clock::Clock;
use gateway::data_dir::DataDir;
use jiff::SignedDuration;
use tempfile::TempDir;

use super::*;

const PASSWORD: &str = "five words that nobody guesses";

struct Desk {
    accounts: Accounts,
    now: Timestamp,
    _dir: TempDir,
}

async fn desk() -> Desk {
    let dir = TempDir::new().unwrap();
    let now: Timestamp = "2026-11-22T09:00:00Z".parse().unwrap();
    let (clock, _hand) = Clock::by_hand(now);
    let data_dir = DataDir::join(&dir.path().join("data"), &clock).unwrap();
    let accounts = Accounts::new(Database::open(&data_dir.database()).await.unwrap());
    Desk { accounts, now, _dir: dir }
}

impl Desk {
    async fn make(&self, name: &str, role: Role) {
        let wanted = Wanted { name, role, team: "audit", password: PASSWORD };
        self.accounts.create(&wanted, "operator", self.now).await.unwrap();
    }

    async fn enter(&self, name: &str, password: &str, seconds: i64) -> Entered {
        let at = self.now + SignedDuration::from_secs(seconds);
        self.accounts.enter(name, password, "a browser", at).await.unwrap()
    }

    /// What the log is left to say, in order.
    async fn told(&self) -> Vec<String> {
        let rows: Vec<String> = sqlx::query_scalar("SELECT body FROM changes ORDER BY id")
            .fetch_all(self.accounts.database().pool())
            .await
            .unwrap();
        let told = rows.iter().map(|row| serde_json::from_str::<serde_json::Value>(row).unwrap());
        let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        told.map(|told| format!("{} {} by {}", word(&told["action"]), word(&told["subject"]), word(&told["by"])))
            .collect()
    }
}

#[tokio::test]
async fn who_knows_the_password_is_known_by_the_token_until_they_leave() {
    let desk = desk().await;
    desk.make("kim", Role::Auditor).await;
    let Entered::In(token) = desk.enter("kim", PASSWORD, 0).await else { panic!("not let in") };
    let found = desk.accounts.signed_in(token.clone(), desk.now).await.unwrap().unwrap();
    assert_eq!((&*found.account.name, found.account.role, &*found.account.team), ("kim", Role::Auditor, "audit"));
    let listed = desk.accounts.sessions("kim", desk.now).await.unwrap();
    assert_eq!(listed.iter().map(|session| session.agent.as_str()).collect::<Vec<_>>(), ["a browser"]);
    assert!(desk.accounts.end_session("kim", &token.id()).await.unwrap());
    assert!(desk.accounts.signed_in(token, desk.now).await.unwrap().is_none());
    assert_eq!(
        desk.told().await,
        ["account.create kim by operator", "session.begin kim by account:kim", "session.end kim by account:kim"]
    );
}

#[tokio::test]
async fn a_session_ends_by_itself_after_an_idle_hour_and_after_a_working_day() {
    let desk = desk().await;
    desk.make("kim", Role::User).await;
    let Entered::In(token) = desk.enter("kim", PASSWORD, 0).await else { panic!("not let in") };
    let at = |seconds| desk.now + SignedDuration::from_secs(seconds);
    for hour in 1..=12 {
        assert!(desk.accounts.signed_in(token.clone(), at(hour * 3600)).await.unwrap().is_some(), "hour {hour}");
    }
    assert!(desk.accounts.signed_in(token.clone(), at(12 * 3600 + 1)).await.unwrap().is_none());
    let Entered::In(idle) = desk.enter("kim", PASSWORD, 0).await else { panic!("not let in") };
    assert!(desk.accounts.signed_in(idle, at(3601)).await.unwrap().is_none());
}

#[tokio::test]
async fn wrong_passwords_in_a_row_make_an_account_rest_longer_each_time() {
    let desk = desk().await;
    desk.make("kim", Role::Owner).await;
    for _ in 0..4 {
        assert!(matches!(desk.enter("kim", "wrong", 0).await, Entered::Wrong));
    }
    assert!(matches!(desk.enter("kim", "wrong", 0).await, Entered::Resting(60)));
    assert!(
        matches!(desk.enter("kim", PASSWORD, 30).await, Entered::Resting(30)),
        "the right one is not looked at either"
    );
    assert!(matches!(desk.enter("kim", "wrong", 61).await, Entered::Resting(120)));
    assert!(matches!(desk.enter("kim", PASSWORD, 61 + 121).await, Entered::In(_)));
    // The count begins anew.
    assert!(matches!(desk.enter("kim", "wrong", 200).await, Entered::Wrong));
    assert_eq!(desk.told().await.iter().filter(|told| told.starts_with("account.lock kim by gateway")).count(), 2);
}

#[tokio::test]
async fn nobody_gets_in_by_a_name_that_is_none_or_closed() {
    let desk = desk().await;
    desk.make("kim", Role::Owner).await;
    desk.make("lee", Role::User).await;
    assert!(matches!(desk.enter("park", PASSWORD, 0).await, Entered::Wrong));
    let Entered::In(token) = desk.enter("lee", PASSWORD, 0).await else { panic!("not let in") };
    desk.accounts.close("lee", "account:kim", desk.now).await.unwrap();
    assert!(desk.accounts.signed_in(token, desk.now).await.unwrap().is_none(), "closing signs out");
    assert!(matches!(desk.enter("lee", PASSWORD, 0).await, Entered::Wrong));
    let again = Wanted { name: "lee", role: Role::User, team: "audit", password: PASSWORD };
    assert!(matches!(desk.accounts.create(&again, "operator", desk.now).await, Err(AccountError::NameTaken(_))));
}

#[tokio::test]
async fn the_last_owner_cannot_be_lost() {
    let desk = desk().await;
    desk.make("kim", Role::Owner).await;
    assert!(matches!(desk.accounts.close("kim", "operator", desk.now).await, Err(AccountError::LastOwner(_))));
    assert!(matches!(
        desk.accounts.change("kim", Role::User, "audit", "operator").await,
        Err(AccountError::LastOwner(_))
    ));
    desk.make("lee", Role::Owner).await;
    desk.accounts.change("kim", Role::User, "audit", "account:lee").await.unwrap();
    assert_eq!(
        desk.accounts.list().await.unwrap().iter().map(|account| account.role).collect::<Vec<_>>(),
        [Role::User, Role::Owner]
    );
}

#[tokio::test]
async fn a_new_password_signs_out_everywhere() {
    let desk = desk().await;
    desk.make("kim", Role::Owner).await;
    let Entered::In(token) = desk.enter("kim", PASSWORD, 0).await else { panic!("not let in") };
    assert!(matches!(desk.accounts.set_password("kim", "short", "account:kim").await, Err(AccountError::Password(_))));
    assert!(desk.accounts.signed_in(token.clone(), desk.now).await.unwrap().is_some(), "nothing half done");
    desk.accounts.set_password("kim", "five other words, not those", "account:kim").await.unwrap();
    assert!(desk.accounts.signed_in(token, desk.now).await.unwrap().is_none());
    assert!(matches!(desk.enter("kim", PASSWORD, 0).await, Entered::Wrong));
    assert!(matches!(desk.enter("kim", "five other words, not those", 0).await, Entered::In(_)));
}

#[test]
fn a_form_is_admitted_by_its_own_session_alone() {
    let (one, other) = (SessionToken::generate().unwrap(), SessionToken::generate().unwrap());
    assert!(one.admits_form(&one.form_token()));
    assert!(!one.admits_form(&other.form_token()));
    assert!(!one.admits_form(""));
    let again = SessionToken::parse(&one.reveal()).unwrap();
    assert!(again.admits_form(&one.form_token()));
    assert!(SessionToken::parse("short").is_none());
}

#[tokio::test]
async fn many_wrong_passwords_at_once_are_not_many_first_ones() {
    let desk = desk().await;
    desk.make("kim", Role::Owner).await;
    let tries = futures_util::future::join_all((0..12).map(|_| desk.enter("kim", "wrong", 0))).await;
    let looked_at = tries.iter().filter(|entered| matches!(entered, Entered::Wrong)).count();
    assert_eq!(looked_at, 4, "the fifth makes it rest: {tries:?}");
}
