//! The shape of a pseudonym: of the kind's form, where the numbering leaves room nobody's, drawn by HMAC-SHA-256.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::RequestKey;
use crate::fold::Folder;
use crate::view::View;
use crate::{Kind, Rules, Strength, scan};

/// The longest pseudonym of a key, however long the key is.
const KEY_MAX: usize = 64;

/// How much of a key's beginning tells whose it is.
const KEY_PREFIX: usize = 4;

/// How often a number is drawn again because its check digit happens to be right.
const DRAWS_MAX: u32 = 32;

const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &[u8] = b"0123456789";
const HEX: &[u8] = b"0123456789abcdef";
const MIXED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Chance that only the key knows: the same for the same original.
struct Chance {
    mac: Hmac<Sha256>,
    block: [u8; 32],
    used: usize,
    count: u64,
}

impl Chance {
    fn new(kind: &Kind, original: &str, key: &RequestKey, round: u32) -> Self {
        let mut block = [0; 64];
        // HMAC's own rule: a short key is filled up with zeros.
        for (place, byte) in block.iter_mut().zip(key.0) {
            *place = byte;
        }
        let mut mac = <Hmac<Sha256>>::new(&block.into());
        for part in [kind.name().as_bytes(), &[0], original.as_bytes(), &[0], &round.to_be_bytes()] {
            mac.update(part);
        }
        Self { mac, block: [0; 32], used: 32, count: 0 }
    }

    fn byte(&mut self) -> u8 {
        if self.used == self.block.len() {
            let mut mac = self.mac.clone();
            mac.update(&self.count.to_be_bytes());
            self.block = mac.finalize().into_bytes().into();
            self.count += 1;
            self.used = 0;
        }
        let byte = self.block.get(self.used).copied().unwrap_or_default();
        self.used += 1;
        byte
    }

    /// One of `from`; the slight preference for its beginning gives nothing away.
    fn one(&mut self, from: &[u8]) -> char {
        let place = usize::from(self.byte()).checked_rem(from.len()).unwrap_or_default();
        from.get(place).copied().map_or('x', char::from)
    }

    fn some(&mut self, from: &[u8], count: usize) -> String {
        (0..count).map(|_| self.one(from)).collect()
    }
}

/// The pseudonym of `original`, or another one in another `round`.
pub(super) fn pseudonym(kind: &Kind, original: &str, key: &RequestKey, round: u32) -> String {
    let folded = fold(original);
    // However its digits are grouped, a number draws the same ones; drawn again, what is written otherwise draws others.
    let compact: String = folded.chars().filter(|it| it.is_alphanumeric()).collect();
    let mut chance = Chance::new(kind, if round == 0 { &compact } else { original }, key, round);
    match kind {
        Kind::Email => format!("u{}@{}.example", chance.some(LOWER, 10), chance.some(LOWER, 6)),
        // RFC 2544: reserved for measurements.
        Kind::IpV4 => {
            let mut octet = || 100 + u32::from(chance.byte()) % 156;
            format!("198.18.{}.{}", octet(), octet())
        }
        // RFC 3849: reserved for documentation.
        Kind::IpV6 => {
            let groups: Vec<String> =
                (0..6).map(|_| format!("{}{}", chance.one(b"123456789abcdef"), chance.some(HEX, 3))).collect();
            format!("2001:db8:{}", groups.join(":"))
        }
        Kind::SecretApiKey => {
            let prefix: String = folded.chars().take(KEY_PREFIX).collect();
            let length = folded.len().min(KEY_MAX).saturating_sub(prefix.len());
            format!("{prefix}{}", chance.some(MIXED, length))
        }
        Kind::SecretJwt => {
            format!("eyJ{}.eyJ{}.{}", chance.some(MIXED, 24), chance.some(MIXED, 32), chance.some(MIXED, 43))
        }
        Kind::SecretPrivateKey => {
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", chance.some(MIXED, 64))
        }
        Kind::Own(name) => format!("{name}-{}", chance.some(b"abcdefghjkmnpqrstuvwxyz23456789", 12)),
        Kind::KrResident
        | Kind::KrForeigner
        | Kind::KrPassport
        | Kind::KrDriver
        | Kind::KrBusiness
        | Kind::KrCorporate
        | Kind::KrPhone
        | Kind::KrAccount
        | Kind::VnCccd
        | Kind::VnCmnd
        | Kind::VnTax
        | Kind::VnPhone
        | Kind::JpMyNumber
        | Kind::JpPhone
        | Kind::FrNir
        | Kind::FrSiren
        | Kind::FrSiret
        | Kind::Iban
        | Kind::Card => unchecked(kind, &folded, &mut chance),
    }
}

fn fold(original: &str) -> String {
    let (mut folder, mut view) = (Folder::new(), View::default());
    folder.push(original.as_bytes(), true, &mut view);
    String::from_utf8_lossy(view.known().0).trim().to_owned()
}

/// A number whose check digit is wrong, so that it is nobody's.
fn unchecked(kind: &Kind, folded: &str, chance: &mut Chance) -> String {
    let mut drawn = number(kind, folded, chance);
    for _ in 0..DRAWS_MAX {
        let is_checked = scan(&drawn, &Rules::default()).iter().any(|found| found.strength == Strength::Checked);
        if !is_checked {
            break;
        }
        drawn = number(kind, folded, chance);
    }
    drawn
}

/// Other digits for digits, other letters for letters, the rest as it is.
fn number(kind: &Kind, folded: &str, chance: &mut Chance) -> String {
    let kept = kept(kind, folded);
    let born = format!("{:02}{:02}", 1 + chance.byte() % 12, 1 + chance.byte() % 28);
    let (mut digits, mut characters) = (0, 0);
    let mut drawn = String::with_capacity(folded.len());
    for character in folded.chars() {
        characters += 1;
        let place = digits;
        digits += usize::from(character.is_ascii_digit());
        drawn.push(match (character, kind) {
            (same, _) if characters <= kept => same,
            // Born in the nineteenth century: nobody's.
            ('0'..='9', Kind::KrResident | Kind::KrForeigner) => match place {
                2..=5 => born.chars().nth(place - 2).unwrap_or('1'),
                6 => chance.one(b"90"),
                _ => chance.one(DIGITS),
            },
            ('0'..='9', _) => chance.one(DIGITS),
            ('A'..='Z', _) => chance.one(UPPER),
            ('a'..='z', _) => chance.one(LOWER),
            (other, _) => other,
        });
    }
    drawn
}

/// How many characters at the beginning say what it is: the country, the network, the area.
fn kept(kind: &Kind, folded: &str) -> usize {
    let is_phone = matches!(kind, Kind::KrPhone | Kind::JpPhone | Kind::VnPhone);
    if is_phone && folded.starts_with('+') {
        3
    } else if is_phone || *kind == Kind::Iban {
        2
    } else {
        usize::from(matches!(kind, Kind::KrPassport | Kind::Card))
    }
}
