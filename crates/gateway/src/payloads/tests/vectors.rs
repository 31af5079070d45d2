//! The vectors of `spec/payloads/`, which another program made: we write the same bytes and read the same texts.

use serde::Deserialize;

use super::*;
use crate::payloads::form::{FileHeader, FrameHeader};
use crate::payloads::keys::Owner;

#[derive(Deserialize)]
struct Vectors {
    secret: String,
    origin: String,
    keys: Vec<Key>,
    file: SealedFile,
    requests: Vec<Request>,
}

#[derive(Deserialize)]
struct Key {
    id: String,
    team: String,
    month: String,
    #[serde(rename = "data_key")]
    bytes: String,
    wrapped: String,
}

#[derive(Deserialize)]
struct SealedFile {
    number: u64,
    month: String,
    hex: String,
}

#[derive(Deserialize)]
struct Request {
    #[serde(rename = "request")]
    id: String,
    tag: String,
    key: String,
    #[serde(rename = "request_text")]
    asked: String,
    #[serde(rename = "answer_text")]
    answered: Option<String>,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../../../../spec/payloads/vectors.json")).unwrap()
}

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    hex::decode(hex).unwrap().try_into().unwrap()
}

/// Every frame of a file: its header, and the bytes behind it.
pub(super) fn frames(file: &[u8]) -> Vec<(FrameHeader, std::ops::Range<usize>)> {
    let mut frames = Vec::new();
    let mut at = form::FILE_HEADER_BYTES;
    while at < file.len() {
        let header = FrameHeader::parse(file[at..at + form::FRAME_HEADER_BYTES].try_into().unwrap()).unwrap();
        let end = at + form::FRAME_HEADER_BYTES + header.sealed_bytes as usize;
        frames.push((header, at..end));
        at = end;
    }
    frames
}

#[test]
fn keys_are_wrapped_as_written_down() {
    let vectors = vectors();
    let (secret, origin) = (PayloadSecret::new(&bytes(&vectors.secret)), OriginHash::of(&vectors.origin));
    for key in &vectors.keys {
        let owner = Owner { team: &key.team, month: key.month.parse().unwrap() };
        let (id, wrapped) = (KeyId::parse(&key.id).unwrap(), hex::decode(&key.wrapped).unwrap());
        let nonce = wrapped[..12].try_into().unwrap();
        assert_eq!(secret.wrap(nonce, origin, id, owner, &bytes(&key.bytes)).unwrap(), wrapped);
        assert!(secret.unwrap(origin, id, owner, &wrapped).is_ok());
        // Bound to all that it says, and to every byte.
        assert!(secret.unwrap(OriginHash::of("other"), id, owner, &wrapped).is_err());
        assert!(secret.unwrap(origin, KeyId([1; 16]), owner, &wrapped).is_err());
        assert!(secret.unwrap(origin, id, Owner { team: "other", ..owner }, &wrapped).is_err());
        assert!(secret.unwrap(origin, id, Owner { month: "2026-12".parse().unwrap(), ..owner }, &wrapped).is_err());
        assert!(PayloadSecret::new(&[0; 32]).unwrap(origin, id, owner, &wrapped).is_err());
        for at in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[at] ^= 1;
            assert!(secret.unwrap(origin, id, owner, &changed).is_err(), "byte {at}");
        }
        assert!(secret.unwrap(origin, id, owner, &wrapped[..59]).is_err());
    }
}

#[test]
fn frames_are_sealed_as_written_down() {
    let vectors = vectors();
    let (secret, origin) = (PayloadSecret::new(&bytes(&vectors.secret)), OriginHash::of(&vectors.origin));
    let file = hex::decode(&vectors.file.hex).unwrap();
    let header = FileHeader::parse(file[..form::FILE_HEADER_BYTES].try_into().unwrap(), origin).unwrap();
    assert_eq!(header.number, vectors.file.number);
    let mut again = header.to_bytes().to_vec();
    for (frame, range) in frames(&file) {
        let key = vectors.keys.iter().find(|key| key.id == frame.key.to_string()).unwrap();
        let owner = Owner { team: &key.team, month: key.month.parse().unwrap() };
        let data_key = secret.unwrap(origin, frame.key, owner, &hex::decode(&key.wrapped).unwrap()).unwrap();
        let file_key = data_key.file_key(origin, frame.key, &header).unwrap();
        let (bound, sealed) = file[range].split_at(form::FRAME_HEADER_BYTES);
        let text = file_key.open(frame.number, bound, &mut sealed.to_vec()).unwrap().to_vec();
        again.extend_from_slice(&frame.to_bytes());
        let from = again.len();
        again.extend_from_slice(&text);
        file_key.seal(frame.number, &frame.to_bytes(), &mut again, from).unwrap();
    }
    assert_eq!(again, file);
}

#[tokio::test]
async fn the_file_is_read_as_written_down() {
    let (vectors, place) = (vectors(), Place::new().await);
    let month = place.folder().join(&vectors.file.month);
    fs::create_dir(&month).unwrap();
    fs::write(month.join(form::file_name(vectors.file.number)), hex::decode(&vectors.file.hex).unwrap()).unwrap();
    for key in &vectors.keys {
        sqlx::query("INSERT INTO payload_keys (id, team, month, wrapped, created_at) VALUES (?, ?, ?, ?, '2026-11-01T00:00:00Z')")
            .bind(&key.id)
            .bind(&key.team)
            .bind(&key.month)
            .bind(hex::decode(&key.wrapped).unwrap())
            .execute(place.database.pool())
            .await
            .unwrap();
    }
    let secret = PayloadSecret::new(&bytes(&vectors.secret));
    for request in &vectors.requests {
        assert_eq!(RequestTag::of(&request.id).0, bytes(&request.tag));
        let team = &vectors.keys.iter().find(|key| key.id == request.key).unwrap().team;
        let wanted = Wanted { request_id: &request.id, team, at: place.clock.wall() };
        let read = read(&place.folder(), &secret, &place.database, &vectors.origin, wanted).await.unwrap();
        let answer = request.answered.as_ref().map(|text| whole(text.as_bytes()));
        assert_eq!((read.request, read.answer), (whole(request.asked.as_bytes()), answer));
        // Under another log's name nothing of it is taken.
        let other = super::super::read(&place.folder(), &secret, &place.database, "other", wanted).await;
        assert!(other.is_err(), "{other:?}");
    }
}
