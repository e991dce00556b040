//! Times such as "30m" and "1h30m".

use std::time::Duration;

use toml::de::DeValue;

use super::raw::Raw;
use super::value::{Value, quoted, quoted_toml};

impl Value for Duration {
    fn read(raw: Raw<'_>) -> Option<Self> {
        match raw.value.get_ref() {
            DeValue::String(text) => match duration(text) {
                Some(duration) => Some(duration),
                None => raw.wrong(
                    format!("`{}` is a time such as \"30m\", not {}", raw.key, quoted(text)),
                    "a number and a unit: ms, s, m, h, d, w; \"1h30m\" is possible",
                ),
            },
            DeValue::Integer(number) => {
                raw.mismatch("a time such as \"30m\"", format!("write \"{number}m\" for minutes"))
            }
            _ => raw.mismatch("a time such as \"30m\"", ""),
        }
    }

    fn show(&self) -> String {
        let millis = self.as_millis();
        let (size, unit) =
            UNITS.iter().rev().find(|(size, _)| millis.is_multiple_of(u128::from(*size))).unwrap_or(&UNITS[0]);
        if millis == 0 { quoted_toml("0s") } else { format!("\"{}{unit}\"", millis / u128::from(*size)) }
    }
}

/// Units of time by their milliseconds; the shorter names of two that begin alike come later in reading order.
const UNITS: [(u64, &str); 5] = [(1, "ms"), (1000, "s"), (60_000, "m"), (3_600_000, "h"), (86_400_000, "d")];

/// Reads "90s", "1h30m", "30d"; at most ten years.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    const LONGEST_MILLIS: u64 = 10 * 366 * 86_400_000;
    let mut rest = text.trim();
    let mut millis = 0_u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |length| digits + length);
        let size = match rest[digits..unit].trim() {
            "w" => 7 * 86_400_000,
            name => UNITS.iter().find(|(_, unit)| *unit == name)?.0,
        };
        millis = millis.checked_add(number.checked_mul(size)?).filter(|&sum| sum <= LONGEST_MILLIS)?;
        rest = rest[unit..].trim_start();
    }
    (!text.trim().is_empty()).then(|| Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_shown() {
        for (text, millis, shown) in [
            ("500ms", 500, "500ms"),
            ("90s", 90_000, "90s"),
            ("120s", 120_000, "2m"),
            ("1h30m", 5_400_000, "90m"),
            ("1h 30m", 5_400_000, "90m"),
            ("2w", 14 * 86_400_000, "14d"),
            ("0s", 0, "0s"),
        ] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
            assert_eq!(Duration::from_millis(millis).show(), quoted_toml(shown));
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", " ", "5", "m", "-5m", "5 fortnights", "1.5h", "5m3", "99999999999999999999s", "4000d"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
