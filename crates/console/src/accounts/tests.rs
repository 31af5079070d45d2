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
        self.accounts.enter(name, password, &Source { agent: "a browser", browser: None }, at).await.unwrap()
    }

    /// The same from a browser that keeps something.
    async fn enter_from(&self, browser: &BrowserToken, name: &str, password: &str, seconds: i64) -> Entered {
        let at = self.now + SignedDuration::from_secs(seconds);
        self.accounts.enter(name, password, &Source { agent: "a browser", browser: Some(browser) }, at).await.unwrap()
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
    let found = desk.accounts.signed_in(token.clone(), Still::There, desk.now).await.unwrap().unwrap();
    assert_eq!((&*found.account.name, found.account.role, &*found.account.team), ("kim", Role::Auditor, "audit"));
    let listed = desk.accounts.sessions("kim", desk.now).await.unwrap();
    assert_eq!(listed.iter().map(|session| session.agent.as_str()).collect::<Vec<_>>(), ["a browser"]);
    assert!(desk.accounts.end_session("kim", &token.id()).await.unwrap());
    assert!(desk.accounts.signed_in(token, Still::There, desk.now).await.unwrap().is_none());
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
        assert!(
            desk.accounts.signed_in(token.clone(), Still::There, at(hour * 3600)).await.unwrap().is_some(),
            "hour {hour}"
        );
    }
    assert!(desk.accounts.signed_in(token.clone(), Still::There, at(12 * 3600 + 1)).await.unwrap().is_none());
    let Entered::In(idle) = desk.enter("kim", PASSWORD, 0).await else { panic!("not let in") };
    assert!(desk.accounts.signed_in(idle, Still::There, at(3601)).await.unwrap().is_none());
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
    let until = desk.accounts.rests_until("kim", desk.now + SignedDuration::from_secs(61)).await.unwrap();
    assert_eq!(until, Some(desk.now + SignedDuration::from_secs(61 + 120)));
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
    assert!(desk.accounts.signed_in(token, Still::There, desk.now).await.unwrap().is_none(), "closing signs out");
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
        desk.accounts.change("kim", Role::User, "audit", "operator", desk.now).await,
        Err(AccountError::LastOwner(_))
    ));
    desk.make("lee", Role::Owner).await;
    desk.accounts.change("kim", Role::User, "audit", "account:lee", desk.now).await.unwrap();
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
    assert!(
        desk.accounts.signed_in(token.clone(), Still::There, desk.now).await.unwrap().is_some(),
        "nothing half done"
    );
    desk.accounts.set_password("kim", "five other words, not those", "account:kim").await.unwrap();
    assert!(desk.accounts.signed_in(token, Still::There, desk.now).await.unwrap().is_none());
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

#[tokio::test]
async fn a_page_that_asks_by_itself_keeps_nobody_signed_in() {
    let desk = desk().await;
    desk.make("kim", Role::User).await;
    let Entered::In(token) = desk.enter("kim", PASSWORD, 0).await else { panic!("not let in") };
    let at = |seconds| desk.now + SignedDuration::from_secs(seconds);
    for minute in (0..60).step_by(10) {
        let found = desk.accounts.signed_in(token.clone(), Still::Open, at(minute * 60)).await.unwrap();
        assert!(found.is_some(), "minute {minute}");
    }
    assert!(desk.accounts.signed_in(token, Still::There, at(3601)).await.unwrap().is_none(), "an hour without anybody");
}

#[tokio::test]
async fn strangers_wrong_passwords_do_not_keep_an_owner_out_of_their_own_browser() {
    let desk = desk().await;
    desk.make("kim", Role::Owner).await;
    desk.make("lee", Role::Owner).await;
    let (own, other) = (BrowserToken::generate().unwrap(), BrowserToken::generate().unwrap());
    assert!(matches!(desk.enter_from(&own, "kim", PASSWORD, 0).await, Entered::In(_)));
    for _ in 0..5 {
        desk.enter("kim", "wrong", 10).await;
    }
    assert!(matches!(desk.enter("kim", PASSWORD, 11).await, Entered::Resting(_)), "nobody else gets in");
    assert!(
        matches!(desk.enter_from(&other, "kim", PASSWORD, 11).await, Entered::Resting(_)),
        "what is made up helps nobody"
    );
    assert!(matches!(desk.enter_from(&own, "kim", PASSWORD, 11).await, Entered::In(_)));
    assert!(matches!(desk.enter("kim", PASSWORD, 12).await, Entered::Resting(_)), "that lets strangers try no more");
    // A known browser has no more tries than others, and it is known for the account that it signed in.
    for _ in 0..5 {
        desk.enter_from(&own, "kim", "wrong", 20).await;
        desk.enter_from(&own, "lee", "wrong", 20).await;
    }
    assert!(matches!(desk.enter_from(&own, "kim", PASSWORD, 21).await, Entered::Resting(_)));
    assert!(matches!(desk.enter_from(&own, "lee", PASSWORD, 21).await, Entered::Resting(_)));
    desk.accounts.unlock("kim", "account:lee").await.unwrap();
    assert!(matches!(desk.enter("kim", PASSWORD, 22).await, Entered::In(_)), "another owner has ended the rest");
    assert!(desk.told().await.iter().any(|told| told == "account.change kim by account:lee"));
    assert!(matches!(desk.accounts.unlock("park", "account:lee").await, Err(AccountError::NotFound(_))));
}

