//! Traces made by hand, one a rule and one that keeps them all, and what `strace` writes, read.

use std::fmt::Write as _;

use super::*;
use crate::segments::{Record, header};

const LOG: &str = "/data/log";
const SEGMENT: &str = "/data/log/segments/00000000000000000000.seg";
const CALLER: &str = "TCP:[127.0.4.1:4000->127.0.0.1:50000]";
const DESTINATION: &str = "TCP:[127.0.0.1:50001->127.0.2.1:9000]";

/// A trace as `strace` would write it.
#[derive(Default)]
struct Trace(String);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("\\x{byte:02x}"))
}

impl Trace {
    fn line(mut self, line: &str) -> Self {
        writeln!(self.0, "17 {line}").unwrap();
        self
    }

    fn made(self, path: &str) -> Self {
        let path = hex(path.as_bytes());
        self.line(&format!("openat(AT_FDCWD</x>, \"{path}\", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0644) = 5<{path}>"))
    }

    fn write(self, path: &str, bytes: &[u8]) -> Self {
        let length = bytes.len();
        self.line(&format!("write(5<{}>, \"{}\", {length}) = {length}", hex(path.as_bytes()), hex(bytes)))
    }

    fn sync(self, path: &str) -> Self {
        self.line(&format!("fdatasync(5<{}>) = 0", hex(path.as_bytes())))
    }

    fn rename(self, from: &str, to: &str) -> Self {
        self.line(&format!("rename(\"{}\", \"{}\") = 0", hex(from.as_bytes()), hex(to.as_bytes())))
    }

    fn send(self, socket: &str, text: &str) -> Self {
        let length = text.len();
        self.line(&format!(
            "sendto(9<{socket}>, \"{}\", {length}, MSG_NOSIGNAL, NULL, 0) = {length}",
            hex(text.as_bytes())
        ))
    }

    /// A log whose first segment is there, durable and without entries.
    fn begun() -> Self {
        let trace = Self::default().made(SEGMENT).write(SEGMENT, &header(0));
        trace.sync(SEGMENT).sync("/data/log/segments")
    }

    fn entries(self, durable: u64, entries: &[&str]) -> Self {
        let records: Vec<Vec<u8>> = entries.iter().map(|entry| Record::bytes(durable, entry.as_bytes())).collect();
        self.write(SEGMENT, &records.concat())
    }

    fn replace(self, file: &str, text: &str) -> Self {
        let (aside, file) = (format!("{LOG}/{file}.new"), format!("{LOG}/{file}"));
        self.made(&aside).write(&aside, text.as_bytes()).sync(&aside).rename(&aside, &file).sync(LOG)
    }

    fn judged(&self) -> (Seen, Vec<Rule>) {
        let world = World {
            listen: "127.0.4.1:4000".parse().unwrap(),
            destinations: "127.0.2.1".parse().unwrap(),
            log: Path::new(LOG),
        };
        let (seen, breaches) = Judge::of(world, Durable::empty(world.log)).judge(&self.0).unwrap();
        (seen, breaches.into_iter().map(|breach| breach.rule).collect())
    }
}

const DECISION: &str = r#"{"kind":"decision"}"#;
const OUTCOME: &str = r#"{"decision":0,"kind":"outcome"}"#;
const ASKED: &str = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n\r\n{}";
const HEAD: &str = "HTTP/1.1 200 OK\r\nx-gwanmun-entry: 0\r\ntransfer-encoding: chunked\r\n\r\n";
const EVENT: &str = "c\r\ndata: \"hi\"\n\n\r\n";
const END: &str = "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
const WHOLE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-gwanmun-entry: 0\r\n\r\n{}";
const STATE: &str = "log\n2\nroot=\n";
const CHECKPOINT: &str = "log\n2\nroot=\n\n— log signature\n";

