//! Makes identifiers that nobody has checked against a person: random digits with right check digits, by formulas written
//! here a second time.

use rand::RngExt;
use rand::rngs::StdRng;

/// An identifier and what the specification says of it.
pub(crate) struct MadeUp {
    /// Its kind's stable name.
    pub(crate) kind: &'static str,
    /// As it is commonly written.
    pub(crate) text: String,
    /// A word that must stand before it; none if it is found without.
    pub(crate) word: Option<&'static str>,
    /// What it may be called where no word decides.
    pub(crate) twins: &'static [&'static str],
    /// Whether it must stand apart from Latin letters.
    pub(crate) stands_apart: bool,
}

/// Makes one.
pub(crate) type Make = fn(&mut StdRng) -> MadeUp;

/// How to make one of each kind, by a name that failures show.
pub(crate) const MAKERS: &[(&str, Make)] = &[
    ("kr.resident before 2020-10", resident_checked),
    ("kr.resident since 2020-10", resident_unchecked),
    ("kr.foreigner before 2020-10", foreigner_checked),
    ("kr.foreigner since 2020-10", foreigner_unchecked),
    ("kr.passport", passport),
    ("kr.driver", driver),
    ("kr.business", business),
    ("kr.corporate", corporate),
    ("kr.phone", korean_phone),
    ("kr.account", account),
    ("vn.cccd", citizen),
    ("vn.cmnd", older_citizen),
    ("vn.tax", vietnamese_tax),
    ("vn.phone", vietnamese_phone),
    ("jp.my_number", my_number),
    ("jp.phone", japanese_phone),
    ("fr.nir", nir),
    ("fr.siren", siren),
    ("fr.siret", siret),
    ("iban", iban),
    ("card", card),
    ("email", email),
    ("ip.v4", ip_v4),
    ("ip.v6", ip_v6),
    ("secret.api_key", api_key),
    ("secret.private_key", private_key),
    ("secret.jwt", jwt),
];

fn plain(kind: &'static str, text: String) -> MadeUp {
    MadeUp { kind, text, word: None, twins: &[], stands_apart: false }
}

fn named(kind: &'static str, text: String, word: &'static str) -> MadeUp {
    MadeUp { word: Some(word), ..plain(kind, text) }
}

pub(crate) fn pick<T: Copy>(random: &mut StdRng, from: &[T]) -> T {
    from[random.random_range(0..from.len())]
}

pub(crate) fn digits(random: &mut StdRng, count: usize) -> String {
    (0..count).map(|_| char::from(b'0' + random.random_range(0..10_u8))).collect()
}

fn of(random: &mut StdRng, alphabet: &[u8], count: usize) -> String {
    (0..count).map(|_| char::from(pick(random, alphabet))).collect()
}

fn value(text: &str, at: usize) -> u32 {
    u32::from(text.as_bytes()[at] - b'0')
}

/// Splits a run into groups.
fn grouped(run: &str, groups: &[usize], separator: &str) -> String {
    let mut rest = run;
    let mut parts = Vec::new();
    for length in groups {
        let (part, after) = rest.split_at(*length);
        parts.push(part);
        rest = after;
    }
    assert!(rest.is_empty(), "{run} has more digits than {groups:?}");
    parts.join(separator)
}

/// A registration number's first twelve digits: born in `years`, the seventh one of `sevenths`.
fn registration(random: &mut StdRng, years: std::ops::Range<u32>, seventh: u32) -> String {
    let year = random.random_range(years) % 100;
    let (month, day) = (random.random_range(1..=12), random.random_range(1..=28));
    format!("{year:02}{month:02}{day:02}{seventh}{}", digits(random, 5))
}

fn registration_check(twelve: &str, foreigner: bool) -> u32 {
    let sum: u32 = (0..12).map(|at| (at as u32 % 8 + 2) * value(twelve, at)).sum();
    ((if foreigner { 13 } else { 11 }) - sum % 11) % 10
}

