//! Reads digits in groups with separators between them, once for all kinds of numbers. Knows no kind.

use crate::verdict;
use crate::view::{More, View};

/// A longer run of digits is no identifier: none is skipped into.
const RUN_MAX: usize = 24;

const GROUPS_MAX: usize = 20;
const DIGITS_MAX: usize = 48;

/// Bytes that may stand together between two groups.
const SEPARATOR_MAX: usize = 3;

/// Single digits set apart read as one run from here on.
const SPELLED_MIN: usize = 9;

/// Which separators stand somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Separators(u8);

impl Separators {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const SPACE: Self = Self(1);
    pub(crate) const DASH: Self = Self(2);
    pub(crate) const DOT: Self = Self(4);
    pub(crate) const OTHER: Self = Self(8);

    pub(crate) fn of(byte: u8) -> Option<Self> {
        match byte {
            b' ' | b'\t' => Some(Self::SPACE),
            b'-' => Some(Self::DASH),
            b'.' => Some(Self::DOT),
            b'/' | b'_' | b'(' | b')' => Some(Self::OTHER),
            _ => None,
        }
    }

    /// Whether only one kind of separator is among them.
    pub(crate) fn is_uniform(self) -> bool {
        self.0.is_power_of_two()
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Groups of digits from one place on, as far as separators join them.
#[derive(Debug)]
pub(crate) struct Cluster {
    digits: [u8; DIGITS_MAX],
    lengths: [u8; GROUPS_MAX],
    starts: [usize; GROUPS_MAX],
    /// What stands after each group; none after the last.
    after: [Separators; GROUPS_MAX],
    groups: usize,
    /// The number of leading single digits, as the shape of the run that they make.
    spelled: [u8; 1],
    is_overlong: bool,
}

/// The first groups of a cluster, taken as one number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number<'a> {
    /// Its digits, in ASCII.
    pub(crate) digits: &'a [u8],
    /// How many digits each group has.
    pub(crate) shape: &'a [u8],
    /// What stands between its groups.
    pub(crate) inner: Separators,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// What joins a further group to it.
    next: Separators,
}

impl Cluster {
    /// Reads from the digit at `at` on.
    pub(crate) fn read(view: &View, at: usize) -> Result<Self, More> {
        let mut cluster = Self {
            digits: [0; DIGITS_MAX],
            lengths: [0; GROUPS_MAX],
            starts: [0; GROUPS_MAX],
            after: [Separators::NONE; GROUPS_MAX],
            groups: 0,
            spelled: [0],
            is_overlong: false,
        };
        let (mut at, mut count) = (at, 0);
        while cluster.groups < GROUPS_MAX {
            let start = at;
            while let Some(digit @ b'0'..=b'9') = view.at(at)? {
                if at - start == RUN_MAX || count == DIGITS_MAX {
                    cluster.is_overlong = cluster.groups == 0;
                    return Ok(cluster);
                }
                if let Some(place) = cluster.digits.get_mut(count) {
                    *place = digit;
                }
                at += 1;
                count += 1;
            }
            cluster.add_group(start, at - start);
            match separators(view, at)? {
                Some((separators, next)) => {
                    cluster.set_after(separators);
                    at = next;
                }
                None => break,
            }
        }
        cluster.count_spelled();
        Ok(cluster)
    }

    /// Whether it begins with more digits than any identifier has.
    pub(crate) fn is_overlong(&self) -> bool {
        self.is_overlong
    }

    pub(crate) fn groups(&self) -> usize {
        self.groups
    }

    /// The shape of all of it.
    pub(crate) fn shape(&self) -> &[u8] {
        self.lengths.get(..self.groups).unwrap_or_default()
    }

    /// Where the first group ends.
    pub(crate) fn first_end(&self) -> usize {
        self.end_of(0)
    }