#[test]
fn what_is_in_order_breaks_no_rule() {
    let trace = Trace::begun().entries(0, &[DECISION]).sync(SEGMENT).send(DESTINATION, ASKED).send(CALLER, HEAD);
    let trace = trace.send(CALLER, EVENT).entries(1, &[OUTCOME]).sync(SEGMENT).send(CALLER, END);
    let trace = trace.replace("signed", STATE).replace("checkpoint", CHECKPOINT);
    // The same connection's next answer.
    let trace = trace.entries(2, &[r#"{"kind":"refusal"}"#]).sync(SEGMENT);
    let trace = trace.send(CALLER, "HTTP/1.1 403 Forbidden\r\nx-gwanmun-entry: 2\r\ncontent-length: 0\r\n\r\n");
    let seen = Seen { told: 2, ended: 2, sent: 1, checkpoints: 1, segments: 1 };
    assert_eq!(trace.judged(), (seen, Vec::new()));
}

/// Each rule with what breaks it, and nothing else.
#[test]
fn each_rule_is_broken_by_its_defect() {
    let decided = || Trace::begun().entries(0, &[DECISION]).sync(SEGMENT);
    let answered = || decided().entries(1, &[OUTCOME]).sync(SEGMENT);
    let fresh = || Trace::default().made(SEGMENT).write(SEGMENT, &header(0)).sync(SEGMENT);
    let aside = "/data/log/checkpoint.new";
    let renamed = |trace: Trace| trace.rename(aside, "/data/log/checkpoint");
    let rows: [(&str, Trace, Rule); 16] = [
        ("no sync", Trace::begun().entries(0, &[DECISION]).send(CALLER, HEAD), Rule::Told),
        ("no entry", Trace::begun().send(CALLER, HEAD), Rule::Told),
        (
            "a sync before the write",
            Trace::begun().sync(SEGMENT).entries(0, &[DECISION]).send(CALLER, HEAD),
            Rule::Told,
        ),
        ("another file's sync", Trace::begun().entries(0, &[DECISION]).sync(LOG).send(CALLER, HEAD), Rule::Told),
        ("no sync of the folder", fresh().entries(0, &[DECISION]).sync(SEGMENT).send(CALLER, HEAD), Rule::Told),
        ("the request first", Trace::begun().send(DESTINATION, ASKED), Rule::Sent),
        ("two requests", decided().send(DESTINATION, ASKED).send(DESTINATION, ASKED), Rule::Sent),
        ("no outcome", decided().send(CALLER, HEAD).send(CALLER, END), Rule::Ended),
        ("no sync of it", decided().send(CALLER, HEAD).entries(1, &[OUTCOME]).send(CALLER, END), Rule::Ended),
        ("a whole answer", decided().send(CALLER, WHOLE), Rule::Ended),
        (
            "`signed` never written",
            renamed(answered().made(aside).write(aside, CHECKPOINT.as_bytes()).sync(aside)),
            Rule::Signed,
        ),
        (
            "its bytes not durable",
            renamed(answered().replace("signed", STATE).made(aside).write(aside, CHECKPOINT.as_bytes())),
            Rule::Signed,
        ),
        ("more than is durable", decided().replace("signed", STATE).replace("checkpoint", CHECKPOINT), Rule::Signed),
        ("a record that says too much", decided().entries(2, &[OUTCOME]), Rule::Recorded),
        (
            "a write shown in part",
            decided().line(&format!("write(5<{}>, \"\\x41\"..., 9) = 9", hex(SEGMENT.as_bytes()))),
            Rule::Followed,
        ),
        (
            "a call not followed",
            decided().line(&format!("ftruncate(5<{}>, 9) = 0", hex(SEGMENT.as_bytes()))),
            Rule::Followed,
        ),
    ];
    for (defect, trace, rule) in rows {
        assert_eq!(trace.judged().1, [rule], "{defect}");
    }
}

/// `signed` counts once its bytes and its name are durable, in whichever order, and not before.
#[test]
fn signed_must_be_durable_by_bytes_and_name() {
    let (aside, signed) = ("/data/log/signed.new", "/data/log/signed");
    let begun =
        || Trace::begun().entries(0, &[DECISION, OUTCOME]).sync(SEGMENT).made(aside).write(aside, STATE.as_bytes());
    let judged = |trace: Trace| trace.replace("checkpoint", CHECKPOINT).judged().1;
    assert_eq!(judged(begun().rename(aside, signed).sync(LOG)), [Rule::Signed], "its bytes were not synced");
    assert_eq!(judged(begun().sync(aside).rename(aside, signed)), [Rule::Signed], "its name was not synced");
    assert_eq!(
        judged(begun().sync(aside).sync(LOG).rename(aside, signed)),
        [Rule::Signed],
        "synced under its old name"
    );
    assert_eq!(judged(begun().sync(aside).rename(aside, signed).sync(LOG)), []);
}

/// A sync counts when it has returned, and a send when it begins: in between, anything may have happened.
#[test]
fn what_overlaps_is_judged_at_its_worst() {
    let path = hex(SEGMENT.as_bytes());
    let sending = |trace: Trace| trace.send(CALLER, HEAD).judged().1;
    let begun = || Trace::begun().entries(0, &[DECISION]).line(&format!("fdatasync(5<{path}> <unfinished ...>"));
    let other = |mut trace: Trace, line: &str| {
        writeln!(trace.0, "18 {line}").unwrap();
        trace
    };
    assert_eq!(sending(begun().line("<... fdatasync resumed>) = 0")), []);
    assert_eq!(sending(begun().line("<... fdatasync resumed>) = -1 EIO (Input/output error)")), [Rule::Told]);
    let early =
        other(begun(), &format!("sendto(9<{CALLER}>, \"{}\", 70, 0, NULL, 0 <unfinished ...>", hex(HEAD.as_bytes())));
    let early = other(early.line("<... fdatasync resumed>) = 0"), "<... sendto resumed>) = 70");
    assert_eq!(early.judged().1, [Rule::Told]);
    // Written while the sync was under way: not covered by it.
    let record = hex(&Record::bytes(0, DECISION.as_bytes()));
    let late = Trace::begun().line(&format!("fdatasync(5<{path}> <unfinished ...>"));
    let late = other(late, &format!("write(5<{path}>, \"{record}\", 67) = 67")).line("<... fdatasync resumed>) = 0");
    assert_eq!(sending(late), [Rule::Told]);
}

/// A head, a marker and a record that come in pieces are judged with the piece that makes them whole.
#[test]
fn pieces_are_put_together() {
    let record = Record::bytes(0, DECISION.as_bytes());
    let (first, second) = record.split_at(20);
    let decided = || Trace::begun().write(SEGMENT, first).write(SEGMENT, second).sync(SEGMENT);
    let told = |trace: Trace, text: &str| {
        text.as_bytes().chunks(3).fold(trace, |trace, piece| trace.send(CALLER, std::str::from_utf8(piece).unwrap()))
    };
    assert_eq!(told(decided(), HEAD).judged().0.told, 1);
    assert_eq!(told(Trace::begun(), HEAD).judged().1, [Rule::Told]);
    assert_eq!(told(decided().send(CALLER, HEAD), END).judged().1, [Rule::Ended]);
    // What was not taken is sent again, and is one answer all the same.
    let all = hex(HEAD.as_bytes());
    let partly = decided()
        .line(&format!("sendto(9<{CALLER}>, \"{all}\", 70, 0, NULL, 0) = 10"))
        .send(CALLER, HEAD.get(10..).unwrap());
    assert_eq!(partly.judged(), (Seen { told: 2, segments: 1, ..Seen::default() }, Vec::new()));
}

#[test]
fn pieces_of_one_call_are_one_piece() {
    let pieces = format!(
        "17 writev(9<{CALLER}>, [{{iov_base=\"{}\", iov_len=9}}, {{iov_base=\"{}\", iov_len=61}}], 2) = 70",
        hex(&HEAD.as_bytes()[..9]),
        hex(&HEAD.as_bytes()[9..])
    );
    let shown = calls::read(&pieces).unwrap();
    let Event::Begun(Call::Write { bytes, .. }) = &shown[0].event else { panic!("{shown:?}") };
    assert_eq!(bytes, HEAD.as_bytes());
}

#[test]
fn what_cannot_be_read_is_an_error_with_its_line() {
    for (line, words) in [
        ("17 rename(\"\\x41\"..., \"\\x41\") = 0", "larger `-s`"),
        ("17 write(5</x>, \"A\", 1) = 1", "`-xx`"),
        ("17 fdatasync(5</x>)", "no result"),
        ("write(5", "no thread"),
    ] {
        let error = calls::read(&format!("17 fsync(3) = 0\n{line}\n")).unwrap_err();
        assert!(error.contains("line 2") && error.contains(words), "{error}");
    }
}

/// The end of a process cuts calls off: they have begun, and nobody was told how they ended.
#[test]
fn calls_that_the_end_cut_off_have_no_result() {
    let path = hex(SEGMENT.as_bytes());
    let trace = Trace::begun().entries(0, &[DECISION]).line(&format!("fdatasync(5<{path}> <detached ...>"));
    assert_eq!(trace.send(CALLER, HEAD).judged().1, [Rule::Told]);
    let trace = Trace::begun().entries(0, &[DECISION]).line(&format!("fdatasync(5<{path}> <unfinished ...>"));
    let trace = trace.line("<... fdatasync resumed> <detached ...>");
    assert_eq!(trace.send(CALLER, HEAD).judged().1, [Rule::Told]);
    let early = Trace::begun().line(&format!("sendto(9<{CALLER}>, \"{}\", 70, 0 <detached ...>", hex(HEAD.as_bytes())));
    assert_eq!(early.judged().1, [Rule::Told]);
}

/// A segment that is only just made takes nothing from what is durable in those before it.
#[test]
fn a_segment_without_header_hides_nothing() {
    let decided = || Trace::begun().entries(0, &[DECISION]).sync(SEGMENT);
    let next = "/data/log/segments/00000000000000000001.seg";
    assert_eq!(decided().made(next).send(CALLER, HEAD).judged().1, []);
    let filled = decided().made(next).write(next, &[header(1), Record::bytes(1, OUTCOME.as_bytes())].concat());
    assert_eq!(filled.sync(next).send(CALLER, WHOLE).judged().1, [Rule::Ended], "its name is not durable");
}