fn written(random: &mut StdRng, thirteen: &str) -> String {
    if random.random_bool(0.3) { thirteen.to_owned() } else { grouped(thirteen, &[6, 7], "-") }
}

fn resident_checked(random: &mut StdRng) -> MadeUp {
    let is_older = random.random_bool(0.7);
    let seventh = if is_older { random.random_range(1..=2) } else { random.random_range(3..=4) };
    let twelve = registration(random, if is_older { 1935..2000 } else { 2000..2021 }, seventh);
    let text = format!("{twelve}{}", registration_check(&twelve, false));
    plain("kr.resident", written(random, &text))
}

fn resident_unchecked(random: &mut StdRng) -> MadeUp {
    let seventh = random.random_range(3..=4);
    let text = format!("{}{}", registration(random, 2020..2027, seventh), digits(random, 1));
    plain("kr.resident", written(random, &text))
}

fn foreigner_checked(random: &mut StdRng) -> MadeUp {
    let seventh = random.random_range(5..=6);
    let twelve = registration(random, 1940..2000, seventh);
    let text = format!("{twelve}{}", registration_check(&twelve, true));
    plain("kr.foreigner", written(random, &text))
}

fn foreigner_unchecked(random: &mut StdRng) -> MadeUp {
    let seventh = random.random_range(5..=6);
    let text = format!("{}{}", registration(random, 1940..2000, seventh), digits(random, 1));
    plain("kr.foreigner", written(random, &text))
}

fn passport(random: &mut StdRng) -> MadeUp {
    let letter = char::from(pick(random, b"MSROD"));
    let text = if random.random_bool(0.5) {
        format!("{letter}{}", digits(random, 8))
    } else {
        let middle = of(random, b"ABCDEFGHJKLMNPQRSTUVWXYZ", 1);
        format!("{letter}{}{middle}{}", digits(random, 3), digits(random, 4))
    };
    MadeUp { stands_apart: true, ..plain("kr.passport", text) }
}

fn driver(random: &mut StdRng) -> MadeUp {
    let region = random.random_range(11..=28);
    let run = format!("{region}{}", digits(random, 10));
    match random.random_range(0..3) {
        0 => named("kr.driver", run, "운전면허번호"),
        1 => plain("kr.driver", format!("서울 {}", grouped(&run[2..], &[2, 6, 2], "-"))),
        _ => plain("kr.driver", grouped(&run, &[2, 2, 6, 2], "-")),
    }
}

fn business(random: &mut StdRng) -> MadeUp {
    let nine = format!("{}{}", random.random_range(101..=999), digits(random, 6));
    let mut sum: u32 =
        nine.bytes().zip([1, 3, 7, 1, 3, 7, 1, 3, 5]).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    sum += value(&nine, 8) * 5 / 10;
    let ten = format!("{nine}{}", (10 - sum % 10) % 10);
    if random.random_bool(0.3) {
        named("kr.business", ten, "사업자등록번호")
    } else {
        plain("kr.business", grouped(&ten, &[3, 2, 5], "-"))
    }
}

fn corporate(random: &mut StdRng) -> MadeUp {
    let twelve = format!("{}{}", pick(random, &["110111", "134511", "180111", "200171", "124371"]), digits(random, 6));
    let sum: u32 = (0..12).map(|at| value(&twelve, at) * if at % 2 == 0 { 1 } else { 2 }).sum();
    named("kr.corporate", written(random, &format!("{twelve}{}", (10 - sum % 10) % 10)), "법인등록번호")
}

