//! How fast a scan is on one core: `cargo run --release -p inspect --example scan_speed -- FILE…` prints MB/s of each file,
//! repeated to 1 MB, with and without rules of one's own; without a file, of text made up here.

use std::hint::black_box;
use std::io::Write as _;

use inspect::{Dictionary, Pattern, Rules, scan};

/// How much text is scanned at once, and how often: in all, in time of the core.
const BYTES: usize = 1024 * 1024;
const ROUNDS: usize = 64;

const MADE_UP: &[(&str, &str)] = &[
    (
        "korean",
        "지난 2024년 3월 15일, 위원회는 예산 1,250억 원을 승인했다. 담당자는 12개 시·도의 의견을 들었다고 밝혔다. ",
    ),
    ("english", "On 15 March 2024 the committee approved 1,250 million; its members had heard 12 regions, they said. "),
    ("japanese", "２０２４年３月１５日、委員会は１,２５０億円の予算を承認した。担当者は12の地域の意見を聞いたという。"),
    ("numbers", "2024-03-15 12:30:45.123 1710505845123 0012345678 192.168.0.1 12345 9876543210 3.14159 100,000\n"),
    ("identifiers", "주민등록번호 900101-1234568, 카드 4111-1111-1111-1111, 전화 010-1234-5678, abc@example.com. "),
];

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let own = own_rules().map_err(std::io::Error::other)?;
    let mut texts: Vec<(String, String)> = Vec::new();
    for path in std::env::args().skip(1) {
        texts.push((path.clone(), std::fs::read_to_string(path)?));
    }
    if texts.is_empty() {
        texts.extend(MADE_UP.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    }
    writeln!(out, "{:>9} {:>9} {:>9}  text", "MB/s", "with own", "findings")?;
    for (name, text) in texts {
        let repeated = text.repeat(BYTES.div_ceil(text.len().max(1)));
        let findings = scan(&text, &Rules::default()).len();
        let (plain, with_own) = (speed(&repeated, &Rules::default()), speed(&repeated, &own));
        writeln!(out, "{plain:>9.0} {with_own:>9.0} {findings:>9}  {name}")?;
    }
    Ok(())
}

fn own_rules() -> Result<Rules, inspect::RulesError> {
    let words = (0..1000).map(|number| format!("사업{number:03}호")).collect();
    let dictionary = Dictionary { name: "project".to_owned(), words };
    let pattern = Pattern { name: "ticket".to_owned(), regex: r"\b[A-Z]{3}-[0-9]{5}\b".to_owned() };
    Rules::new(&[dictionary], &[pattern])
}

fn speed(text: &str, rules: &Rules) -> f64 {
    let started = seconds();
    for _ in 0..ROUNDS {
        black_box(scan(black_box(text), rules));
    }
    #[expect(clippy::cast_precision_loss, reason = "a speed for people to read")]
    let megabytes = (text.len() * ROUNDS) as f64 / 1e6;
    megabytes / (seconds() - started)
}

/// What this thread has used of a core, where the kernel tells (Linux); otherwise the time.
#[expect(clippy::disallowed_methods, reason = "a measurement needs the clock")]
fn seconds() -> f64 {
    static BEGAN: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    let used = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let used = used.and_then(|text| text.split(' ').next()?.parse::<u64>().ok()).map(std::time::Duration::from_nanos);
    used.unwrap_or_else(|| BEGAN.elapsed()).as_secs_f64()
}