#[tokio::test]
async fn a_new_password_makes_an_account_known_by_no_browser() {
    let desk = desk().await;
    desk.make("kim", Role::Owner).await;
    let own = BrowserToken::generate().unwrap();
    desk.enter_from(&own, "kim", PASSWORD, 0).await;
    desk.accounts.set_password("kim", "five other words, not those", "operator").await.unwrap();
    for _ in 0..5 {
        desk.enter("kim", "wrong", 1).await;
    }
    let entered = desk.enter_from(&own, "kim", "five other words, not those", 2).await;
    assert!(matches!(entered, Entered::Resting(_)), "{entered:?}");
}

#[tokio::test]
async fn wrong_passwords_are_forgiven_one_by_one() {
    let desk = desk().await;
    desk.make("kim", Role::Owner).await;
    for _ in 0..5 {
        desk.enter("kim", "wrong", 0).await;
    }
    // Two of the five are forgiven after half an hour: the next one does not make it rest.
    assert!(matches!(desk.enter("kim", "wrong", 1800).await, Entered::Wrong));
    assert!(matches!(desk.enter("kim", "wrong", 1800).await, Entered::Resting(60)));
    // Whoever tries once an hour never makes it rest for long, and in the end not at all.
    for hour in 1..=6 {
        assert!(matches!(desk.enter("kim", "wrong", 1800 + hour * 3600).await, Entered::Wrong), "hour {hour}");
    }
}

#[tokio::test]
async fn names_that_nobody_has_are_answered_as_names_that_somebody_has() {
    let desk = desk().await;
    desk.make("kim", Role::Owner).await;
    let endless = "x".repeat(password::BYTES_MAX + 1);
    for (password, seconds) in [
        ("wrong", 0),
        ("wrong", 1),
        (endless.as_str(), 2),
        ("wrong", 3),
        ("wrong", 4),
        ("wrong", 5),
        ("wrong", 6),
        ("wrong", 70),
    ] {
        let (known, unknown) =
            (desk.enter("kim", password, seconds).await, desk.enter("park", password, seconds).await);
        assert_eq!(format!("{known:?}"), format!("{unknown:?}"), "second {seconds}");
    }
    let told = desk.told().await;
    assert!(!told.iter().any(|told| told.contains("park")), "the log tells of accounts alone: {told:?}");
}

#[tokio::test]
async fn few_wait_for_their_password_to_be_looked_at() {
    let desk = desk().await;
    desk.make("kim", Role::Owner).await;
    let held = [desk.accounts.verifying.turn().await.unwrap(), desk.accounts.verifying.turn().await.unwrap()];
    let mut waiting = futures_util::stream::FuturesUnordered::new();
    for number in 0..=verifying::WAITING_MAX {
        let (desk, name) = (&desk, format!("somebody{number}"));
        waiting.push(async move { desk.enter(&name, "wrong", 0).await });
    }
    let first = futures_util::StreamExt::next(&mut waiting).await.unwrap();
    assert!(matches!(first, Entered::Busy), "one too many is sent away while the others wait: {first:?}");
    assert!(matches!(desk.accounts.set_password("kim", PASSWORD, "kim").await, Err(AccountError::Busy)));
    drop(held);
    let rest: Vec<Entered> = futures_util::StreamExt::collect(waiting).await;
    assert_eq!(rest.len(), verifying::WAITING_MAX);
    assert!(rest.iter().all(|entered| matches!(entered, Entered::Wrong)), "{rest:?}");
}

#[tokio::test]
async fn whoever_sits_at_an_open_session_is_asked_for_the_password_five_times() {
    let desk = desk().await;
    desk.make("kim", Role::Owner).await;
    desk.accounts.confirm("kim", PASSWORD, desk.now).await.unwrap();
    for _ in 0..4 {
        let wrong = desk.accounts.confirm("kim", "wrong", desk.now).await;
        assert!(matches!(wrong, Err(AccountError::PresentWrong)), "{wrong:?}");
    }
    assert!(matches!(desk.accounts.confirm("kim", "wrong", desk.now).await, Err(AccountError::PresentResting(60))));
    assert!(matches!(desk.accounts.confirm("kim", PASSWORD, desk.now).await, Err(AccountError::PresentResting(60))));
    assert!(matches!(desk.enter("kim", PASSWORD, 0).await, Entered::In(_)), "signing in is counted apart");
}
