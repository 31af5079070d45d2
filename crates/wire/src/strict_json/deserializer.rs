//! Joins the reader to serde, so that the requests' types are plain derives. Costs nothing for paths until something
//! is wrong: each level adds its own step to a fault that passes through it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::de::value::{BorrowedStrDeserializer, CowStrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::fault::{Fault, Step, Syntax};
use super::reader::{Number, Reader};

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.count()?;
        match self.peek() {
            Some(b'{') => self.object(visitor, Some(BTreeSet::new())),
            Some(b'[') => self.array(visitor),
            Some(b'"') => match self.string()? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Some(b't') => self.word("true").and_then(|()| visitor.visit_bool(true)),
            Some(b'f') => self.word("false").and_then(|()| visitor.visit_bool(false)),
            Some(b'n') => self.word("null").and_then(|()| visitor.visit_unit()),
            Some(b'-' | b'0'..=b'9') => match self.number()? {
                Number::Unsigned(value) => visitor.visit_u64(value),
                Number::Signed(value) => visitor.visit_i64(value),
                Number::Float(value) => visitor.visit_f64(value),
            },
            Some(_) => Err(self.fault(Syntax::ValueExpected)),
            None => Err(self.fault(Syntax::Unfinished)),
        }
    }

    /// `null` is the same as absent.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.peek() {
            Some(b'n') => self.word("null").and_then(|()| visitor.visit_none()),
            _ => visitor.visit_some(self),
        }
    }

    /// An object only: serde's derive would also take an array, by position. It refuses a key given twice itself.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.peek() {
            Some(b'{') => {
                self.count()?;
                self.object(visitor, None)
            }
            _ => self.deserialize_any(Not("an object")).map(|never| match never {}),
        }
    }

    /// One of a set of words.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.peek() {
            Some(b'"') => {
                self.count()?;
                let word = self.string()?;
                visitor.visit_enum(CowStrDeserializer::new(word))
            }
            _ => self.deserialize_any(Not("a string")).map(|never| match never {}),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

impl<'de> Reader<'de> {
    /// `seen` collects the keys of an object whose visitor does not refuse duplicates.
    fn object<V: Visitor<'de>>(
        &mut self,
        visitor: V,
        seen: Option<BTreeSet<Cow<'de, str>>>,
    ) -> Result<V::Value, Fault> {
        let begin = self.position();
        self.descend()?;
        let mut members = Members { reader: self, first: true, key: Cow::Borrowed(""), seen };
        let value = visitor.visit_map(&mut members);
        let key_at = members.reader.key_position();
        value.map_err(|fault| if fault.is_about_a_key() { fault.locate(key_at) } else { fault.locate(begin) })
    }

    fn array<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
        let begin = self.position();
        self.descend()?;
        visitor.visit_seq(Items { reader: self, index: 0 }).map_err(|fault| fault.locate(begin))
    }
}

/// The members of an object, one after the other.
struct Members<'reader, 'de> {
    reader: &'reader mut Reader<'de>,
    first: bool,
    key: Cow<'de, str>,
    seen: Option<BTreeSet<Cow<'de, str>>>,
}

impl<'de> MapAccess<'de> for &mut Members<'_, 'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        match self.reader.peek() {
            Some(b'}') => {
                self.reader.ascend();
                return Ok(None);
            }
            Some(b',') if !self.first => self.reader.take(),
            Some(_) if self.first => {}
            Some(_) => return Err(self.reader.fault(Syntax::CommaExpected)),
            None => return Err(self.reader.fault(Syntax::Unfinished)),
        }
        self.first = false;
        self.key = self.reader.key()?;
        let key_at = self.reader.key_position();
        if self.seen.as_mut().is_some_and(|seen| !seen.insert(self.key.clone())) {
            return Err(Fault::duplicate(&self.key).locate(key_at));
        }
        let value = match &self.key {
            Cow::Borrowed(key) => seed.deserialize(BorrowedStrDeserializer::new(key)),
            Cow::Owned(key) => seed.deserialize(CowStrDeserializer::new(Cow::Borrowed(key))),
        };
        value.map(Some).map_err(|fault: Fault| fault.locate(key_at))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        self.reader.peek();
        let begin = self.reader.position();
        seed.deserialize(&mut *self.reader)
            .map_err(|fault| fault.locate(begin).under(Step::Key(self.key.clone().into_owned())))
    }
}

/// The items of an array, one after the other.
struct Items<'reader, 'de> {
    reader: &'reader mut Reader<'de>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        match self.reader.peek() {
            Some(b']') => {
                self.reader.ascend();
                return Ok(None);
            }
            Some(b',') if self.index > 0 => self.reader.take(),
            Some(_) if self.index == 0 => {}
            Some(_) => return Err(self.reader.fault(Syntax::CommaExpected)),
            None => return Err(self.reader.fault(Syntax::Unfinished)),
        }
        self.reader.peek();
        let begin = self.reader.position();
        let index = self.index;
        self.index += 1;
        let item = seed.deserialize(&mut *self.reader);
        item.map(Some).map_err(|fault| fault.locate(begin).under(Step::Index(index)))
    }
}

/// Accepts nothing, and says what was wanted instead of what is there.
struct Not(&'static str);

enum Never {}

impl Visitor<'_> for Not {
    type Value = Never;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.0)
    }
}
