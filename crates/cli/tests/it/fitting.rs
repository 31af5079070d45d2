//! `gwanmun model fit`: models judged on machines that are told, so that every number is the same everywhere; once on this one.

use serde_json::Value;

use crate::bench::Bench;

/// A machine of 24 GB that reads 20 GB a second.
const MACHINE: [&str; 4] = ["--memory", "24", "--bandwidth", "20"];

fn on_the_machine<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    ["model", "fit"].into_iter().chain(arguments.iter().copied()).chain(MACHINE).collect()
}

fn json(bench: &Bench, arguments: &[&str]) -> Value {
    let told = bench.run(&[arguments, &["--json"]].concat());
    serde_json::from_str(&told.out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", told.err))
}

/// A line's cells, which two blanks part.
fn cells<'a>(table: &'a str, begins: &str) -> Vec<&'a str> {
    let line = table.lines().find(|line| line.trim_start().starts_with(begins));
    let line = line.unwrap_or_else(|| panic!("no line begins with {begins}:\n{table}"));
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

#[test]
fn every_model_of_known_size_is_judged_and_the_others_are_counted() {
    let bench = Bench::new();
    let told = bench.ok(&on_the_machine(&[]));
    assert!(told.starts_with("a machine with 24 GB of memory, read at 20.0 GB/s\n"), "{told}");
    assert_eq!(
        cells(&told, "MODEL"),
        ["MODEL", "WEIGHTS / A TOKEN", "FITS AS", "NEEDS", "ABOUT TOKENS/S", "COMPUTED BY"]
    );
    // 32 billion weights of 4.894 bits are 19.6 GB, 8,192 tokens of 262,144 bytes 2.1 GB, the process 0.3 GB.
    assert_eq!(cells(&told, "exaone-4.0-32b"), ["exaone-4.0-32b", "32.0 B", "Q4_K_M", "22 GB", "0.92", "the floor"]);
    assert_eq!(cells(&told, "exaone-4.0-1.2b")[2], "BF16");
    let large = cells(&told, "k-exaone-236b");
    assert_eq!(large[..3], ["k-exaone-236b", "236.0 B / 23.0 B", "does not fit"], "{told}");
    // 236 billion weights of 4.894 bits are 144.4 GB, 8,192 tokens of 196,608 bytes 1.6 GB, the process 0.3 GB.
    assert_eq!(large[3..5], ["146 GB", "-"], "{told}");
    assert!(cells(&told, "vaetki")[3].starts_with("~ "), "estimated: {told}");
    assert_eq!(cells(&told, "ax-k1").last(), Some(&"a server"));
    assert_eq!(cells(&told, "vaetki").last(), Some(&"not known"));
    assert!(
        told.contains("\n43 models of the catalogue are not judged: nobody says how many weights they have.\n"),
        "{told}"
    );
    assert!(told.contains("Speeds are estimates for one sequence, not promises"), "{told}");
    assert!(told.lines().all(|line| line.chars().count() <= 110), "{told}");
    assert!(!bench.data().exists(), "looking makes nothing");

    let report = json(&bench, &on_the_machine(&[]));
    assert_eq!(report["machine"]["memory_bytes"], 24_000_000_000_u64);
    assert_eq!(report["machine"]["bandwidth_is_measured"], false);
    assert_eq!((&report["unknown"], report["models"].as_array().unwrap().len()), (&43.into(), 21));
    let sizes: Vec<u64> =
        report["models"].as_array().unwrap().iter().map(|model| model["parameters"].as_u64().unwrap()).collect();
    assert!(sizes.is_sorted(), "the smallest first");

    // One that is published in a form of its own is judged in it alone, by its load too.
    let one = bench.run(&["model", "fit", "gpt-oss-20b", "--memory", "24", "--bandwidth", "20"]);
    assert!(one.out.contains("\n  its own form  14 GB    15 GB  yes "), "{}", one.out);
    assert!(!one.out.contains("Q4_K_M"), "{}", one.out);
    let load = bench.run(&["model", "fit", "gpt-oss-20b", "--load", "10"]);
    assert!(load.out.starts_with("gpt-oss-20b in its own form: 14 GB of weights"), "{}", load.out);
}

#[test]
fn a_stored_model_and_a_file_are_judged_by_what_they_hold() {
    let bench = Bench::new();
    bench.model();
    bench.ok(&["model", "import", "tiny.gguf"]);
    let listed = bench.ok(&on_the_machine(&[]));
    assert_eq!(cells(&listed, "tiny (here)")[1..3], ["45312", "F32"], "{listed}");

    // One layer, one head of 64: 2 × 64 numbers of 2 bytes a token; the model takes 512 tokens.
    for name in ["tiny", "./tiny.gguf"] {
        let model = &json(&bench, &on_the_machine(&[name]))["model"];
        assert_eq!((&model["context_tokens"], &model["cache_bytes_a_token"]), (&512.into(), &256.into()), "{model}");
        assert_eq!((&model["floor"], &model["cache_is_estimated"]), (&true.into(), &false.into()));
        let form = &model["forms"][0];
        assert_eq!(form["verdict"], "fits");
        let weights = form["weight_bytes"].as_u64().unwrap();
        assert_eq!(form["needed_bytes"], weights + 512 * 256 + (256 << 20));
    }
    let told = bench.ok(&on_the_machine(&["tiny", "--sequences", "4", "--context", "100"]));
    assert!(told.contains("256 B a token; 102 kB for 100 tokens of each of 4 sequences"), "{told}");
}

