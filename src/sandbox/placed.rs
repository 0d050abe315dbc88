//! Conversions while a YAML file is read. An error raised inside a visitor is placed at the value itself; one raised
//! after it (as by `#[serde(try_from)]`) would be placed at whatever surrounds it.

use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde::de::value::MapAccessDeserializer;
use serde::de::value::SeqAccessDeserializer;
use std::fmt;
use std::fmt::Display;
use std::marker::PhantomData;

/// Reads a map as `F` and converts it.
pub(in crate::sandbox) fn map<'de, F, T, D>(deserializer: D) -> Result<T, D::Error>
where
    F: Deserialize<'de>,
    T: TryFrom<F, Error: Display>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_map(Placed(PhantomData::<(F, T)>))
}

/// Reads a list as `F` and converts it.
pub(in crate::sandbox) fn list<'de, F, T, D>(deserializer: D) -> Result<T, D::Error>
where
    F: Deserialize<'de>,
    T: TryFrom<F, Error: Display>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_seq(Placed(PhantomData::<(F, T)>))
}

struct Placed<F, T>(PhantomData<(F, T)>);

impl<'de, F, T> Visitor<'de> for Placed<F, T>
where
    F: Deserialize<'de>,
    T: TryFrom<F, Error: Display>,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        F::deserialize(MapAccessDeserializer::new(map))?
            .try_into()
            .map_err(A::Error::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        F::deserialize(SeqAccessDeserializer::new(list))?
            .try_into()
            .map_err(A::Error::custom)
    }
}

/// Reads a text and converts it.
pub(in crate::sandbox) fn text<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: TryFrom<String, Error: Display>,
    D: Deserializer<'de>,
{
    struct Text<T>(PhantomData<T>);

    impl<T: TryFrom<String, Error: Display>> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            text.to_owned().try_into().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Text(PhantomData))
}

/// Reads a number and converts it.
pub(in crate::sandbox) fn number<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: TryFrom<f64, Error: Display>,
    D: Deserializer<'de>,
{
    struct Number<T>(PhantomData<T>);

    impl<T: TryFrom<f64, Error: Display>> Visitor<'_> for Number<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number")
        }

        fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
            number.try_into().map_err(E::custom)
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
            self.visit_f64(number as f64)
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
            self.visit_f64(number as f64)
        }
    }

    deserializer.deserialize_f64(Number(PhantomData))
}
