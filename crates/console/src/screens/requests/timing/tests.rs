//! Where the time of requests went whose entries are known.

use audit_entry::Ending;
use request_index::Index;

use super::*;
use crate::rig::{Rig, entries};

/// The request `r-1` of a log of such entries.
async fn indexed(rig: &Rig) -> (Request, Vec<Attempted>) {
    let index: &Index = rig.site.index().await.unwrap().expect("a log is kept");
    index.request("r-1").await.unwrap().unwrap()
}

#[tokio::test]
async fn each_part_is_where_the_entries_say() {
    let rig = Rig::with_log(
        "",
        vec![
            entries::decided("r-1", "desk", &["far", "local"]),
            entries::attempted(1, "r-1", "local"),
            entries::ended(1, "r-1", Ending::Answered, "local"),
        ],
    )
    .await;
    let (mut request, mut further) = indexed(&rig).await;
    (request.at, request.ended_at) = (1_000_000, Some(1_800_000));
    (request.duration, request.first_byte) = (Some(1_000_000), Some(900_000));
    further[0].at = 1_300_000;
    let timing = Timing::of(&request, &further).unwrap();
    assert_eq!((timing.judged, timing.first_byte), (Duration::from_millis(200), Some(Duration::from_millis(900))));
    let parts: Vec<_> = timing.parts.iter().map(|part| (part.is, part.left, part.width)).collect();
    assert_eq!(parts, [("judged", 0, 200), ("tried", 200, 300), ("tried-next", 500, 500)]);
    assert_eq!(timing.began, Some(900));
    let tries = tries(&request, further.clone());
    let told: Vec<_> = tries.iter().map(|it| (it.destination.as_str(), it.after.as_millis(), it.lasted)).collect();
    let lasted = |millis| Some(Duration::from_millis(millis));
    assert_eq!(told, [("far", 0, lasted(300)), ("local", 300, lasted(500))]);

    // A log whose clock was set says what cannot be: nothing is drawn outside the picture.
    for (ended, next) in [(0, 0), (u64::MAX, u64::MAX), (1_000_001, u64::MAX)] {
        request.ended_at = Some(ended);
        further[0].at = next;
        let timing = Timing::of(&request, &further).unwrap();
        assert!(timing.parts.iter().all(|part| part.left + part.width <= WIDTH), "{ended} {next}");
    }
    request.duration = Some(0);
    assert!(Timing::of(&request, &further).unwrap().parts.iter().all(|part| part.left + part.width <= WIDTH));
    request.ended_at = None;
    assert!(Timing::of(&request, &further).is_none(), "it is under way");
    assert_eq!(super::tries(&request, further).last().unwrap().lasted, None);
    (request.ended_at, request.attempts) = (Some(2_000_000), 0);
    assert!(Timing::of(&request, &[]).is_none(), "nothing was asked");
}
