//! The reference set: short questions whose answers a program can check, asked of what answers today and of what answers instead.
//!
//! Few questions tell little, so each share comes with the interval of Wilson (1927) that it leaves. It knows no destinations.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

/// Two-sided 95 %: the quantile of the normal distribution.
const Z: f64 = 1.959_963_985;

static SHIPPED: LazyLock<Vec<Question>> = LazyLock::new(|| read(include_str!("../../../../drill/reference.toml")));

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Unique.
    pub id: String,
    /// BCP 47.
    pub language: String,
    /// What is asked.
    pub ask: String,
    /// Any of these is right.
    pub answers: Vec<String>,
    /// How they are looked for.
    pub matching: Matching,
    /// Where the answer can be looked up.
    pub source: String,
}

/// How an answer is held against what is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matching {
    /// It holds it, as a word of its own where words have ends.
    Contains,
    /// It is nothing else, but for case, blanks and punctuation.
    Exact,
}

/// How many were right.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// Who answered, with how many answers each, the most first.
    pub places: Vec<(String, u64)>,
    /// Questions asked.
    pub asked: u64,
    /// Of which no whole answer came: they are not right.
    pub unanswered: u64,
    /// Right answers.
    pub right: u64,
    /// The least share that these numbers leave likely, in thousandths.
    pub low_permille: u64,
    /// The greatest.
    pub high_permille: u64,
}

/// The questions of a file; what is none is left out, so a test counts those that are shipped.
fn read(text: &str) -> Vec<Question> {
    let Ok(document) = toml_edit::Document::parse(text) else { return Vec::new() };
    let tables = document.get("question").and_then(toml_edit::Item::as_array_of_tables);
    tables.into_iter().flatten().filter_map(question).collect()
}

fn question(table: &toml_edit::Table) -> Option<Question> {
    let text = |key: &str| table.get(key)?.as_str().map(str::to_owned);
    let answers = table.get("answers")?.as_array()?.iter().map(|answer| answer.as_str().map(str::to_owned));
    let matching = match table.get("match")?.as_str()? {
        "contains" => Matching::Contains,
        "exact" => Matching::Exact,
        _ => return None,
    };
    let (id, language, ask, source) = (text("id")?, text("language")?, text("ask")?, text("source")?);
    Some(Question { id, language, ask, answers: answers.collect::<Option<_>>()?, matching, source })
}

/// What is shipped.
pub fn shipped() -> &'static [Question] {
    &SHIPPED
}

impl Question {
    /// Whether `answer` is right.
    pub fn is_right(&self, answer: &str) -> bool {
        let answer = folded(answer);
        self.answers.iter().map(|right| folded(right)).any(|right| match self.matching {
            Matching::Exact => answer.trim_matches(|letter: char| !letter.is_alphanumeric()) == right,
            Matching::Contains => holds(&answer, &right),
        })
    }
}

impl Score {
    /// Of these answers: who gave each, and whether it was right; none where no whole answer came.
    pub fn of(answers: &[Option<(String, bool)>]) -> Self {
        let mut score = Self { asked: answers.len() as u64, ..Self::default() };
        for answer in answers {
            let Some((place, right)) = answer else {
                score.unanswered += 1;
                continue;
            };
            score.right += u64::from(*right);
            match score.places.iter_mut().find(|(known, _)| known == place) {
                Some((_, count)) => *count += 1,
                None => score.places.push((place.clone(), 1)),
            }
        }
        score.places.sort_by(|(a, of_a), (b, of_b)| of_b.cmp(of_a).then(a.cmp(b)));
        (score.low_permille, score.high_permille) = wilson(score.right, score.asked);
        score
    }
}

/// The interval of Wilson for `right` of `asked`, in thousandths; everything where nothing was asked.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of questions are small, and a share lies between 0 and 1,000"
)]
pub fn wilson(right: u64, asked: u64) -> (u64, u64) {
    if asked == 0 {
        return (0, 1000);
    }
    let (n, share) = (asked as f64, right as f64 / asked as f64);
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let bound = |value: f64| (value / (1.0 + Z * Z / n) * 1000.0).round().clamp(0.0, 1000.0) as u64;
    (bound(middle - half), bound(middle + half))
}

