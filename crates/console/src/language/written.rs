//! Numbers, shares and times in the reader's form (Unicode CLDR, through ICU4X).

use std::time::Duration;

use icu_calendar::Date;
use icu_datetime::{DateTimeFormatter, fieldsets::YMDT};
use icu_decimal::{DecimalFormatter, input::Decimal};
use icu_locale_core::Locale;
use icu_time::{DateTime, Time};
use jiff::{Timestamp, tz::TimeZone};

use super::Language;

/// A time for a page: for machines, and for readers (in UTC, until the reader's browser puts it into their own zone).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// RFC 3339, UTC.
    pub(crate) machine: String,
    /// In the reader's form.
    pub(crate) reader: String,
}

thread_local! {
    // Reading a locale's data takes microseconds each time; a page has hundreds of figures.
    static NUMBERS: std::cell::RefCell<Vec<(Language, DecimalFormatter)>> = const { std::cell::RefCell::new(Vec::new()) };
}

impl Language {
    fn locale(self) -> Locale {
        self.tag().parse().unwrap_or(Locale::UNKNOWN)
    }

    fn decimal(self, decimal: &Decimal) -> String {
        NUMBERS.with_borrow_mut(|known| {
            if let Some((_, formatter)) = known.iter().find(|(language, _)| *language == self) {
                return formatter.format(decimal).to_string();
            }
            let Ok(formatter) = DecimalFormatter::try_new(
                self.locale().into(),
                icu_decimal::options::DecimalFormatterOptions::default(),
            ) else {
                return decimal.to_string();
            };
            let text = formatter.format(decimal).to_string();
            known.push((self, formatter));
            text
        })
    }

    /// A number, with its thousands grouped as this language does.
    pub(crate) fn number(self, number: u64) -> String {
        self.decimal(&Decimal::from(number))
    }

    /// A number of tenths: `1234` is `123.4`.
    pub(crate) fn tenths(self, tenths: u64) -> String {
        let mut decimal = Decimal::from(tenths);
        decimal.multiply_pow10(-1);
        self.decimal(&decimal)
    }

    /// A size in bytes, in the unit that suits it: powers of ten, as disks are sold.
    pub(crate) fn size(self, bytes: u64) -> String {
        let (number, power) = match bytes {
            0..1_000 => (self.number(bytes), ""),
            1_000..1_000_000 => (self.number(bytes / 1_000), "k"),
            1_000_000..1_000_000_000 => (self.number(bytes / 1_000_000), "M"),
            _ => (self.tenths(bytes / 100_000_000), "G"),
        };
        // French counts in octets.
        let unit = if matches!(self, Self::French) { "o" } else { "B" };
        format!("{number}\u{a0}{power}{unit}")
    }

    /// A share, to a tenth of a hundredth; nothing of nothing is a dash.
    pub(crate) fn share(self, part: u64, whole: u64) -> String {
        let Some(permille) = u128::from(part).saturating_mul(1000).checked_div(u128::from(whole)) else {
            return "–".to_owned();
        };
        // French sets a narrow space before the sign (CLDR).
        let gap = if matches!(self, Self::French) { "\u{202f}" } else { "" };
        format!("{}{gap}%", self.tenths(u64::try_from(permille).unwrap_or(u64::MAX)))
    }

    /// How long something took or lasts, in the unit that suits it; a whole number of minutes, hours or days without tenths.
    pub(crate) fn span(self, span: Duration) -> String {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        match micros {
            0..10_000 => format!("{} ms", self.tenths(micros / 100)),
            10_000..1_000_000 => format!("{} ms", self.number(micros / 1000)),
            1_000_000..60_000_000 => format!("{} s", self.tenths(micros / 100_000)),
            60_000_000..3_600_000_000 => format!("{} min", self.shortest(micros / 6_000_000)),
            3_600_000_000..172_800_000_000 => format!("{} h", self.shortest(micros / 360_000_000)),
            _ => format!("{} d", self.shortest(micros / 8_640_000_000)),
        }
    }

    /// Tenths, where there are any.
    fn shortest(self, tenths: u64) -> String {
        if tenths.is_multiple_of(10) { self.number(tenths / 10) } else { self.tenths(tenths) }
    }

    /// A time.
    pub(crate) fn time(self, at: Timestamp) -> Written {
        let machine = format!("{at:.0}");
        let civil = at.to_zoned(TimeZone::UTC).datetime();
        let date = Date::try_new_iso(i32::from(civil.year()), civil.month().unsigned_abs(), civil.day().unsigned_abs());
        let time =
            Time::try_new(civil.hour().unsigned_abs(), civil.minute().unsigned_abs(), civil.second().unsigned_abs(), 0);
        let formatter = DateTimeFormatter::try_new(self.locale().into(), YMDT::medium());
        let reader = match (date, time, formatter) {
            (Ok(date), Ok(time), Ok(formatter)) => format!("{} UTC", formatter.format(&DateTime { date, time })),
            _ => machine.clone(),
        };
        Written { machine, reader }
    }

    /// A time that is written as RFC 3339 already.
    pub(crate) fn time_of(self, at: &str) -> Written {
        match at.parse() {
            Ok(at) => self.time(at),
            Err(_) => Written { machine: at.to_owned(), reader: at.to_owned() },
        }
    }
}
