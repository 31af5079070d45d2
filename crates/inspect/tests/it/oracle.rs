//! Outside oracles: python-stdnum and Presidio say which numbers are right, and the scan must agree. They run where a Python
//! that has them is named in `GWANMUN_TEST_PYTHON`. (Of Korean business numbers stdnum checks the form alone: those are asked
//! of Presidio.)

use std::process::Command;

use inspect::{Rules, Strength, scan};

/// Of Presidio the recognisers are asked that know a form and a check digit. They need no language model, nor the packages that
/// would load one: those stand in as names without matter. Exit status 3: there is no Presidio.
const PRESIDIO: &str = r"
import importlib.abc, importlib.machinery, random, sys
from unittest.mock import MagicMock
class Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('spacy', 'numpy', 'preshed', 'click', 'torch', 'thinc', 'huggingface_hub', 'srsly'):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
    def create_module(self, spec):
        module = MagicMock(name=spec.name)
        module.__path__, module.__spec__ = [], spec
        return module
    def exec_module(self, module):
        pass
sys.meta_path.insert(0, Absent())
try:
    from presidio_analyzer.predefined_recognizers import (
        CreditCardRecognizer, IbanRecognizer, KrBrnRecognizer, KrFrnRecognizer, KrRrnRecognizer)
except ImportError:
    sys.exit(3)
random.seed(19371104)
digits = lambda n: ''.join(random.choice('0123456789') for _ in range(n))
def asked(recognizer):
    recognizer = recognizer()
    def right(text):
        found = recognizer.analyze(text, recognizer.supported_entities, None)
        return any(one.score == 1.0 for one in found)
    return right
rrn, frn, brn, card, iban = map(
    asked, (KrRrnRecognizer, KrFrnRecognizer, KrBrnRecognizer, CreditCardRecognizer, IbanRecognizer))
def show(kind, word, number, right):
    print(kind, word, number, int(right(number)), sep='\t')
for _ in range(1500):
    born = f'{random.randint(40, 99):02}{random.randint(1, 12):02}{random.randint(1, 28):02}'
    region = f'{random.randint(0, 95):02}{digits(3)}'
    for last in '0123456789':
        show('kr.resident', '주민등록번호', f'{born}-{random.randint(1, 2)}{region}{last}', rrn)
        show('kr.foreigner', '외국인등록번호', f'{born}-{random.randint(5, 6)}{region}{last}', frn)
    n = f'{random.randint(101, 899)}{digits(6)}'
    for last in digits(4):
        show('kr.business', '사업자등록번호', f'{n[:3]}-{n[3:5]}-{n[5:]}{last}', brn)
    n = f'4{digits(14)}'
    for last in digits(4):
        show('card', '카드', n + last, card)
    n = f'5{digits(4)}{digits(13)}'
    check = 98 - int(n + '131400') % 97 if random.random() < .5 else random.randint(2, 97)
    show('iban', 'IBAN', f'DE{check:02}{n}', iban)
";

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
    agrees("python-stdnum", SCRIPT);
}

#[test]
fn presidio_agrees() {
    agrees("presidio-analyzer", PRESIDIO);
}

fn agrees(oracle: &str, script: &str) {
    let Some(python) = python() else {
        eprintln!("skipped: GWANMUN_TEST_PYTHON names no Python that has {oracle}");
        return;
    };
    let output = Command::new(python).args(["-c", script]).env("PYTHONIOENCODING", "utf-8").output().expect("python");
    if output.status.code() == Some(3) {
        eprintln!("skipped: the Python that GWANMUN_TEST_PYTHON names has no {oracle}");
        return;
    }
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
    assert!(right_ones > 3_000, "{right_ones}");
    let some: Vec<_> = disagreements.iter().take(20).collect();
    assert!(disagreements.is_empty(), "{} of {}: {some:#?}", disagreements.len(), lines.lines().count());
    eprintln!("{oracle}: {} numbers, {right_ones} of them right: no disagreement", lines.lines().count());
}

#[expect(clippy::disallowed_methods, reason = "where Python is, is nobody's business but this test's")]
fn python() -> Option<std::ffi::OsString> {
    std::env::var_os("GWANMUN_TEST_PYTHON")
}
