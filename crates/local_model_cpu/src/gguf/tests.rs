//! What is read from good files, and what is said of bad ones.

use proptest::prelude::*;

use super::header::Header;
use super::writer::GgufWriter;
use super::*;

/// A small good file: an entry of each type that is used, tensors of two kinds.
fn good() -> GgufWriter {
    let mut writer = GgufWriter::default();
    writer
        .string("text", "물 and water")
        .u32("number", 7)
        .f32("ratio", 0.5)
        .bool("truth", true)
        .strings("texts", &["a", "", "ü"])
        .i32s("numbers", &[-1, 2])
        .array("ratios", 6, 2, &[1.5_f32.to_le_bytes(), (-2.0_f32).to_le_bytes()].concat())
        .raw("wide", 12, &0.25_f64.to_le_bytes())
        .raw("negative", 11, &(-3_i64).to_le_bytes())
        .tensor("a", &[32, 2], 2, (0..36).collect())
        .tensor("b", &[3], 0, vec![1; 12]);
    writer
}

fn refusal(writer: &GgufWriter) -> String {
    refusal_of(&writer.bytes())
}

fn refusal_of(bytes: &[u8]) -> String {
    Header::read(bytes).err().expect("the file was accepted").to_string()
}

#[test]
fn a_good_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gguf");
    for version in [2, 3] {
        let mut writer = good();
        writer.version = version;
        writer.write(&path);
        let file = File::open(&path).unwrap();
        assert_eq!(file.bytes(), writer.bytes().len() as u64);
        let metadata = file.metadata();
        assert_eq!(metadata.need_string("text").unwrap(), "물 and water");
        assert_eq!(metadata.need_u64("number").unwrap(), 7);
        assert_eq!(metadata.f32("ratio").unwrap(), Some(0.5));
        assert_eq!(metadata.f32("wide").unwrap(), Some(0.25));
        assert_eq!(metadata.bool("truth").unwrap(), Some(true));
        assert_eq!(metadata.strings("texts").unwrap().unwrap(), ["a", "", "ü"]);
        assert_eq!(metadata.integers("numbers").unwrap().unwrap(), [-1, 2]);
        assert_eq!(metadata.string("absent").unwrap(), None);

        let tensors: Vec<Tensor<'_>> = file.tensors().collect();
        assert_eq!(tensors.len(), 2);
        let a = file.find_tensor("a").unwrap();
        assert_eq!((a.name, a.dims, a.kind, a.weights()), ("a", &[32, 2][..], TensorKind::Q4_0, 64));
        assert_eq!(a.bytes, (0..36).collect::<Vec<u8>>());
        assert_eq!(file.find_tensor("b").unwrap().bytes, [1; 12]);
        assert!(file.find_tensor("c").is_none());
    }
}

#[test]
fn an_entry_of_another_type_is_refused_when_it_is_asked_for() {
    let writer = good();
    let bytes = writer.bytes();
    let header = Header::read(&bytes).unwrap();
    let metadata = header.metadata(&bytes);
    let words = |error: LoadError| error.to_string();
    assert_eq!(
        words(metadata.need_string("number").unwrap_err()),
        "the model file's entry `number` is a 32-bit number, but must be a text"
    );
    assert_eq!(
        words(metadata.u64("texts").unwrap_err()),
        "the model file's entry `texts` is an array of 3, each a text, but must be a whole number"
    );
    assert_eq!(
        words(metadata.u64("negative").unwrap_err()),
        "the model file's entry `negative` is -3, but must not be negative"
    );
    assert_eq!(
        words(metadata.need_u64("absent").unwrap_err()),
        "the model file's entry `absent` is missing; the file is incomplete or was converted by an old program, convert \
         it anew"
    );
    assert!(metadata.f32("text").is_err() && metadata.bool("number").is_err() && metadata.strings("numbers").is_err());
    assert!(metadata.integers("ratios").is_err());
    assert!(metadata.integers("texts").is_err() && metadata.integers("number").is_err());
    let mut writer = good();
    writer.f32("ratio", f32::NAN);
    let bytes = writer.bytes();
    let header = Header::read(&bytes).unwrap();
    assert_eq!(
        words(header.metadata(&bytes).f32("ratio").unwrap_err()),
        "the model file's entry `ratio` is not a finite number"
    );
}

