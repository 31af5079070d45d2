//! Numbers, shares and times in the reader's form (Unicode CLDR, through ICU4X).

use std::time::Duration;

use icu_calendar::{Date, Iso};
use icu_datetime::{DateTimeFormatter, fieldsets::YMDT};
use icu_decimal::{DecimalFormatter, input::Decimal};
use icu_locale_core::Locale;
use icu_time::{DateTime, Time};
use jiff::{Timestamp, tz::TimeZone};

use super::Language;

const MICROS: u64 = 1_000_000;
const MINUTE: u64 = 60 * MICROS;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

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
    static TIMES: std::cell::RefCell<Vec<(Language, DateTimeFormatter<YMDT>)>> = const { std::cell::RefCell::new(Vec::new()) };
}

impl Language {
    fn locale(self) -> Locale {
        self.tag().parse().unwrap_or(Locale::UNKNOWN)
    }

    /// For times: English is read by more than Americans, and day, month, year are in no doubt in this form.
    fn locale_of_times(self) -> Locale {
        let tag = if matches!(self, Self::English) { "en-GB" } else { self.tag() };
        tag.parse().unwrap_or(Locale::UNKNOWN)
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

    /// How long something took, in the unit that suits it; from a minute on with the next smaller one beside it.
    pub(crate) fn span(self, span: Duration) -> String {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let seconds = micros.saturating_add(MICROS / 2) / MICROS;
        let tenths =
            |tenths: u64| if tenths.is_multiple_of(10) { self.number(tenths / 10) } else { self.tenths(tenths) };
        let with = |unit: &str, value: &str| self.text_with(&format!("span-{unit}"), &[("value", value)]);
        let whole = |unit: &str, value: u64| with(unit, &self.number(value));
        let two = |large: String, small: u64, unit: &str| {
            if small == 0 { large } else { format!("{large} {}", whole(unit, small)) }
        };
        match micros {
            0..10_000 => with("ms", &tenths(micros / 100)),
            10_000..MICROS => whole("ms", micros / 1000),
            MICROS..MINUTE => with("s", &tenths(micros / (MICROS / 10))),
            MINUTE..HOUR => two(whole("min", seconds / 60), seconds % 60, "s"),
            HOUR..DAY => two(whole("h", seconds / 3600), seconds % 3600 / 60, "min"),
            _ => two(self.counted("span-days", seconds / 86_400), seconds % 86_400 / 3600, "h"),
        }
    }

    /// Money as entries hold it (`1250 KRW`: whole units of the smallest coin, and ISO 4217), in the reader's form.
    pub(crate) fn money(self, written: &str) -> String {
        let read = written.split_once(' ').and_then(|(amount, currency)| Some((amount.parse::<u64>().ok()?, currency)));
        let Some((amount, currency)) = read else { return written.to_owned() };
        let mut decimal = Decimal::from(amount);
        decimal.multiply_pow10(-coins(currency));
        format!("{}\u{a0}{currency}", self.decimal(&decimal))
    }

    /// A time.
    pub(crate) fn time(self, at: Timestamp) -> Written {
        let machine = format!("{at:.0}");
        let civil = at.to_zoned(TimeZone::UTC).datetime();
        let date = Date::try_new_iso(i32::from(civil.year()), civil.month().unsigned_abs(), civil.day().unsigned_abs());
        let time =
            Time::try_new(civil.hour().unsigned_abs(), civil.minute().unsigned_abs(), civil.second().unsigned_abs(), 0);
        let reader = match (date, time) {
            (Ok(date), Ok(time)) => self.date_time(&DateTime { date, time }),
            _ => None,
        };
        Written { reader: reader.map_or_else(|| machine.clone(), |reader| format!("{reader} UTC")), machine }
    }

    fn date_time(self, at: &DateTime<Iso>) -> Option<String> {
        TIMES.with_borrow_mut(|known| {
            if !known.iter().any(|(language, _)| *language == self) {
                known.push((self, DateTimeFormatter::try_new(self.locale_of_times().into(), YMDT::medium()).ok()?));
            }
            let (_, formatter) = known.iter().find(|(language, _)| *language == self)?;
            Some(formatter.format(at).to_string())
        })
    }

    /// A time that is written as RFC 3339 already.
    pub(crate) fn time_of(self, at: &str) -> Written {
        match at.parse() {
            Ok(at) => self.time(at),
            Err(_) => Written { machine: at.to_owned(), reader: at.to_owned() },
        }
    }
}

/// How many digits of an amount are smaller than the currency's unit (ISO 4217).
fn coins(currency: &str) -> i16 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV"
        | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}