#[test]
fn one_model_is_shown_in_every_form_and_the_exit_says_whether_any_fits() {
    let bench = Bench::new();
    let told = bench.ok(&on_the_machine(&["exaone-4.0-32b"]));
    assert!(told.contains("\nexaone-4.0-32b  EXAONE 4.0 32B\n"), "{told}");
    assert!(told.contains("  computed by      the floor, in this process (`exaone4`)\n"), "{told}");
    assert!(told.contains("  needs            `[local] cache_mib = 2048` where the floor computes it"), "{told}");
    assert_eq!(cells(&told, "Q4_K_M"), ["Q4_K_M", "20 GB", "22 GB", "yes", "1.0", "0.92"]);
    assert_eq!(cells(&told, "Q5_K_M"), ["Q5_K_M", "23 GB", "25 GB", "with 3492 tokens", "0.88", "0.84"]);
    assert_eq!(cells(&told, "BF16")[3], "no");
    assert!(!told.contains("FP8"), "the floor reads none: {told}");

    let small = bench.run(&["model", "fit", "exaone-4.0-32b", "--memory", "8", "--bandwidth", "0.5"]);
    assert_eq!(small.exit, Some(1), "{}", small.err);
    let mixture = bench.run(&on_the_machine(&["ax-k1"]));
    assert_eq!(mixture.exit, Some(1));
    assert!(mixture.out.contains("519.0 B, 33.0 B of them read for a token"), "{}", mixture.out);
    assert!(mixture.out.contains("a server as a destination: the floor does not compute `axk1`"), "{}", mixture.out);
}

#[test]
fn what_the_floors_defaults_do_not_hold_is_said() {
    let bench = Bench::new();
    let model = |arguments: &[&str]| json(&bench, &on_the_machine(arguments))["model"].clone();
    // Of the 1.2B a token leaves 61,440 bytes.
    let usual = model(&["exaone-4.0-1.2b"]);
    assert_eq!(
        (&usual["needs_cache_mib"], &usual["needs_context_tokens_max"]),
        (&Value::Null, &Value::Null),
        "{usual}"
    );
    let long = model(&["exaone-4.0-1.2b", "--context", "20000"]);
    assert_eq!((&long["needs_cache_mib"], &long["needs_context_tokens_max"]), (&1174.into(), &20_000.into()), "{long}");
    // Four sequences of 125 pages each.
    let several = model(&["exaone-4.0-1.2b", "--context", "8000", "--sequences", "4"]);
    assert_eq!((&several["needs_cache_mib"], &several["needs_context_tokens_max"]), (&1875.into(), &Value::Null));
    let elsewhere = model(&["ax-k1", "--context", "20000"]);
    assert_eq!(elsewhere["needs_context_tokens_max"], Value::Null, "a server has settings of its own");
}

#[test]
fn a_context_longer_than_the_model_takes_is_answered_with_no() {
    let bench = Bench::new();
    let says = "error: `exaone-4.0-1.2b` takes 65536 tokens of context, not 65537: it was judged with 65536\n";
    let told = bench.run(&on_the_machine(&["exaone-4.0-1.2b", "--context", "65537"]));
    assert_eq!((told.exit, told.err.as_str()), (Some(1), says), "{}", told.out);
    assert!(told.out.contains("for 65536 tokens"), "{}", told.out);
    bench.ok(&on_the_machine(&["exaone-4.0-1.2b", "--context", "65536"]));
    let told = bench.run(&["model", "fit", "exaone-4.0-1.2b", "--context", "65537", "--load", "1"]);
    assert_eq!((told.exit, told.err.as_str()), (Some(1), says), "{}", told.out);
}

#[test]
fn this_machine_is_measured_where_nothing_is_told() {
    let bench = Bench::new();
    let report = json(&bench, &["model", "fit", "smollm2-135m-instruct", "--context", "512"]);
    let machine = &report["machine"];
    assert_eq!((&machine["bandwidth_is_measured"], &machine["memory_is_this_machines"]), (&true.into(), &true.into()));
    assert!(machine["bandwidth_bytes_per_second"].as_u64().unwrap() > 100_000_000, "{machine}");
    assert!(machine["threads"].as_u64().unwrap() > 0, "{machine}");
}

