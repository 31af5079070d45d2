//! Stop strings against a search that looks at the whole text.

use proptest::prelude::*;

use super::StopStrings;

/// Where the first stop string ends, and its length: the longest of those that end there.
fn first_stop(text: &[u8], stops: &[String]) -> Option<(usize, usize)> {
    (1..=text.len()).find_map(|end| {
        let ending = stops.iter().filter(|stop| text[..end].ends_with(stop.as_bytes()));
        ending.map(String::len).max().map(|length| (end, length))
    })
}

/// The longest suffix of the text that is a proper beginning of a stop string.
fn longest_beginning(text: &[u8], stops: &[String]) -> usize {
    let beginnings = stops.iter().flat_map(|stop| (1..stop.len()).map(move |length| &stop.as_bytes()[..length]));
    beginnings.filter(|beginning| text.ends_with(beginning)).map(<[u8]>::len).max().unwrap_or(0)
}

proptest! {
    #[test]
    fn finds_the_first_and_holds_back_no_more_than_needed(
        text in "[ab]{0,40}",
        stops in prop::collection::vec("[ab]{1,6}", 0..4),
    ) {
        let mut watch = StopStrings::new(&stops);
        let expected = first_stop(text.as_bytes(), &stops);
        for (index, byte) in text.bytes().enumerate() {
            if let Some(length) = watch.push(byte) {
                prop_assert_eq!(expected, Some((index + 1, length)));
                return Ok(());
            }
            prop_assert_eq!(watch.held_back(), longest_beginning(&text.as_bytes()[..=index], &stops));
        }
        prop_assert_eq!(expected, None);
    }
}

#[test]
fn a_string_that_overlaps_itself_is_found() {
    let mut watch = StopStrings::new(&["aab".to_owned()]);
    let found: Vec<_> = b"aaab".iter().map(|&byte| watch.push(byte)).collect();
    assert_eq!(found, [None, None, None, Some(3)]);
}
