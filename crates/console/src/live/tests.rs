//! When open pages are told that something has changed.

use super::*;
use crate::rig::{Rig, entries};

#[tokio::test]
async fn pages_are_told_when_they_can_show_more_and_not_before() {
    let rig = Rig::with_log("", Vec::new()).await;
    let [.., before] = look(&rig.site).await;
    let log = Arc::clone(rig.site.recorder.log().unwrap());
    log.append_and_wait(&entries::refused("r", "desk")).unwrap();
    log.wait_for_checkpoint(log.size()).unwrap();
    let [.., signed] = look(&rig.site).await;
    assert_ne!(before, signed, "the audit log's page shows it");
    rig.index().await;
    let [.., indexed] = look(&rig.site).await;
    assert_ne!(signed, indexed, "the overview shows it now");
    assert_eq!(look(&rig.site).await[3], indexed, "nothing has happened since");
}