fn korean_phone(random: &mut StdRng) -> MadeUp {
    let mobile = format!("010{}", digits(random, 8));
    let text = match random.random_range(0..7) {
        0 => mobile,
        1 => format!("+82-{}", grouped(&mobile[1..], &[2, 4, 4], "-")),
        2 => format!("+82{}", &mobile[1..]),
        3 => format!("02-{}-{}", digits(random, 4), digits(random, 4)),
        4 => format!("(031) {}-{}", digits(random, 3), digits(random, 4)),
        5 => format!("0507-{}-{}", digits(random, 4), digits(random, 4)),
        _ => grouped(&mobile, &[3, 4, 4], "-"),
    };
    plain("kr.phone", text)
}

fn account(random: &mut StdRng) -> MadeUp {
    let groups: &[usize] = pick(
        random,
        &[
            &[3, 3, 6][..],
            &[4, 3, 6],
            &[3, 4, 4, 2],
            &[4, 2, 7],
            &[6, 2, 6],
            &[3, 6, 5],
            &[3, 2, 6],
            &[3, 3, 6, 1, 1],
            &[12],
            &[14],
            &[11],
        ],
    );
    let count: usize = groups.iter().sum();
    // Not a telephone number.
    let run = format!("{}{}", random.random_range(1..10), digits(random, count - 1));
    let word = pick(random, &["국민은행 계좌번호", "입금 계좌", "신한은행", "bank account"]);
    MadeUp { twins: &["kr.resident", "kr.foreigner"], ..named("kr.account", grouped(&run, groups, "-"), word) }
}

fn citizen(random: &mut StdRng) -> MadeUp {
    let province = pick(random, &["001", "079", "048", "031", "096", "092", "038"]);
    let is_older = random.random_bool(0.7);
    let century = random.random_range(0..2) + if is_older { 0 } else { 2 };
    let year = random.random_range(0..if is_older { 100 } else { 27 });
    let run = format!("{province}{century}{year:02}{}", digits(random, 6));
    if random.random_bool(0.5) {
        named("vn.cccd", run, "số CCCD")
    } else {
        MadeUp { twins: &["jp.my_number"], ..plain("vn.cccd", run) }
    }
}

fn older_citizen(random: &mut StdRng) -> MadeUp {
    named("vn.cmnd", digits(random, 9), pick(random, &["CMND", "số chứng minh nhân dân", "CHỨNG MINH NHÂN DÂN"]))
}

fn vietnamese_tax(random: &mut StdRng) -> MadeUp {
    loop {
        let nine = format!("0{}{}", random.random_range(1..10), digits(random, 7));
        let sum: u32 = nine
            .bytes()
            .zip([31, 29, 23, 19, 17, 13, 7, 5, 3])
            .map(|(digit, weight)| u32::from(digit - b'0') * weight)
            .sum();
        let check = 10 - sum % 11;
        if check > 9 {
            continue;
        }
        return if random.random_bool(0.4) {
            plain("vn.tax", format!("{nine}{check}-{:03}", random.random_range(1..100)))
        } else {
            named("vn.tax", format!("{nine}{check}"), "mã số thuế")
        };
    }
}

fn vietnamese_phone(random: &mut StdRng) -> MadeUp {
    let run = format!(
        "0{}{}",
        pick(random, &["32", "38", "56", "70", "79", "81", "88", "90", "91", "98"]),
        digits(random, 7)
    );
    let text = match random.random_range(0..4) {
        0 => run,
        1 => format!("+84 {}", grouped(&run[1..], &[3, 3, 3], " ")),
        2 => format!("+84{}", &run[1..]),
        _ => grouped(&run, &[4, 3, 3], pick(random, &[" ", ".", "-"])),
    };
    plain("vn.phone", text)
}

fn my_number(random: &mut StdRng) -> MadeUp {
    let eleven = digits(random, 11);
    let sum: u32 = (1..=11).map(|n| value(&eleven, 11 - n) * if n <= 6 { n as u32 + 1 } else { n as u32 - 5 }).sum();
    let check = match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    let run = format!("{eleven}{check}");
    if random.random_bool(0.5) {
        plain("jp.my_number", run)
    } else {
        plain("jp.my_number", grouped(&run, &[4, 4, 4], "-"))
    }
}

