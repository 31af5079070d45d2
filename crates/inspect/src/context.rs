//! Words near a number that say what it is, or that it is something else. Knows no number's form.

use std::cell::Cell;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::view::{More, View};

/// How far before a number its name may stand, and how far after it, in bytes of the view.
const BEFORE: usize = 96;
const AFTER: usize = 32;

/// What words say, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Topics(u32);

impl Topics {
    const NONE: Self = Self(0);
    /// An order, a parcel, a version: numbers that are no identifiers.
    pub(crate) const NOISE: Self = Self(1);
    pub(crate) const RESIDENT: Self = Self(1 << 1);
    pub(crate) const PASSPORT: Self = Self(1 << 2);
    pub(crate) const DRIVER: Self = Self(1 << 3);
    pub(crate) const BUSINESS: Self = Self(1 << 4);
    pub(crate) const CORPORATE: Self = Self(1 << 5);
    pub(crate) const PHONE: Self = Self(1 << 6);
    pub(crate) const ACCOUNT: Self = Self(1 << 7);
    pub(crate) const CITIZEN: Self = Self(1 << 8);
    pub(crate) const TAX: Self = Self(1 << 9);
    pub(crate) const MY_NUMBER: Self = Self(1 << 10);
    pub(crate) const NIR: Self = Self(1 << 11);
    pub(crate) const SIREN: Self = Self(1 << 12);
    pub(crate) const CARD: Self = Self(1 << 13);
    pub(crate) const VERSION: Self = Self(1 << 14);

    fn has(self, topic: Self) -> bool {
        self.0 & topic.0 != 0
    }
}

/// Each topic and its words; ASCII letters match in either case, the others as written, in capitals, and capitalised.
const WORDS: &[(Topics, &[&str])] = &[
    (
        Topics::NOISE,
        &[
            "주문",
            "송장",
            "운송장",
            "접수번호",
            "승인번호",
            "거래번호",
            "모델명",
            "품번",
            "상품번호",
            "바코드",
            "일련번호",
            "타임스탬프",
            "order",
            "invoice",
            "tracking",
            "serial",
            "sku",
            "isbn",
            "issn",
            "doi",
            "barcode",
            "timestamp",
            "created_at",
            "updated_at",
            "commande",
            "facture",
            "code-barres",
            "mã đơn",
            "đơn hàng",
            "mã vận đơn",
            "hóa đơn",
            "注文",
            "伝票",
            "追跡番号",
            "請求書",
            "型番",
            "品番",
        ],
    ),
    (
        Topics::VERSION,
        &["version", "ver.", "ver ", "release", "firmware", "build", "버전", "펌웨어", "バージョン", "phiên bản"],
    ),
    (
        Topics::RESIDENT,
        &[
            "주민등록",
            "주민번호",
            "주민 번호",
            "주민",
            "외국인등록",
            "외국인 등록",
            "외국인번호",
            "resident reg",
            "resident_reg",
            "residentreg",
            "rrn",
            "jumin",
            "alien reg",
            "foreigner reg",
            "registration number",
        ],
    ),
    (Topics::PASSPORT, &["여권", "passport", "passeport", "hộ chiếu", "旅券", "パスポート"]),
    (
        Topics::DRIVER,
        &[
            "운전면허",
            "면허번호",
            "면허증",
            "면허",
            "driver",
            "licence no",
            "license no",
            "licence number",
            "license number",
        ],
    ),
    (Topics::BUSINESS, &["사업자", "business reg", "business_reg", "business no", "business number", "brn"]),
    (
        Topics::CORPORATE,
        &[
            "법인등록",
            "법인번호",
            "법인 등록",
            "법인",
            "corporate reg",
            "corporate_reg",
            "corporation no",
            "corporate number",
        ],
    ),
    (
        Topics::PHONE,
        &[
            "전화",
            "연락처",
            "휴대폰",
            "휴대전화",
            "핸드폰",
            "팩스",
            "phone",
            "mobile",
            "tel",
            "fax",
            "contact",
            "call",
            "điện thoại",
            "đt:",
            "sđt",
            "sdt",
            "di động",
            "hotline",
            "liên hệ",
            "電話",
            "携帯",
            "連絡先",
            "téléphone",
            "portable",
        ],
    ),
    (
        Topics::ACCOUNT,
        &[
            "계좌",
            "예금주",
            "입금",
            "송금",
            "이체",
            "통장",
            "은행",
            "농협",
            "수협",
            "신협",
            "새마을금고",
            "우체국",
            "카카오뱅크",
            "토스뱅크",
            "케이뱅크",
            "뱅크",
            "account",
            "acct",
            "bank",
        ],
    ),
    (
        Topics::CITIZEN,
        &[
            "cccd",
            "cmnd",
            "cmt",
            "căn cước",
            "chứng minh",
            "số định danh",
            "định danh cá nhân",
            "citizen id",
            "citizen_id",
            "identity card",
            "national id",
            "can cuoc",
            "chung minh nhan dan",
        ],
    ),
    (Topics::TAX, &["mã số thuế", "mst", "tax code", "tax_code", "ma so thue", "thuế"]),
    (Topics::MY_NUMBER, &["マイナンバー", "個人番号", "my number", "my_number", "mynumber", "individual number"]),
    (
        Topics::NIR,
        &[
            "sécurité sociale",
            "securite sociale",
            "numéro de sécu",
            "n° de sécu",
            "nir",
            "insee",
            "carte vitale",
            "numéro ss",
            "n° ss",
            "social security",
        ],
    ),
    (Topics::SIREN, &["siren", "siret", "rcs"]),
    (Topics::CARD, &["카드", "card", "carte", "カード", "thẻ", "visa", "mastercard", "amex", "diners"]),
];

