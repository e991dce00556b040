//! Times in the rows of a store: RFC 3339, as chrono writes it. The form that it writes is read here: its reader of all forms was
//! a third of what reading a row takes.

use std::fmt;

use chrono::NaiveDate;
use serde::de::{Error, Visitor};
use serde::{Deserializer, Serialize, Serializer};

use super::Time;

pub(crate) fn serialize<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
    time.serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    deserializer.deserialize_str(Moment)
}

/// The same for a time that may be missing.
pub(crate) mod option {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Time;

    pub(crate) fn serialize<S: Serializer>(time: &Option<Time>, serializer: S) -> Result<S::Ok, S::Error> {
        time.serialize(serializer)
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
        f.write_str("an RFC 3339 time")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Time, E> {
        quickly(text.as_bytes()).map_or_else(|| text.parse().map_err(E::custom), Ok)
    }
}

/// What chrono writes of our years: `2026-11-02T07:00:00Z`, with or without a fraction.
fn quickly(text: &[u8]) -> Option<Time> {
    let (head, fraction) = text.strip_suffix(b"Z")?.split_at_checked(19)?;
    let is_sign = |at: usize, sign: u8| head[at] == sign;
    if !(is_sign(4, b'-') && is_sign(7, b'-') && is_sign(10, b'T') && is_sign(13, b':') && is_sign(16, b':')) {
        return None;
    }
    let part = |from: usize, to: usize| number(&head[from..to]);
    let date = NaiveDate::from_ymd_opt(i32::try_from(part(0, 4)?).ok()?, part(5, 7)?, part(8, 10)?)?;
    let nanos = match fraction.split_first() {
        None => 0,
        Some((b'.', digits @ [_, ..])) if digits.len() <= 9 => number(digits)? * 10_u32.pow(9 - digits.len() as u32),
        Some(_) => return None,
    };
    let time = date.and_hms_nano_opt(part(11, 13)?, part(14, 16)?, part(17, 19)?, nanos)?;
    Some(time.and_utc())
}

fn number(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0, |number: u32, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Row {
        #[serde(with = "super")]
        at: Time,
        #[serde(default, with = "super::option")]
        or: Option<Time>,
    }

    #[test]
    fn it_is_rfc_3339() {
        for json in [
            r#"{"at":"2026-11-02T07:00:00.500Z","or":"1970-01-01T00:00:00Z"}"#,
            r#"{"at":"-0044-03-15T12:00:00Z","or":null}"#,
            r#"{"at":"+20260-11-02T07:00:00.000000001Z","or":null}"#,
            r#"{"at":"2016-12-31T23:59:60Z","or":null}"#,
        ] {
            let row: Row = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&row).unwrap(), json);
        }
        let row: Row = serde_json::from_str(r#"{"at":"2026-11-02T08:00:00+01:00"}"#).unwrap();
        assert_eq!(serde_json::to_string(&row).unwrap(), r#"{"at":"2026-11-02T07:00:00Z","or":null}"#);
        for bad in
            ["noon", "2026-11-02T07:00:00", "2026-13-02T07:00:00Z", "2026-11-02T07:00:00.Z", "2026-11-02T+7:00:00Z"]
        {
            assert!(serde_json::from_str::<Row>(&format!(r#"{{"at":"{bad}"}}"#)).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost(seconds in -60_000_000_000_i64..250_000_000_000, nanos in 0..1_000_000_000_u32) {
            let at = DateTime::from_timestamp(seconds, nanos).unwrap();
            let row = Row { at, or: Some(at) };
            prop_assert_eq!(serde_json::from_str::<Row>(&serde_json::to_string(&row).unwrap()).unwrap(), row);
        }

        #[test]
        fn what_is_read_quickly_chrono_reads_the_same(text in "[12]\\d{3}-[01]\\d-[0-3]\\d[T ][0-2]\\d:[0-6]\\d:[0-6]\\d(\\.\\d{0,10})?Z?") {
            if let Some(time) = quickly(text.as_bytes()) {
                prop_assert_eq!(text.parse::<Time>().ok(), Some(time));
            }
        }
    }
}
