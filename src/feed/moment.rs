//! Times in the rows of a store: a number, nanoseconds since 1970, which is read many times faster than RFC 3339. That reads,
//! too: rows of before have it, and years that no such number reaches.

use std::fmt;

use chrono::DateTime;
use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

use super::Time;

pub(crate) fn serialize<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
    match time.timestamp_nanos_opt() {
        Some(nanos) => serializer.serialize_i64(nanos),
        None => serializer.collect_str(&time.format("%+")),
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    deserializer.deserialize_any(Moment)
}

/// The same for a time that may be missing.
pub(crate) mod option {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Time;

    pub(crate) fn serialize<S: Serializer>(time: &Option<Time>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => super::serialize(time, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
        #[derive(Deserialize)]
        struct Known(#[serde(with = "super")] Time);

        Ok(Option::<Known>::deserialize(deserializer)?.map(|Known(time)| time))
    }
}

struct Moment;

impl Visitor<'_> for Moment {
    type Value = Time;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nanoseconds since 1970 or an RFC 3339 time")
    }

    fn visit_i64<E: Error>(self, nanos: i64) -> Result<Time, E> {
        Ok(DateTime::from_timestamp_nanos(nanos))
    }

    fn visit_u64<E: Error>(self, nanos: u64) -> Result<Time, E> {
        i64::try_from(nanos).map_err(E::custom).and_then(|nanos| self.visit_i64(nanos))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Time, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Row {
        #[serde(with = "super")]
        at: Time,
        #[serde(default, with = "super::option")]
        or: Option<Time>,
    }

    #[test]
    fn it_is_a_number_and_reads_what_was_written_before() {
        let row: Row = serde_json::from_str(r#"{"at":"2026-11-02T07:00:00.5Z","or":"1970-01-01T00:00:00Z"}"#).unwrap();
        assert_eq!(serde_json::to_string(&row).unwrap(), r#"{"at":1793602800500000000,"or":0}"#);
        let row: Row = serde_json::from_str(r#"{"at":-1,"or":null}"#).unwrap();
        assert_eq!(serde_json::to_string(&row).unwrap(), r#"{"at":-1,"or":null}"#);
        assert_eq!(serde_json::from_str::<Row>(r#"{"at":-1}"#).unwrap(), row);
        assert!(serde_json::from_str::<Row>(r#"{"at":"noon"}"#).is_err());
    }

    proptest! {
        #[test]
        fn nothing_is_lost(seconds in -60_000_000_000_i64..250_000_000_000, nanos in 0..1_000_000_000_u32) {
            let at = DateTime::from_timestamp(seconds, nanos).unwrap();
            let row = Row { at, or: Some(at) };
            prop_assert_eq!(serde_json::from_str::<Row>(&serde_json::to_string(&row).unwrap()).unwrap(), row);
        }
    }
}