    /// Its first `groups` groups.
    pub(crate) fn first(&self, groups: usize) -> Option<Number<'_>> {
        let shape = self.shape().get(..groups)?;
        let last = groups.checked_sub(1)?;
        let count = shape.iter().map(|length| usize::from(*length)).sum();
        let inner = self.after.get(..last)?.iter().fold(Separators::NONE, |all, one| all.and(*one));
        Some(Number {
            digits: self.digits.get(..count)?,
            shape,
            inner,
            start: *self.starts.first()?,
            end: self.end_of(last),
            next: *self.after.get(last)?,
        })
    }

    /// Its leading single digits as one run, if they are enough.
    pub(crate) fn spelled(&self) -> Option<Number<'_>> {
        let count = usize::from(*self.spelled.first()?);
        let number = self.first(count).filter(|_| count >= SPELLED_MIN)?;
        Some(Number { shape: &self.spelled, inner: Separators::NONE, next: Separators::NONE, ..number })
    }

    fn end_of(&self, group: usize) -> usize {
        let start = self.starts.get(group).copied().unwrap_or_default();
        start + self.lengths.get(group).map_or(0, |length| usize::from(*length))
    }

    fn add_group(&mut self, start: usize, length: usize) {
        if let (Some(first), Some(place)) = (self.starts.get_mut(self.groups), self.lengths.get_mut(self.groups)) {
            *first = start;
            *place = u8::try_from(length).unwrap_or(u8::MAX);
            self.groups += 1;
        }
    }

    fn set_after(&mut self, separators: Separators) {
        if let Some(place) = self.groups.checked_sub(1).and_then(|last| self.after.get_mut(last)) {
            *place = separators;
        }
    }

    fn count_spelled(&mut self) {
        let count = self.shape().iter().take_while(|length| **length == 1).count();
        self.spelled = [u8::try_from(count).unwrap_or(u8::MAX)];
    }
}

impl Number<'_> {
    /// The value of the digits in `range`.
    pub(crate) fn part(&self, range: std::ops::Range<usize>) -> u64 {
        self.digits.get(range).map_or(u64::MAX, verdict::number)
    }

    /// The value of one digit.
    pub(crate) fn digit(&self, place: usize) -> u32 {
        self.digits.get(place).map_or(u32::MAX, |digit| verdict::value(*digit))
    }

    /// Whether it is one run without separators.
    pub(crate) fn is_bare(&self) -> bool {
        self.shape.len() == 1
    }

    /// Whether more digits are joined to it in the way its own groups are: then it is part of something longer. A number
    /// without separators is lengthened by a dash or a dot.
    pub(crate) fn is_extended(&self, view: &View) -> bool {
        let lengthens = |joint: Separators| {
            if self.is_bare() { joint == Separators::DASH || joint == Separators::DOT } else { joint == self.inner }
        };
        let before = match (view.before(self.start, 2), view.before(self.start, 1).and_then(Separators::of)) {
            (Some(b'0'..=b'9'), Some(joint)) => joint,
            _ => Separators::NONE,
        };
        lengthens(before) || lengthens(self.next)
    }
}

/// The separators at `at` and where the digit after them stands.
fn separators(view: &View, at: usize) -> Result<Option<(Separators, usize)>, More> {
    let mut found = Separators::NONE;
    for offset in 0..=SEPARATOR_MAX {
        let Some(byte) = view.at(at + offset)? else { return Ok(None) };
        if byte.is_ascii_digit() {
            return Ok((offset > 0).then_some((found, at + offset)));
        }
        match Separators::of(byte) {
            Some(Separators::SPACE) if found != Separators::NONE => {}
            Some(one) if found == Separators::NONE || found == Separators::SPACE => found = one,
            // A bracket may stand beside another separator: `(02) 123`, `010)-123`; two dashes are a pause.
            Some(one) if found == Separators::OTHER || one == Separators::OTHER => found = Separators::OTHER,
            _ => return Ok(None),
        }
    }
    Ok(None)
}
