//! The copy is right, the way back is right, and cutting changes neither.

use super::Folder;
use crate::view::View;

fn folded(pieces: &[&[u8]]) -> View {
    let (mut folder, mut view) = (Folder::new(), View::default());
    for piece in pieces {
        folder.push(piece, false, &mut view);
    }
    folder.push(b"", true, &mut view);
    view.close();
    view
}

fn text(view: &View) -> String {
    String::from_utf8(view.known().0.to_vec()).expect("the view is UTF-8")
}

#[test]
fn reads_what_is_written_otherwise() {
    let rows = [
        ("９００１０１－１２３４５６７", "900101-1234567"),
        ("9\u{200B}0\u{FEFF}0\u{AD}101", "900101"),
        ("010–1234—5678", "010-1234-5678"),
        ("０９０ー１２３４ー５６７８", "090-1234-5678"),
        ("010ㅡ1234ㅡ5678", "010-1234-5678"),
        ("カード", "カード"),
        ("010·1234・5678", "010.1234.5678"),
        ("010\u{A0}1234\u{3000}5678", "010 1234 5678"),
        ("①010", " 1 010"),
        ("\u{110C}\u{116E}\u{1106}\u{1175}\u{11AB}", "주민"),
        ("ca\u{306}n cu\u{31B}\u{301}", "căn cứ"),
        ("e\u{301}e", "ée"),
        ("한글 English 漢字", "한글 English 漢字"),
    ];
    for (original, wanted) in rows {
        assert_eq!(text(&folded(&[original.as_bytes()])), wanted, "{original}");
    }
}

#[test]
fn points_back_into_the_original() {
    let original = "번호：\u{200B}９０\u{200B}0 끝";
    let view = folded(&[original.as_bytes()]);
    let known = text(&view);
    let at = known.find("900").expect("folded");
    let range = view.original(at..at + 3);
    assert_eq!(original.get(range), Some("９０\u{200B}0"));
}

#[test]
fn invalid_bytes_are_one_character_each() {
    let view = folded(&[b"a\xFF9\xE2\x82", b"1\xEA\xB0"]);
    assert_eq!(text(&view), "a\u{FFFD}9\u{FFFD}1\u{FFFD}");
    assert_eq!(view.original(11..12), 6..8, "the cut-off end");
}

#[test]
fn a_pile_of_marks_is_cut_in_the_same_place() {
    let pile = format!("e{}x", "\u{301}".repeat(100));
    let whole = text(&folded(&[pile.as_bytes()]));
    let bytes: Vec<&[u8]> = pile.as_bytes().chunks(1).collect();
    assert_eq!(text(&folded(&bytes)), whole);
}

#[test]
fn letters_taken_apart_fold_as_the_standard_says() {
    use unicode_normalization::UnicodeNormalization as _;
    let marks = [
        '\u{300}', '\u{301}', '\u{302}', '\u{303}', '\u{306}', '\u{309}', '\u{31B}', '\u{323}', '\u{327}', '\u{1161}',
        '\u{11A8}',
    ];
    for letter in "aeiouydcAEIOUYDCêôơưăâ\u{1100}\u{AC00}".chars() {
        for first in marks {
            for second in marks {
                let original: String = ['x', letter, first, second, 'x'].iter().collect();
                assert_eq!(text(&folded(&[original.as_bytes()])), original.nfkc().collect::<String>(), "{original:?}");
            }
        }
    }
}