#[test]
fn what_is_no_gguf_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gguf");
    let words = |path: &Path| File::open(path).err().unwrap().to_string();
    assert!(words(&path).starts_with(&format!("cannot read the model file `{}`: ", path.display())));
    assert_eq!(words(folder.path()), format!("`{}` is not a regular file", folder.path().display()));
    std::fs::File::create(&path).unwrap();
    assert_eq!(words(&path), "the model file is empty; fetch it again");

    assert_eq!(
        refusal_of(b"PK\x03\x04more"),
        "this is no GGUF file: it begins with `PK\\x03\\x04` instead of `GGUF`; take the model's `.gguf` file"
    );
    assert_eq!(
        refusal_of(b"GGUF\x03"),
        "the model file is damaged at byte 4: the version needs 4 bytes, but only 1 remain; fetch it again and compare \
         its SHA-256"
    );
    let of_version = |version| {
        let mut writer = good();
        writer.version = version;
        refusal(&writer)
    };
    assert!(of_version(1).contains("has version 1, which is no longer read"));
    assert!(of_version(4).contains("has version 4; versions 2 and 3 are read"));
    assert!(of_version(3_u32.swap_bytes()).contains("is big-endian"));
}

#[expect(clippy::too_many_lines, reason = "a table, a line or some for each fault")]
#[test]
fn faults_are_told_with_their_place() {
    type Spoil = fn(&mut GgufWriter);
    let faults: [(&str, Spoil, &str); 24] = [
        ("tensors", |w| w.tensor_count = Some(u64::MAX), "at byte 8: the file claims 18446744073709551615 tensors"),
        ("tensors", |w| w.tensor_count = Some(60_000), "at byte 8: the file claims 60000 tensors, but only"),
        ("entries", |w| w.entry_count = Some(1 << 40), "at byte 16: the file claims 1099511627776 metadata entries"),
        ("entries", |w| w.entry_count = Some(50_000), "at byte 16: the file claims 50000 metadata entries, but only"),
        ("a missing entry", |w| w.entry_count = Some(10), "the model file is damaged at byte"),
        (
            "an entry twice",
            |w| {
                w.again("text");
            },
            "the entry `text` comes twice",
        ),
        (
            "no key",
            |w| {
                w.u32("", 1);
            },
            "a metadata entry has no key",
        ),
        (
            "a type",
            |w| {
                w.raw("odd", 13, &[0; 8]);
            },
            "the entry `odd` has the unknown type 13",
        ),
        (
            "a truth value",
            |w| {
                w.raw("truth", 7, &[2]);
            },
            "the entry `truth` is a truth value that is neither",
        ),
        (
            "a long text",
            |w| {
                w.raw("text", 8, &u64::MAX.to_le_bytes());
            },
            "the entry `text` needs 18446744073709551615",
        ),
        (
            "no UTF-8",
            |w| {
                w.raw("text", 8, b"\x02\0\0\0\0\0\0\0a\xff");
            },
            "the entry `text` is not UTF-8",
        ),
        (
            "nested arrays",
            |w| {
                w.array("numbers", 9, 1, &[0; 16]);
            },
            "is an array of arrays, which is not read",
        ),
        (
            "a long array",
            |w| {
                w.array("numbers", 4, u64::MAX, &[]);
            },
            "claims 18446744073709551615 elements; at most",
        ),
        (
            "a long array",
            |w| {
                w.array("numbers", 10, 1 << 20, &[]);
            },
            "claims 1048576 elements, but only",
        ),
        (
            "a long array",
            |w| {
                w.array("texts", 8, 1 << 20, &[]);
            },
            "claims 1048576 elements, but only",
        ),
        (
            "an alignment",
            |w| {
                w.u32("general.alignment", 48);
            },
            "`general.alignment` is 48, but must be a power of two",
        ),
        (
            "an alignment",
            |w| {
                w.u32("general.alignment", 0);
            },
            "`general.alignment` is 0, but must be a power of two",
        ),
        (
            "an alignment",
            |w| {
                w.string("general.alignment", "32");
            },
            "is a text, but must be a whole number",
        ),
        (
            "a tensor twice",
            |w| {
                w.tensor("a", &[1], 0, vec![0; 4]);
            },
            "the tensor `a` comes twice",
        ),
        (
            "no name",
            |w| {
                w.tensor("", &[1], 0, vec![0; 4]);
            },
            "a tensor has no name",
        ),
        (
            "no sizes",
            |w| {
                w.tensor("c", &[], 0, vec![0; 4]);
            },
            "the tensor `c` has 0 sizes; 1 to 4 are read",
        ),
        (
            "five sizes",
            |w| {
                w.tensor("c", &[1; 5], 0, vec![0; 4]);
            },
            "the tensor `c` has 5 sizes; 1 to 4 are read",
        ),
        (
            "a zero size",
            |w| {
                w.tensor("c", &[4, 0], 0, vec![]);
            },
            "tensor `c` has the sizes [4, 0]; none may be zero",
        ),
        (
            "half a block",
            |w| {
                w.tensor("c", &[48, 2], 2, vec![0; 54]);
            },
            "`c` has rows of 48 weights, but Q4_0 stores 32",
        ),
    ];
    for (name, spoil, expected) in faults {
        let mut writer = good();
        spoil(&mut writer);
        let words = refusal(&writer);
        assert!(words.contains(expected), "{name}: {words}");
    }
}