struct Words {
    search: AhoCorasick,
    topics: Vec<Topics>,
}

/// Built once; none only if the list itself were wrong, which a test excludes.
fn words() -> Option<&'static Words> {
    static FOUND: OnceLock<Option<Words>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let (mut patterns, mut topics) = (Vec::new(), Vec::new());
            for (topic, words) in WORDS {
                for word in *words {
                    for spelling in spellings(word) {
                        patterns.push(spelling);
                        topics.push(*topic);
                    }
                }
            }
            let search = AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .match_kind(MatchKind::LeftmostLongest)
                // The texts are too short for it to pay.
                .prefilter(false)
                .build(&patterns)
                .ok()?;
            Some(Words { search, topics })
        })
        .as_ref()
}

fn spellings(word: &str) -> Vec<String> {
    let mut spellings = vec![word.to_owned()];
    let mut characters = word.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    for other in [word.to_uppercase(), format!("{first}{}", characters.as_str())] {
        if !spellings.iter().any(|known| known.eq_ignore_ascii_case(&other)) {
            spellings.push(other);
        }
    }
    spellings
}

/// What stands around one number; read when it is first asked for.
#[derive(Debug)]
pub(crate) struct Around<'a> {
    pub(crate) view: &'a View,
    start: usize,
    before: Cell<Option<Topics>>,
    /// What is said after a number that ends there.
    after: Cell<Option<(usize, Topics)>>,
}

impl<'a> Around<'a> {
    pub(crate) fn new(view: &'a View, start: usize) -> Self {
        Self { view, start, before: Cell::new(None), after: Cell::new(None) }
    }

    /// Whether a word before or after (the number ends at `end`) says `topic`.
    pub(crate) fn named(&self, topic: Topics, end: usize) -> Result<bool, More> {
        if self.before().has(topic) {
            return Ok(true);
        }
        if let Some((_, said)) = self.after.get().filter(|(known, _)| *known == end) {
            return Ok(said.has(topic));
        }
        let after = self.view.ahead(end, end + AFTER)?;
        let line = after.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let said = topics(line, false);
        self.after.set(Some((end, said)));
        Ok(said.has(topic))
    }

    /// Whether a word before says `topic`.
    pub(crate) fn named_before(&self, topic: Topics) -> bool {
        self.before().has(topic)
    }

    /// Whether the nearest word before says that it is something else.
    pub(crate) fn is_noise(&self) -> bool {
        self.before().has(Topics::NOISE)
    }

    /// Whether kana stand near before it.
    pub(crate) fn has_kana(&self) -> bool {
        self.neighbours().windows(2).any(|pair| matches!(pair, [0xE3, 0x81..=0x83]))
    }

    /// Whether Hangul stands near before it.
    pub(crate) fn has_hangul(&self) -> bool {
        self.neighbours().windows(2).any(|pair| matches!(pair, [0xEB | 0xEC, 0x80..=0xBF] | [0xEA, 0xB0..=0xBF]))
    }

    /// Whether letters that only Vietnamese has stand near before it.
    pub(crate) fn has_vietnamese(&self) -> bool {
        self.neighbours()
            .windows(2)
            .any(|pair| matches!(pair, [0xE1, 0xBA | 0xBB] | [0xC6, 0xA0 | 0xA1 | 0xAF | 0xB0] | [0xC4, 0x90 | 0x91]))
    }

    fn neighbours(&self) -> &[u8] {
        self.view.slice(self.start.saturating_sub(BEFORE)..self.start)
    }

    fn before(&self) -> Topics {
        if let Some(known) = self.before.get() {
            return known;
        }
        let found = topics(self.neighbours(), true);
        self.before.set(Some(found));
        found
    }
}

/// What the words of `text` say; noise undoes what was said before it, and is undone by what is said after it.
fn topics(text: &[u8], with_noise: bool) -> Topics {
    let Some(words) = words() else { return Topics::NONE };
    let mut said = Topics::NONE;
    for found in words.search.find_iter(text) {
        let is_inside = text.get(found.start()).is_some_and(u8::is_ascii_alphabetic)
            && found.start().checked_sub(1).and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphabetic);
        let topic = words.topics.get(found.pattern().as_usize()).copied().unwrap_or_default();
        if is_inside {
            continue;
        }
        said = match topic {
            Topics::NOISE if with_noise => Topics::NOISE,
            Topics::NOISE => said,
            topic => Topics((said.0 | topic.0) & !Topics::NOISE.0),
        };
    }
    said
}

#[cfg(test)]
mod tests {
    use super::{Topics, topics, words};

    #[test]
    fn the_list_builds_and_the_nearest_word_counts() {
        assert!(words().is_some());
        let rows = [
            ("계좌번호: ", Topics::ACCOUNT, true),
            ("계좌 이체 후 주문번호 ", Topics::ACCOUNT, false),
            ("주문 후 입금 계좌 ", Topics::ACCOUNT, true),
            ("recall", Topics::PHONE, false),
            ("CĂN CƯỚC ", Topics::CITIZEN, true),
            ("Numéro de sécurité sociale", Topics::NIR, true),
        ];
        for (text, topic, wanted) in rows {
            assert_eq!(topics(text.as_bytes(), true).has(topic), wanted, "{text}");
        }
    }
}
