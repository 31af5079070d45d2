//! Readers for numbers, lists, strings and maps that have a limit, so that each limit stands at its field.
//! It does not know the fields. `null` is the same as absent, here as everywhere.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// A whole number from `MIN` to `MAX`. `1.0` is one too, as in JSON Schema.
pub(crate) fn whole<'de, D, T, const MIN: i64, const MAX: i64>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64>,
{
    let value = deserializer.deserialize_option(Whole { min: MIN, max: MAX })?;
    // The bounds at the fields lie within the fields' types, so nothing is lost.
    Ok(value.and_then(|value| T::try_from(value).ok()))
}

/// A number from `MIN` to `MAX`.
pub(crate) fn real<'de, D, const MIN: i32, const MAX: i32>(deserializer: D) -> Result<Option<f64>, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer.deserialize_option(Real { min: MIN.into(), max: MAX.into() })
}

/// An array of at most `MAX` items.
pub(crate) fn list<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(deserializer.deserialize_option(List::<T> { max: MAX, item: PhantomData })?.unwrap_or_default())
}

/// A string of at most `MAX` characters.
pub(crate) fn text<'de, D, const MAX: usize>(deserializer: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    match Option::<String>::deserialize(deserializer)? {
        Some(text) if text.chars().nth(MAX).is_some() => {
            Err(D::Error::invalid_length(text.chars().count(), &format!("at most {MAX} characters").as_str()))
        }
        given => Ok(given),
    }
}

/// An array or a single item of it.
pub(crate) struct List<T> {
    pub(crate) max: usize,
    pub(crate) item: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
    type Value = Option<Vec<T>>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "an array of at most {} items", self.max)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            if items.len() == self.max {
                return Err(A::Error::invalid_length(items.len() + 1, &self));
            }
            items.push(item);
        }
        Ok(Some(items))
    }
}

struct Whole {
    min: i64,
    max: i64,
}

impl Whole {
    fn check<E: Error>(&self, value: Option<i64>, given: Unexpected<'_>) -> Result<Option<i64>, E> {
        match value.filter(|value| (self.min..=self.max).contains(value)) {
            Some(value) => Ok(Some(value)),
            None => Err(E::invalid_value(given, self)),
        }
    }
}

impl<'de> Visitor<'de> for Whole {
    type Value = Option<i64>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "an integer from {} to {}", self.min, self.max)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        self.check(i64::try_from(value).ok(), Unexpected::Unsigned(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        self.check(Some(value), Unexpected::Signed(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        /// The largest power of two up to which every whole number is a float of its own.
        const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
        let whole = value.fract() == 0.0 && value.abs() <= EXACT_MAX;
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and within 2^53")]
        self.check(whole.then_some(value as i64), Unexpected::Float(value))
    }
}

struct Real {
    min: f64,
    max: f64,
}

impl Real {
    fn check<E: Error>(&self, value: f64, given: Unexpected<'_>) -> Result<Option<f64>, E> {
        if (self.min..=self.max).contains(&value) { Ok(Some(value)) } else { Err(E::invalid_value(given, self)) }
    }
}

impl<'de> Visitor<'de> for Real {
    type Value = Option<f64>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a number from {} to {}", self.min, self.max)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    #[expect(clippy::cast_precision_loss, reason = "only small numbers pass the check")]
    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        self.check(value as f64, Unexpected::Unsigned(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "only small numbers pass the check")]
    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        self.check(value as f64, Unexpected::Signed(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        self.check(value, Unexpected::Float(value))
    }
}

/// The members of an object, in the order given.
pub(crate) struct Pairs<K, V> {
    pub(crate) max: usize,
    pub(crate) pair: PhantomData<(K, V)>,
}

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for Pairs<K, V> {
    type Value = Vec<(K, V)>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "an object of at most {} members", self.max)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = access.next_entry()? {
            if pairs.len() == self.max {
                return Err(A::Error::invalid_length(pairs.len() + 1, &self));
            }
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

/// Writes pairs as the members of an object.
pub(crate) fn write_pairs<S, K, V>(pairs: &[(K, V)], serializer: S) -> Result<S::Ok, S::Error>
where
    S: serde::Serializer,
    K: serde::Serialize,
    V: serde::Serialize,
{
    serializer.collect_map(pairs.iter().map(|(key, value)| (key, value)))
}