#[test]
fn a_load_is_carried_by_the_fewest_cards_of_each_kind() {
    let bench = Bench::new();
    let load = ["model", "fit", "exaone-4.0-32b", "--load", "50"];
    let told = bench.ok(&load);
    let mut lines = told.lines();
    assert_eq!(lines.next(), Some("exaone-4.0-32b in BF16: 64 GB of weights, 2.15 GB of keys and values a stream"));
    assert_eq!(lines.next(), Some("50 streams at once, 20 tokens/s each at least, 8192 tokens of context each"));
    assert_eq!(
        cells(&told, "NVIDIA H100 SXM")[1..],
        ["US", "4", "2 copies on 2 cards", "31 tokens/s", "memory", "2.8 kW"][..],
        "{told}"
    );
    assert!(told.contains("not known: bandwidth_gb_per_second"), "{told}");
    assert!(told.contains("NVIDIA H100 PCIe 80 GB *  "), "{told}");
    assert!(told.replace('\n', " ").contains("*: its operations are not known"), "{told}");
    assert!(told.contains("of which 55 % are taken to be reached: an assumption"), "{told}");

    let report = json(&bench, &[&load[..], &["--quantisation", "fp8", "--accelerator", "rngd"]].concat());
    assert_eq!((&report["quantisation"], &report["weight_bytes"]), (&"fp8".into(), &32_000_000_000_u64.into()));
    let [rngd] = report["accelerators"].as_array().unwrap().as_slice() else { panic!("{report}") };
    assert_eq!((&rngd["verdict"], &rngd["maker_in"]), (&"carries".into(), &"KR".into()), "{rngd}");
    assert_eq!((&rngd["operations_known"], &report["cache_shards"]), (&true.into(), &8.into()), "{report}");

    let slow = bench.run(&[&load[..], &["--tokens-per-second", "5000"]].concat());
    assert_eq!(slow.exit, Some(1), "{}", slow.out);
    assert!(slow.out.contains("too slow: "), "{}", slow.out);
}

#[test]
fn an_operators_own_card_is_planned_with() {
    let bench = Bench::new();
    let own = "[source.ours]\ndocument = \"measured on our card\"\ndate = 2026-11-01\n[accelerator.ours]\nname = \"Ours\"\n\
        memory_gb = { value = 100, source = \"ours\" }\nbandwidth_gb_per_second = { value = 2000, source = \"ours\" }\n\
        memory_usable_percent = { value = 95, source = \"ours\" }\nreached_percent = { value = 80, source = \"ours\" }\n";
    bench.put("own/cards.toml", own.as_bytes());
    let load = ["model", "fit", "midm-2.0-base", "--load", "10", "--accelerator", "ours", "--folder", "own"];
    let report = json(&bench, &load);
    assert_eq!(report["accelerators"][0]["cards"], 1, "{report}");
    let wrong = own.replace("value = 80,", "value = 180,");
    bench.put("own/cards.toml", wrong.as_bytes());
    let told = bench.run(&load);
    assert_eq!(told.exit, Some(2));
    assert!(
        told.err.contains(
            "own/cards.toml:9: `accelerator.ours.reached_percent` is 180: it must be a whole number, 1 to 100"
        ),
        "{}",
        told.err
    );
}

#[test]
fn what_cannot_be_judged_is_said_with_how_to_mend_it() {
    let bench = Bench::new();
    bench.put("page.gguf", b"<!doctype html>");
    let table: [(&[&str], i32, &str); 11] = [
        (
            &["nobody"],
            2,
            "error: `nobody` is neither a stored model nor one of the catalogue, nor a path to a GGUF file\nhint: `gwanmun model list`",
        ),
        (&["qwen3"], 2, "error: nobody says how many weights `qwen3` has\nhint: where you know it"),
        (
            &["smollm2-135m-instruct-q4_1"],
            2,
            "error: `smollm2-135m-instruct-q4_1` is not here, and is judged by its file\nhint: `gwanmun model pull",
        ),
        (&["./page.gguf"], 2, "error: `./page.gguf` cannot be judged: "),
        (&["--memory", "much"], 64, "error: invalid value 'much' for '--memory <GB>': `much` is no number of GB"),
        (&["--sequences", "0"], 64, "error: invalid value '0' for '--sequences <N>'"),
        (&["ax-3.1", "--load", "5", "--memory", "24"], 64, "error: the argument '--"),
        (&["ax-3.1", "--load", "5", "--bandwidth", "20"], 64, "error: the argument '--"),
        (&["--load", "5"], 64, "error: the following required arguments were not provided:"),
        (
            &["ax-3.1", "--load", "5", "--quantisation", "q3"],
            64,
            "error: the catalogue has no quantisation `q3` of `ax-3.1`\nhint: it has: q4-k-m, ",
        ),
        (
            &["ax-3.1", "--load", "5", "--accelerator", "tpu"],
            64,
            "error: the catalogue has no accelerator `tpu`\nhint: `gwanmun catalog list",
        ),
    ];
    for (arguments, exit, says) in table {
        let told = bench.run(&[&["model", "fit"], arguments].concat());
        assert_eq!(told.exit, Some(exit), "{arguments:?}: {}", told.err);
        assert!(told.err.starts_with(says), "{arguments:?}: {}", told.err);
    }
}
