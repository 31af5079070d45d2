//! An outside oracle: python-stdnum says which numbers are right, and the scan must agree. Runs where a Python that has it is
//! named in `GWANMUN_TEST_PYTHON`. (Of Korean business numbers stdnum checks the form alone: those are not asked for.)

use std::process::Command;

use inspect::{Rules, Strength, scan};

/// Prints `kind word number right` for numbers that are random, and for the same with a right check digit.
const SCRIPT: &str = r#"
import random
from stdnum import luhn, iban
from stdnum.fr import nir, siren, siret
from stdnum.kr import rrn
from stdnum.vn import mst
random.seed(20201005)
digits = lambda n: ''.join(random.choice('0123456789') for _ in range(n))
def show(kind, word, number, right):
    print(kind, word, number, int(right), sep='\t')
for _ in range(3000):
    n = f'{random.randint(40, 99):02}{random.randint(1, 12):02}{random.randint(1, 28):02}{random.randint(1, 2)}{random.randint(0, 95):02}{digits(3)}'
    for last in digits(2):
        show('kr.resident', '주민등록번호', n + last, rrn.is_valid(n + last))
    n = f'0{random.randint(1, 9)}{digits(7)}'
    for last in digits(2):
        show('vn.tax', 'mã số thuế', n + last, mst.is_valid(n + last))
    n = f'{random.randint(3, 9)}{digits(7)}'
    n += luhn.calc_check_digit(n) if random.random() < .7 else digits(1)
    show('fr.siren', 'SIREN', n, siren.is_valid(n))
    n += '000' + digits(1)
    n += luhn.calc_check_digit(n) if random.random() < .7 else digits(1)
    show('fr.siret', 'SIRET', n, siret.is_valid(n))
    n = f'{random.randint(1, 2)}{digits(2)}{random.randint(1, 12):02}{random.choice(["75", "2A", "2B", "13"])}{digits(6)}'
    n += nir.calc_check_digits(n) if random.random() < .5 else digits(2)
    show('fr.nir', 'NIR', n, nir.is_valid(n))
    n = f'5{digits(4)}{digits(13)}'
    check = iban.calc_check_digits('DE00' + n) if random.random() < .5 else digits(2)
    n = f'DE{check}{n}'
    show('iban', 'IBAN', n, iban.is_valid(n, check_country=False))
"#;

#[test]
fn stdnum_agrees() {
    let Some(python) = python() else {
        eprintln!("skipped: GWANMUN_TEST_PYTHON names no Python that has python-stdnum");
        return;
    };
    let output = Command::new(python).args(["-c", SCRIPT]).env("PYTHONIOENCODING", "utf-8").output().expect("python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    let (mut right_ones, mut disagreements) = (0, Vec::new());
    for line in lines.lines() {
        let [kind, word, number, right] = line.split('\t').collect::<Vec<_>>().try_into().expect("four columns");
        let text = format!("{word} {number}");
        // A wrong check digit may leave a weaker finding, or another kind; never this one as checked.
        let found = scan(&text, &Rules::default())
            .iter()
            .any(|it| it.kind.name() == kind && it.strength == Strength::Checked && &text[it.range.clone()] == number);
        right_ones += u32::from(right == "1");
        if found != (right == "1") {
            disagreements.push(format!("{text}: found {found}, right {right}"));
        }
    }
    assert!(right_ones > 5_000, "{right_ones}");
    assert!(disagreements.is_empty(), "{} of {}: {disagreements:#?}", disagreements.len(), lines.lines().count());
    eprintln!("{} numbers, {right_ones} of them right: no disagreement", lines.lines().count());
}

#[expect(clippy::disallowed_methods, reason = "where Python is, is nobody's business but this test's")]
fn python() -> Option<std::ffi::OsString> {
    std::env::var_os("GWANMUN_TEST_PYTHON")
}