#[test]
fn tensors_outside_the_file_are_refused() {
    type Spoil = fn(&mut GgufWriter);
    let faults: [(&str, Spoil, &str); 8] = [
        (
            "huge",
            |w| {
                w.tensor("c", &[1 << 40, 1 << 40], 0, vec![]);
            },
            "more weights than can exist",
        ),
        (
            "huge",
            |w| {
                w.tensor("c", &[1 << 62], 0, vec![]);
            },
            "more weights than can exist",
        ),
        (
            "an end past the numbers",
            |w| {
                w.tensor_at(!31, "c", &[64], 0, vec![]);
            },
            "more than can exist",
        ),
        (
            "past the end",
            |w| {
                w.tensor("c", &[1 << 40], 0, vec![]);
            },
            "the file is incomplete, fetch it again",
        ),
        (
            "an offset past the end",
            |w| {
                w.tensor_at(1 << 20, "c", &[1], 0, vec![0; 4]);
            },
            "the file is incomplete",
        ),
        (
            "misaligned",
            |w| {
                w.tensor_at(36, "c", &[1], 0, vec![0; 4]);
            },
            "is no multiple of the alignment 32",
        ),
        (
            "on another",
            |w| {
                w.tensor_at(32, "c", &[1], 0, vec![0; 4]);
            },
            "`c` lies on the tensor `a`",
        ),
        (
            "on another",
            |w| {
                w.tensor_at(64, "c", &[1], 0, vec![0; 4]);
            },
            "`c` lies on the tensor `b`",
        ),
    ];
    for (name, spoil, expected) in faults {
        let mut writer = good();
        spoil(&mut writer);
        let words = refusal(&writer);
        assert!(words.contains(expected), "{name}: {words}");
    }
}

#[test]
fn kinds_that_are_not_read_are_named() {
    let mut writer = good();
    writer.tensor("c", &[256], 10, vec![0; 84]);
    assert_eq!(
        refusal(&writer),
        "the model file's tensor `c` is stored as Q2_K, which this engine does not read; take a file of the model that \
         uses F32, F16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K, BF16, MXFP4"
    );
    let mut writer = good();
    writer.tensor("c", &[256], 4, vec![0; 84]);
    assert!(refusal(&writer).contains("`c` is stored in a way with the unknown number 4"));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let bytes = good().bytes();
    for end in 0..bytes.len() {
        let words = refusal_of(&bytes[..end]);
        assert!(words.contains("no GGUF file") || words.contains("remain") || words.contains("incomplete"), "{words}");
    }
    Header::read(&bytes).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever bytes are changed: an answer, never a panic; and what is accepted lies inside the file.
    #[test]
    fn a_changed_file_is_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), Just(0), Just(0xff)]), 1..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = good().bytes();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(header) = Header::read(&bytes) {
            let metadata = header.metadata(&bytes);
            for key in ["text", "number", "ratio", "truth", "texts", "numbers", "ratios", "wide", "negative"] {
                let _ = (metadata.string(key), metadata.u64(key), metadata.f32(key), metadata.bool(key));
                let _ = (metadata.strings(key), metadata.integers(key));
            }
            for tensor in &header.tensors {
                prop_assert!(tensor.bytes.end <= bytes.len());
                prop_assert_eq!(Some(tensor.bytes.len() as u64), tensor.kind.bytes_of(tensor.dims.iter().product()));
            }
        }
    }
}
