//! The numbers that the project holds itself to, as a table. Forbids nothing: the rules do.

use super::lines::{Measure, measure};
use super::rules;
use super::sources::Sources;

/// Lines of code after which a function counts as long.
const FUNCTION_LINES_MAX: usize = 70;

/// What the sources measure, beside what is wanted.
pub(super) fn table(sources: &Sources) -> String {
    let (mut sizes, mut functions) = (Vec::new(), Vec::new());
    let (mut code, mut test, mut comments, mut filled, mut vague) = (0, 0, 0, 0, 0);
    for file in sources.files().iter().filter(|file| file.is_rust()) {
        let Measure { lines, test_lines, comment_lines, filled_lines, functions: found } = measure(&file.text);
        vague += usize::from(rules::is_vague(&file.path));
        if file.is_test() {
            test += lines + test_lines;
            continue;
        }
        sizes.push(lines);
        functions.extend(found);
        code += lines;
        test += test_lines;
        comments += comment_lines;
        filled += filled_lines;
    }
    sizes.sort_unstable();
    functions.sort_unstable();
    let long = functions.iter().filter(|lines| **lines > FUNCTION_LINES_MAX).count();
    let sizes = format!("{} / {} / {}", at(&sizes, 50), at(&sizes, 90), at(&sizes, 100));
    let functions = format!("{long} (longest {})", at(&functions, 100));
    let rows = [
        ("lines a file, without tests: median / p90 / max", sizes, "≤ 150 / ≤ 350 / ≤ 600"),
        ("functions over 70 lines", functions, "0, but for a reason given"),
        ("vague file names", vague.to_string(), "0"),
        ("doc and comment share, without tests", percent(comments, filled), "12–20 %"),
        ("test share of lines", percent(test, code + test), "45–60 %"),
        ("lines of code / of tests", format!("{code} / {test}"), ""),
    ];
    rows.map(|(name, is, wanted)| format!("{name:<50}{is:<22}{wanted}")).join("\n")
}

/// The value below which `percent` of the sorted values lie.
fn at(sorted: &[usize], percent: usize) -> usize {
    let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(index).copied().unwrap_or(0)
}

/// To a tenth, in whole numbers: counts of lines need no floating point.
fn percent(part: usize, whole: usize) -> String {
    let tenths = part * 1000 / whole.max(1);
    format!("{}.{} %", tenths / 10, tenths % 10)
}
