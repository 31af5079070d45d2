//! Files that a crash cut or somebody changed: what comes back is right, or something says that it is not.

use super::vectors::frames;
use super::*;

/// A request's id, what was asked, and what was answered in pieces.
type Said = (&'static str, &'static [u8], &'static [&'static [u8]]);

/// What was kept in the one file of [`spoilable`], in its order.
const TRUTH: [Said; 3] = [
    ("one", b"what is asked first", &[b"data: a\n\n", b"data: b\n\n"]),
    ("two", b"", &[b"an answer"]),
    ("three", b"what is asked last", &[b"data: c\n\n"]),
];

/// A place with a file of three requests; how long it was when each of them was acknowledged.
async fn spoilable() -> (Place, Vec<usize>) {
    let place = Place::new().await;
    let (payloads, sealing) = place.open();
    let mut acknowledged = Vec::new();
    for (id, request, answer) in TRUTH {
        keep(&payloads, "a", id, request, answer).await;
        acknowledged.push(fs::read(place.file("2026-11", 1)).unwrap().len());
    }
    sealing.finish().unwrap();
    (place, acknowledged)
}

/// Whether the payload is there as it was. What comes back otherwise must be the beginning of the truth, and must say that
/// it is not all.
async fn sound(place: &Place, at: usize, context: &str) -> bool {
    let (id, request, answer) = TRUTH[at];
    let answer = answer.concat();
    let kept = match place.read("a", id).await {
        Ok(kept) => kept,
        Err(ReadError::Damaged(_) | ReadError::NotKept { .. }) => return false,
        Err(error) => panic!("{context}: {error}"),
    };
    assert!(request.starts_with(&kept.request.bytes), "{context}: other bytes");
    assert!(!kept.request.whole || kept.request.bytes == request, "{context}: called whole");
    if let Some(part) = &kept.answer {
        assert!(answer.starts_with(&part.bytes), "{context}: other bytes");
        assert!(!part.whole || part.bytes == answer, "{context}: called whole");
    }
    kept.request.whole && kept.answer.is_some_and(|answer| answer.whole)
}

#[tokio::test]
async fn a_file_cut_anywhere_keeps_what_was_acknowledged() {
    let (place, acknowledged) = spoilable().await;
    let path = place.file("2026-11", 1);
    let file = fs::read(&path).unwrap();
    let ends: Vec<usize> = frames(&file).into_iter().map(|(_, range)| range.end).collect();
    // A file system may show zeros where the bytes were not written yet.
    for (length, zeros) in (0..=file.len()).flat_map(|length| [(length, 0), (length, 100)]) {
        let cut = [&file[..length], &vec![0; zeros]].concat();
        fs::write(&path, &cut).unwrap();
        for (at, end) in acknowledged.iter().enumerate() {
            let context = format!("cut at {length}, then {zeros} zeros, request {at}");
            // Chance may have sealed to zeros what the zeros stand for.
            assert_eq!(sound(&place, at, &context).await, cut.get(..*end) == file.get(..*end), "{context}");
            // The end of a file is no damage, nor are zeros behind a piece.
            let Ok(kept) = place.read("a", TRUTH[at].0).await else { continue };
            assert!(kept.damage.is_none() || zeros > 0 && !ends.contains(&length), "{context}");
        }
    }
    // The next process goes on in another file.
    fs::write(&path, &file[..acknowledged[1] + 5]).unwrap();
    let (payloads, sealing) = place.open();
    keep(&payloads, "a", "after", b"q", &[b"a"]).await;
    sealing.finish().unwrap();
    assert_eq!(place.read("a", "after").await.unwrap(), kept(b"q", Some(b"a")));
    assert_eq!(fs::read(&path).unwrap().len(), acknowledged[1] + 5, "nothing is repaired");
}

#[tokio::test]
async fn every_changed_byte_is_found() {
    let (place, _) = spoilable().await;
    let path = place.file("2026-11", 1);
    let file = fs::read(&path).unwrap();
    for at in 0..file.len() {
        for bit in [0x01, 0x80] {
            let mut changed = file.clone();
            changed[at] ^= bit;
            fs::write(&path, &changed).unwrap();
            let mut all = true;
            for request in 0..TRUTH.len() {
                all &= sound(&place, request, &format!("byte {at} changed, request {request}")).await;
            }
            assert!(!all, "byte {at} changed, and nothing says so");
        }
    }
}

