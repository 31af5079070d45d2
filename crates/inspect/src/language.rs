//! Which language a text is most likely in: small and honest, by scripts, by letters that only one language has, by common
//! words. Knows five languages; what is none of them, mixed, or too short is unknown.

/// Letters that a guess reads at most, and least.
const LETTERS_MAX: usize = 20_000;
const LETTERS_MIN: usize = 12;

/// A language that the product serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Language {
    /// Korean.
    Korean,
    /// Japanese.
    Japanese,
    /// Vietnamese.
    Vietnamese,
    /// French.
    French,
    /// English.
    English,
    /// None of them, mixed, or too short to tell.
    Unknown,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Korean, Self::Japanese, Self::Vietnamese, Self::French, Self::English, Self::Unknown];

    /// As BCP 47 writes it; `und` where it is unknown.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Korean => "ko",
            Self::Japanese => "ja",
            Self::Vietnamese => "vi",
            Self::French => "fr",
            Self::English => "en",
            Self::Unknown => "und",
        }
    }
}

/// Commonest words that the other language does not have.
const FRENCH: [&str; 24] = [
    "le", "la", "les", "des", "du", "et", "est", "une", "un", "dans", "pour", "que", "qui", "sur", "pas", "par",
    "avec", "au", "aux", "ce", "il", "elle", "ont", "sont",
];
const ENGLISH: [&str; 24] = [
    "the", "of", "and", "to", "in", "is", "that", "for", "was", "with", "it", "be", "by", "are", "this", "as", "at",
    "have", "from", "you", "which", "not", "he", "has",
];

/// The longest of them, in bytes.
const COMMON_MAX: usize = 5;

#[derive(Debug, Default)]
struct Counts {
    letters: usize,
    hangul: usize,
    kana: usize,
    ideographs: usize,
    latin: usize,
    /// Latin letters that only Vietnamese has, and those that French has and English hardly.
    vietnamese: usize,
    french: usize,
}

/// The language that most of `text` is in.
pub fn guess(text: &str) -> Language {
    let counts = count(text);
    let share = |part: usize, percent: usize| part * 100 >= counts.letters * percent;
    // Hangul and ideographs say more in one character than Latin letters do.
    if counts.letters < LETTERS_MIN && counts.hangul + counts.kana < LETTERS_MIN / 3 {
        return Language::Unknown;
    }
    if share(counts.hangul, 30) && counts.hangul > counts.kana {
        return Language::Korean;
    }
    if share(counts.kana, 15) && share(counts.kana + counts.ideographs, 50) {
        return Language::Japanese;
    }
    if !share(counts.latin, 75) {
        return Language::Unknown;
    }
    if counts.vietnamese * 100 >= counts.latin * 6 {
        return Language::Vietnamese;
    }
    let (french, english) = words(text);
    // A letter with an accent is worth half a common word.
    let french = french * 2 + counts.french.min(french * 2 + 4);
    let english = english * 2;
    if french >= 4 && french > english * 2 {
        Language::French
    } else if english >= 4 && english > french * 2 {
        Language::English
    } else {
        Language::Unknown
    }
}

fn count(text: &str) -> Counts {
    let mut counts = Counts::default();
    for character in text.chars() {
        match character {
            'a'..='z' | 'A'..='Z' => counts.latin += 1,
            '\u{AC00}'..='\u{D7A3}' | '\u{1100}'..='\u{11FF}' => counts.hangul += 1,
            '\u{3041}'..='\u{30FF}' => counts.kana += 1,
            '\u{3400}'..='\u{9FFF}' => counts.ideographs += 1,
            // ă đ ĩ ũ ơ ư and all with two marks; a hook, a dot below or a horn written apart.
            '\u{102}'
            | '\u{103}'
            | '\u{110}'
            | '\u{111}'
            | '\u{128}'
            | '\u{129}'
            | '\u{168}'
            | '\u{169}'
            | '\u{1A0}'
            | '\u{1A1}'
            | '\u{1AF}'
            | '\u{1B0}'
            | '\u{1EA0}'..='\u{1EF9}' => {
                counts.vietnamese += 1;
                counts.latin += 1;
            }
            '\u{306}' | '\u{309}' | '\u{31B}' | '\u{323}' => {
                counts.vietnamese += 1;
                continue;
            }
            'à' | 'â' | 'ç' | 'è' | 'é' | 'ê' | 'ë' | 'î' | 'ï' | 'ô' | 'ù' | 'û' | 'œ' | 'É' | 'À' | 'Ç' | 'Ê' =>
            {
                counts.french += 1;
                counts.latin += 1;
            }
            other if other.is_alphabetic() => {}
            _ => continue,
        }
        counts.letters += 1;
        if counts.letters >= LETTERS_MAX {
            break;
        }
    }
    counts
}

/// How many common words of French and of English.
fn words(text: &str) -> (usize, usize) {
    let (mut french, mut english) = (0, 0);
    let words = text.split(|character: char| !character.is_alphabetic()).filter(|word| !word.is_empty()).take(4_000);
    for word in words.filter(|word| word.len() <= COMMON_MAX) {
        french += usize::from(FRENCH.iter().any(|known| known.eq_ignore_ascii_case(word)));
        english += usize::from(ENGLISH.iter().any(|known| known.eq_ignore_ascii_case(word)));
    }
    (french, english)
}

#[cfg(test)]
mod tests {
    use super::{COMMON_MAX, ENGLISH, FRENCH, Language, guess};

    #[test]
    fn says_what_it_sees_and_no_more() {
        let rows = [
            ("위원회는 내년도 예산을 의결했다.", Language::Korean),
            ("OpenAI API를 쓰는 방법을 알려 주세요", Language::Korean),
            ("委員会は来年度の予算を承認した。", Language::Japanese),
            ("Quốc hội đã thông qua ngân sách năm sau.", Language::Vietnamese),
            (
                "Que\u{302}\u{301}c ho\u{323}\u{302}i đa\u{303} tho\u{302}ng qua nga\u{302}n sa\u{301}ch năm sau.",
                Language::Vietnamese,
            ),
            ("La commission a voté le budget pour les années à venir.", Language::French),
            ("The committee has passed the budget of the next year.", Language::English),
            ("委員会予算承認来年度委員会予算承認", Language::Unknown),
            ("Комитет утвердил бюджет на следующий год.", Language::Unknown),
            ("ok", Language::Unknown),
            ("1234 5678", Language::Unknown),
            ("fn main() { println!(); }", Language::Unknown),
        ];
        for (text, language) in rows {
            assert_eq!(guess(text), language, "{text}");
        }
        assert_eq!(Language::Korean.tag(), "ko");
        assert_eq!(FRENCH.iter().chain(&ENGLISH).map(|word| word.len()).max(), Some(COMMON_MAX));
    }
}