fn japanese_phone(random: &mut StdRng) -> MadeUp {
    let mobile = format!("0{}0{}", pick(random, &[7, 8, 9]), digits(random, 8));
    let text = match random.random_range(0..5) {
        0 => format!("+81-{}", grouped(&mobile[1..], &[2, 4, 4], "-")),
        1 => format!("03-{}-{}", digits(random, 4), digits(random, 4)),
        2 => format!("0466-{}-{}", digits(random, 2), digits(random, 4)),
        3 => mobile,
        _ => grouped(&mobile, &[3, 4, 4], "-"),
    };
    MadeUp { twins: &["kr.phone"], ..plain("jp.phone", text) }
}

fn nir(random: &mut StdRng) -> MadeUp {
    let department = pick(random, &["75", "13", "2A", "2B", "97", "01"]);
    let sex = random.random_range(1..=2);
    let (year, month) = (digits(random, 2), random.random_range(1..=12));
    let head = format!("{sex}{year}{month:02}{department}{}", digits(random, 6));
    let number: u64 = head.replace("2A", "19").replace("2B", "18").parse().expect("digits");
    // `2A` may also stand elsewhere only as digits, never as letters.
    let run = format!("{head}{:02}", 97 - number % 97);
    let text = if random.random_bool(0.5) { run } else { grouped(&run, &[1, 2, 2, 2, 3, 3, 2], " ") };
    plain("fr.nir", text)
}

fn with_luhn(mut run: String) -> String {
    let double = |digit: u32| if digit * 2 > 9 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = (0..run.len())
        .rev()
        .enumerate()
        .map(|(place, at)| if place % 2 == 0 { double(value(&run, at)) } else { value(&run, at) })
        .sum();
    run.push(char::from_digit((10 - sum % 10) % 10, 10).expect("a digit"));
    run
}

fn siren(random: &mut StdRng) -> MadeUp {
    let head = format!("{}{}", random.random_range(3..10), digits(random, 7));
    let run = with_luhn(head);
    let text = if random.random_bool(0.5) { run } else { grouped(&run, &[3, 3, 3], " ") };
    named("fr.siren", text, pick(random, &["SIREN", "RCS Paris", "siren :"]))
}

fn siret(random: &mut StdRng) -> MadeUp {
    let siren = with_luhn(format!("{}{}", random.random_range(3..10), digits(random, 7)));
    let run = with_luhn(format!("{siren}000{}", digits(random, 1)));
    let text = if random.random_bool(0.5) { run } else { grouped(&run, &[3, 3, 3, 5], " ") };
    plain("fr.siret", text)
}

