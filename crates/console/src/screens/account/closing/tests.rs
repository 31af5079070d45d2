//! That nobody's account is closed by one click, and that each button says whose it is.

use http::StatusCode;

use crate::accounts::Role;
use crate::rig::Rig;

#[tokio::test]
async fn an_account_is_closed_by_its_second_page_alone() {
    let rig = Rig::new("").await;
    let owner = rig.browser(Role::Owner).await;
    rig.browser(Role::User).await;
    let open = async || {
        let accounts = rig.site.accounts.list().await.unwrap();
        accounts.iter().any(|account| &*account.name == "user" && account.closed_at.is_none())
    };
    let list = rig.get(&owner, "/accounts").await.text;
    assert!(list.contains("aria-label=\"Close the account user\""), "{list}");
    assert!(list.contains("method=\"get\" action=\"/accounts/close\""), "the list asks first: {list}");
    let asked = rig.get(&owner, "/accounts/close?name=user").await;
    assert!(asked.text.contains("never again") && asked.text.contains("method=\"post\""), "{}", asked.text);
    assert!(open().await, "nothing is done by looking");
    let wrong = rig.get(&owner, "/accounts/close?name=%3Cb%3Enobody").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("&#60;b&#62;nobody"), "{}", wrong.text);
    assert_eq!(rig.post(&owner, "/accounts/close", &[("name", "user")]).await.status, StatusCode::SEE_OTHER);
    assert!(!open().await);
    let again = rig.get(&owner, "/accounts/close?name=user").await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "it is closed already");
}

#[tokio::test]
async fn every_language_says_that_the_account_is_closed_for_ever() {
    let rig = Rig::new("").await;
    let owner = rig.browser(Role::Owner).await;
    rig.browser(Role::User).await;
    for (language, word) in
        [("ko", "계정 폐쇄"), ("vi", "Khóa vĩnh viễn"), ("fr", "Clore le compte"), ("ja", "アカウントの閉鎖")]
    {
        rig.post(&owner, "/language", &[("language", language), ("back", "/")]).await;
        let text = rig.get(&owner, "/accounts/close?name=user").await.text;
        assert!(text.contains(word) && !text.contains(">accounts-"), "{language}: {text}");
    }
}