/// Composed, in lower case.
fn folded(text: &str) -> String {
    text.nfc().collect::<String>().to_lowercase()
}

/// Whether it stands there, and where its letters are of a script with blanks, not inside a longer word or number.
fn holds(answer: &str, right: &str) -> bool {
    let joins = |outer: Option<char>, inner: Option<char>| {
        outer.zip(inner).is_some_and(|(outer, inner)| has_blanks(outer) && has_blanks(inner))
    };
    answer.match_indices(right).any(|(at, found)| {
        let before = answer.get(..at).and_then(|text| text.chars().next_back());
        let after = answer.get(at + found.len()..).and_then(|text| text.chars().next());
        !joins(before, found.chars().next()) && !joins(after, found.chars().next_back())
    })
}

/// Letters and digits of scripts that part words with blanks; Korean does too, but joins particles to its words.
fn has_blanks(letter: char) -> bool {
    letter.is_alphanumeric() && (letter as u32) < 0x1E00 + 0x200
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_is_sound_in_five_languages() {
        let questions = shipped();
        assert_eq!(questions.len(), 20);
        for language in ["ko", "vi", "ja", "fr", "en"] {
            assert_eq!(questions.iter().filter(|it| it.language == language).count(), 4, "{language}");
        }
        for question in questions {
            assert!(!question.ask.is_empty() && !question.source.is_empty(), "{question:?}");
            assert!(question.answers.iter().all(|answer| question.is_right(answer)), "{question:?}");
            assert!(!question.is_right("I do not know"), "{question:?}");
            assert_eq!(questions.iter().filter(|it| it.id == question.id).count(), 1);
            assert!(!question.is_right(&question.ask), "it repeats the question, and would be right: {question:?}");
        }
    }

    fn question(answers: &[&str], matching: Matching) -> Question {
        let answers = answers.iter().map(|it| (*it).to_owned()).collect();
        let (id, language, ask, source) = (String::new(), String::new(), String::new(), String::new());
        Question { id, language, ask, answers, matching, source }
    }

    #[test]
    fn a_right_answer_stands_alone_where_words_have_ends() {
        let number = question(&["43"], Matching::Contains);
        assert!(number.is_right("43") && number.is_right("It is 43.") && number.is_right("답은 43입니다"));
        assert!(!number.is_right("143") && !number.is_right("430") && !number.is_right("4.3"));
        let name = question(&["서울"], Matching::Contains);
        assert!(name.is_right("서울입니다") && name.is_right("수도는 서울특별시"));
        assert!(!question(&["paris"], Matching::Contains).is_right("comparison"));
        assert!(question(&["Hà Nội"], Matching::Contains).is_right("HÀ NỘI"));
    }

    #[test]
    fn an_exact_answer_is_nothing_else() {
        let exact = question(&["went"], Matching::Exact);
        assert!(exact.is_right(" Went. ") && !exact.is_right("he went"));
    }

    /// Against the table of Newcombe (1998), example 81 of 263, and the ends.
    #[test]
    fn the_interval_is_wilsons() {
        assert_eq!(wilson(81, 263), (255, 366));
        assert_eq!((wilson(0, 20), wilson(20, 20)), ((0, 161), (839, 1000)));
        assert_eq!(wilson(0, 0), (0, 1000));
    }

    #[test]
    fn no_answer_is_no_right_answer() {
        let answers = [Some(("a".to_owned(), true)), None, Some(("b".to_owned(), false)), Some(("b".to_owned(), true))];
        let score = Score::of(&answers);
        assert_eq!((score.asked, score.unanswered, score.right), (4, 1, 2));
        assert_eq!(score.places, [("b".to_owned(), 2), ("a".to_owned(), 1)]);
    }
}