#[tokio::test]
async fn a_piece_that_is_moved_taken_out_or_doubled_is_found() {
    let (place, _) = spoilable().await;
    let path = place.file("2026-11", 1);
    let file = fs::read(&path).unwrap();
    let pieces: Vec<&[u8]> = frames(&file).into_iter().map(|(_, range)| &file[range]).collect();
    let head = &file[..form::FILE_HEADER_BYTES];
    let mut orders: Vec<(String, Vec<usize>)> = Vec::new();
    for at in 0..pieces.len() {
        orders.push((format!("without {at}"), (0..pieces.len()).filter(|other| *other != at).collect()));
        orders.push((format!("{at} twice"), (0..=at).chain(at..pieces.len()).collect()));
        for with in 0..at {
            let mut order: Vec<usize> = (0..pieces.len()).collect();
            order.swap(at, with);
            orders.push((format!("{at} and {with} swapped"), order));
        }
    }
    for (what, order) in orders {
        let changed: Vec<&[u8]> = std::iter::once(head).chain(order.iter().map(|at| pieces[*at])).collect();
        fs::write(&path, changed.concat()).unwrap();
        let mut all = true;
        for request in 0..TRUTH.len() {
            all &= sound(&place, request, &what).await;
        }
        let damage = place.read("a", "nobody's").await;
        // Without the last piece the file is one that a crash cut: its part is not whole. All else is damage.
        assert!(!all || matches!(damage, Err(ReadError::Damaged(_))), "{what}: nothing says so: {damage:?}");
    }
}

#[tokio::test]
async fn a_piece_renumbered_for_its_new_place_does_not_open() {
    let (place, _) = spoilable().await;
    let path = place.file("2026-11", 1);
    let file = fs::read(&path).unwrap();
    let all = frames(&file);
    let (one, two) = (all[0].0.request, all[3].0.request);
    assert_ne!(one, two);
    // Somebody who knows the form gives the pieces of one request to the other, checksums and all.
    let mut changed = file[..form::FILE_HEADER_BYTES].to_vec();
    for (mut header, range) in all {
        if header.request == two {
            header.request = one;
        } else if header.request == one {
            header.request = two;
        }
        changed.extend_from_slice(&header.to_bytes());
        changed.extend_from_slice(&file[range.start + form::FRAME_HEADER_BYTES..range.end]);
    }
    fs::write(&path, changed).unwrap();
    for id in ["one", "two"] {
        let error = place.read("a", id).await.unwrap_err();
        assert!(matches!(&error, ReadError::Damaged(damage) if damage.path == path && damage.offset > 0), "{error}");
    }
    assert!(sound(&place, 2, "untouched").await);
}

#[tokio::test]
async fn a_file_that_was_renamed_copied_or_taken_away_is_found() {
    let place = Place::new().await;
    for start in ["one", "two", "three"] {
        let (payloads, sealing) = place.open();
        keep(&payloads, "a", start, b"asked", &[b"answered"]).await;
        sealing.finish().unwrap();
    }
    let [first, second, third] = [1, 2, 3].map(|number| place.file("2026-11", number));
    let bytes = fs::read(&second).unwrap();
    fs::remove_file(&second).unwrap();
    let error = place.read("a", "two").await.unwrap_err();
    assert!(matches!(&error, ReadError::Damaged(damage) if damage.path == third), "{error}");
    assert_eq!(place.read("a", "three").await.unwrap(), kept(b"asked", Some(b"answered")));
    fs::copy(&first, &second).unwrap();
    let error = place.read("a", "two").await.unwrap_err();
    assert!(matches!(&error, ReadError::Damaged(damage) if damage.path == second), "{error}");
    // The same bytes under another key's file header.
    let mut forged = fs::read(&third).unwrap();
    forged[form::FILE_HEADER_BYTES..].copy_from_slice(&bytes[form::FILE_HEADER_BYTES..]);
    fs::write(&third, forged).unwrap();
    let error = place.read("a", "two").await.unwrap_err();
    assert!(matches!(&error, ReadError::Damaged(_)), "{error}");
}
