//! Walks over the view from one byte that can begin an identifier to the next and asks the readers of the kinds. Decides what
//! is found where two could be; knows no form itself.

use std::sync::OnceLock;

use crate::cluster::{Cluster, Number};
use crate::context::Around;
use crate::verdict::{Match, Verdict};
use crate::view::{More, View};
use crate::{Kind, banks, cards, france, japan, korea, network, phones, secrets, vietnam};

/// Groups that the longest number has.
const GROUPS_MAX: usize = 8;

/// Digits that numbers have, but for internet addresses; and below which no single run is one.
const DIGITS: std::ops::RangeInclusive<usize> = 8..=19;
const RUN_MIN: u8 = 8;

/// Looks for built-in kinds.
#[derive(Debug)]
pub(crate) struct Engine {
    starts: &'static Starts,
    wanted: Vec<Kind>,
    /// What lies before is decided.
    at: usize,
    /// Where the last finding ended: no other begins before it.
    floor: usize,
}

/// Pairs of bytes at which an identifier can be noticed, one bit each.
struct Starts([u64; 1024]);

impl std::fmt::Debug for Starts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Starts")
    }
}

impl Starts {
    fn has(&self, first: u8, second: u8) -> bool {
        let pair = usize::from(first) << 8 | usize::from(second);
        self.0.get(pair >> 6).is_some_and(|word| word >> (pair & 63) & 1 == 1)
    }
}

fn starts() -> &'static Starts {
    static STARTS: OnceLock<Starts> = OnceLock::new();
    STARTS.get_or_init(|| {
        let mut bits = [0_u64; 1024];
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                let is_start = match first {
                    b'0'..=b'9' | b'@' => true,
                    b':' => second == b':' || second.is_ascii_hexdigit(),
                    _ => secrets::begin(first, second),
                };
                if is_start && let Some(word) = bits.get_mut((usize::from(first) << 8 | usize::from(second)) >> 6) {
                    *word |= 1 << (second & 63);
                }
            }
        }
        Starts(bits)
    })
}

/// What to do at one place.
enum Step {
    Found(Match),
    Skip(usize),
}

impl Engine {
    /// One that reports kinds of `wanted` alone.
    pub(crate) fn new(wanted: Vec<Kind>) -> Self {
        Self { starts: starts(), wanted, at: 0, floor: 0 }
    }

    /// What lies before this place is decided, but for what an address before an `@` could begin.
    pub(crate) fn decided(&self) -> usize {
        self.at
    }

    /// Where the last finding ended.
    pub(crate) fn floor(&self) -> usize {
        self.floor
    }

    /// Goes on as far as can be decided.
    pub(crate) fn run(&mut self, view: &View, found: &mut Vec<Match>) {
        loop {
            let (known, base) = view.known();
            let rest = known.get(self.at.saturating_sub(base)..).unwrap_or_default();
            // The last byte has no pair yet: it is decided with the next piece, or alone at the end.
            let next =
                rest.windows(2).position(|pair| matches!(pair, [first, second] if self.starts.has(*first, *second)));
            let Some(offset) = next.or_else(|| rest.len().checked_sub(1).filter(|_| view.is_whole())) else {
                self.at = view.end().saturating_sub(1).max(self.at);
                return;
            };
            let at = self.at + offset;
            match self.step(view, at, rest.get(offset).copied().unwrap_or_default()) {
                Err(More) => {
                    self.at = at;
                    return;
                }
                Ok(Step::Found(one)) => {
                    self.at = one.range.end.max(at + 1);
                    self.floor = one.range.end;
                    if self.wanted.contains(&one.kind) {
                        found.push(one);
                    }
                }
                Ok(Step::Skip(to)) => self.at = to,
            }
        }
    }

    fn step(&self, view: &View, at: usize, first: u8) -> Result<Step, More> {
        let found = match first {
            b'0'..=b'9' => return self.number(view, at),
            b'@' => network::email(view, at, self.floor)?,
            b':' => network::ip_v6(view, at, self.floor)?,
            _ => secrets::secret(view, at, first)?,
        };
        Ok(found.map_or(Step::Skip(at + 1), Step::Found))
    }

    fn number(&self, view: &View, at: usize) -> Result<Step, More> {
        if view.before(at, 1).is_some_and(|byte| byte.is_ascii_digit()) {
            return Ok(Step::Skip(run_end(view, at)));
        }
        let cluster = Cluster::read(view, at)?;
        if cluster.is_overlong() {
            return Ok(Step::Skip(run_end(view, at)));
        }
        let found = numbers(&cluster, view, at)?.filter(|found| found.range.start >= self.floor);
        match found {
            // The digits before an `@` are its local part.
            Some(found) if view.at(found.range.end)? == Some(b'@') => Ok(Step::Skip(found.range.end)),
            Some(found) => Ok(Step::Found(found)),
            None => Ok(Step::Skip(cluster.first_end())),
        }
    }
}

fn run_end(view: &View, at: usize) -> usize {
    let (known, base) = view.known();
    let rest = known.get(at.saturating_sub(base)..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// The longest identifier that begins with the cluster's first group.
fn numbers(cluster: &Cluster, view: &View, at: usize) -> Verdict {
    if let Some(found) = banks::iban(view, at)? {
        return Ok(Some(found));
    }
    let around = Around::new(view, at);
    if let Some(found) = letters(cluster, view, at, &around)? {
        return Ok(Some(found));
    }
    if matches!(cluster.shape(), [0..RUN_MIN]) {
        return Ok(None);
    }
    if let Some(found) = cluster.spelled().map(|number| read(&number, &around)).transpose()?.flatten() {
        return Ok(Some(found));
    }
    for groups in (1..=cluster.groups().min(GROUPS_MAX)).rev() {
        if let Some(found) = cluster.first(groups).map(|number| read(&number, &around)).transpose()?.flatten() {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Numbers with letters in them.
fn letters(cluster: &Cluster, view: &View, at: usize, around: &Around<'_>) -> Verdict {
    if let Some(found) = korea::passport(cluster, around)? {
        return Ok(Some(found));
    }
    france::nir(view, at, around)
}

/// Asks each reader; the surer ones first.
fn read(number: &Number<'_>, around: &Around<'_>) -> Verdict {
    const READERS: [fn(&Number<'_>, &Around<'_>) -> Verdict; 11] = [
        |number, around| Ok(network::ip_v4(number, around)),
        vietnam::tax,
        phones::phone,
        cards::card,
        korea::registration,
        korea::driver,
        korea::business,
        france::company,
        japan::my_number,
        vietnam::identity,
        banks::account,
    ];
    let may_be_ip = number.shape.len() == 4;
    if !DIGITS.contains(&number.digits.len()) && !may_be_ip {
        return Ok(None);
    }
    for reader in READERS {
        if let Some(found) = reader(number, around)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
