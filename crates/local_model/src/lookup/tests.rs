//! Guesses follow what came last after the same words, and cost little where they are wrong.

use super::*;

fn tokens(text: &str) -> Vec<Token> {
    text.bytes().map(Token::from).collect()
}

fn guess(text: &str, most: usize) -> String {
    let tokens = tokens(text);
    Lookup::default().guess(&tokens, most).iter().map(|&token| char::from(u8::try_from(token).unwrap())).collect()
}

#[test]
fn what_followed_the_same_words_last_is_guessed() {
    assert_eq!(guess("the cat sat; the", 9), " ca");
    assert_eq!(guess("the cat, the dog, the", 9), " do");
    assert_eq!(guess("the cat sat; the", 1), " ");
    assert_eq!(guess("abcabc", 9), "abc");
    // Repeated at once: it goes on as far as it is known.
    assert_eq!(guess("xyzzzz", 9), "z");
}

#[test]
fn nothing_is_guessed_where_nothing_is_alike() {
    for text in ["", "a", "abc", "abcdefgh", "ab ab", "the cat"] {
        assert_eq!(guess(text, 9), "", "{text}");
    }
    assert_eq!(guess("the cat sat; the", 0), "");
}

#[test]
fn who_is_right_guesses_more_and_who_is_wrong_rests() {
    let text = tokens("abcdefghijkl abc");
    let mut lookup = Lookup::default();
    let guessed = |lookup: &Lookup| lookup.guess(&text, 99).len();
    assert_eq!(guessed(&lookup), GUESS_FIRST);
    lookup.learn(3, 3);
    assert_eq!(guessed(&lookup), 6);
    lookup.learn(6, 6);
    lookup.learn(7, 4);
    assert_eq!(guessed(&lookup), GUESS_MAX);
    let mut rests = Vec::new();
    for _ in 0..7 {
        lookup.learn(3, 1);
        let mut steps = 0;
        while guessed(&lookup) == 0 {
            lookup.learn(0, 0);
            steps += 1;
        }
        rests.push(steps);
    }
    assert_eq!(rests, [4, 8, 16, 32, 64, 64, 64]);
    assert_eq!(guessed(&lookup), GUESS_FIRST);
}