fn iban(random: &mut StdRng) -> MadeUp {
    let (country, length, letters) = pick(
        random,
        &[
            ("FR", 27, true),
            ("DE", 22, false),
            ("GB", 22, true),
            ("NL", 18, true),
            ("ES", 24, false),
            ("NO", 15, false),
        ],
    );
    let mut account = digits(random, length - 4);
    if letters {
        account.replace_range(0..4, &of(random, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", 4));
    }
    let moved: String =
        format!("{account}{country}00").chars().map(|it| it.to_digit(36).expect("alphanumeric").to_string()).collect();
    let rest = moved.bytes().fold(0, |rest, digit| (rest * 10 + u32::from(digit - b'0')) % 97);
    let run = format!("{country}{:02}{account}", 98 - rest);
    let fours: Vec<String> = run.as_bytes().chunks(4).map(|four| String::from_utf8_lossy(four).into_owned()).collect();
    plain("iban", if random.random_bool(0.5) { run } else { fours.join(" ") })
}

fn card(random: &mut StdRng) -> MadeUp {
    let (prefix, groups): (&str, &[usize]) = pick(
        random,
        &[
            ("4", &[4, 4, 4, 4]),
            ("51", &[4, 4, 4, 4]),
            ("2221", &[4, 4, 4, 4]),
            ("37", &[4, 6, 5]),
            ("6011", &[4, 4, 4, 4]),
            ("36", &[4, 6, 4]),
            ("3530", &[4, 4, 4, 4]),
            ("62", &[4, 4, 4, 4]),
        ],
    );
    let count: usize = groups.iter().sum();
    let run = with_luhn(format!("{prefix}{}", digits(random, count - 1 - prefix.len())));
    let text = match random.random_range(0..3) {
        0 => run,
        1 => grouped(&run, groups, " "),
        _ => grouped(&run, groups, "-"),
    };
    MadeUp { twins: if count == 14 { &["fr.siret"] } else { &[] }, ..plain("card", text) }
}

fn email(random: &mut StdRng) -> MadeUp {
    let local = of(random, b"abcdefghijklmnopqrstuvwxyz", 6);
    let local = match random.random_range(0..4) {
        0 => format!("{local}.{}", digits(random, 4)),
        1 => format!("{local}+tag"),
        2 => format!("{}{local}", digits(random, 6)),
        _ => local,
    };
    let domain = pick(random, &["naver.com", "example.co.kr", "mail.example.org", "cong-ty.vn", "exemple.fr"]);
    MadeUp { stands_apart: true, ..plain("email", format!("{local}@{domain}")) }
}

fn ip_v4(random: &mut StdRng) -> MadeUp {
    let octets: Vec<String> = (0..4).map(|_| random.random_range(1..256).to_string()).collect();
    plain("ip.v4", octets.join("."))
}

fn ip_v6(random: &mut StdRng) -> MadeUp {
    let group = |random: &mut StdRng| format!("{:x}", random.random_range(0x10..0x1_0000));
    let groups: Vec<String> = (0..8).map(|_| group(random)).collect();
    let text = match random.random_range(0..3) {
        0 => groups.join(":"),
        1 => format!("2001:db8::{}:{}", groups[0], random.random_range(1..10)),
        _ => format!("fe80::{}:{}ff:fe{:02x}:1", groups[0], random.random_range(1..10), random.random_range(0..256)),
    };
    MadeUp { stands_apart: true, ..plain("ip.v6", text) }
}

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

fn api_key(random: &mut StdRng) -> MadeUp {
    let digit = digits(random, 1);
    let text = match random.random_range(0..8) {
        0 => format!("sk-proj-{}{digit}", of(random, LETTERS, 47)),
        1 => format!("sk-ant-api03-{}{digit}", of(random, LETTERS, 92)),
        2 => format!("AKIA{}{digit}", of(random, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 15)),
        3 => format!("AIza{}{digit}", of(random, LETTERS, 34)),
        4 => format!("ghp_{}{digit}", of(random, LETTERS, 35)),
        5 => format!("glpat-{}{digit}", of(random, LETTERS, 19)),
        6 => format!("xoxb-{}-{}", digits(random, 12), of(random, LETTERS, 24)),
        _ => format!("hf_{}{digit}", of(random, LETTERS, 33)),
    };
    MadeUp { stands_apart: true, ..plain("secret.api_key", text) }
}

fn private_key(random: &mut StdRng) -> MadeUp {
    let label = pick(random, &["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY"]);
    let body: Vec<String> = (0..random.random_range(3..20)).map(|_| of(random, LETTERS, 64)).collect();
    let text = format!("-----BEGIN {label}-----\n{}\n-----END {label}-----", body.join("\n"));
    MadeUp { stands_apart: true, ..plain("secret.private_key", text) }
}

fn jwt(random: &mut StdRng) -> MadeUp {
    let text = format!("eyJ{}.eyJ{}.{}", of(random, LETTERS, 33), of(random, LETTERS, 60), of(random, LETTERS, 43));
    MadeUp { stands_apart: true, ..plain("secret.jwt", text) }
}
