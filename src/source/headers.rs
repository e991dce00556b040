//! Pure: what the headers of an answer mean for polling.

use std::time::Duration;

use crate::feed::Time;

/// A date of HTTP (RFC 9110 §5.6.7), in any of its three forms.
pub fn date(text: &str) -> Option<Time> {
    httpdate::parse_http_date(text.trim()).ok().map(Time::from)
}

/// For how long an answer stays fresh (RFC 9111 §4.2): `max-age`, else `Expires` less `Date`; less `Age`.
///
/// `None` when nothing is said, or that it must not be kept.
pub fn freshness(cache_control: &str, expires: Option<&str>, date: Time, age: Option<&str>) -> Option<Duration> {
    let directives: Vec<_> = cache_control.split(',').map(|part| part.trim().to_ascii_lowercase()).collect();
    let is_said = |name: &str| directives.iter().any(|said| said.split('=').next() == Some(name));
    if is_said("no-cache") || is_said("no-store") {
        return None;
    }
    let max_age = directives.iter().find_map(|said| said.strip_prefix("max-age="));
    let lifetime = match max_age {
        Some(seconds) => Duration::from_secs(seconds.trim_matches('"').parse().ok()?),
        None => (self::date(expires?)? - date).to_std().ok()?,
    };
    let age = Duration::from_secs(age.and_then(|age| age.trim().parse().ok()).unwrap_or(0));
    lifetime.checked_sub(age).filter(|left| !left.is_zero())
}

/// `Retry-After` (RFC 9110 §10.2.3), seconds or a date, as time from now.
pub fn retry_after(text: &str, now: Time) -> Option<Duration> {
    let text = text.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        // A number beyond u64 is meant for ever.
        Err(_) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => Some(Duration::MAX),
        Err(_) => Some((date(text)? - now).to_std().unwrap_or(Duration::ZERO)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        date(text).unwrap()
    }

    #[test]
    fn freshness_is_max_age_or_expires_less_age() {
        let noon = "Sun, 23 Nov 2025 12:00:00 GMT";
        let one = "Sun, 23 Nov 2025 13:00:00 GMT";
        let seconds = |cache, expires, age| freshness(cache, expires, at(noon), age).map(|found| found.as_secs());
        let cases = [
            (seconds("max-age=600", None, None), Some(600)),
            (seconds("public, MAX-AGE=600, must-revalidate", None, None), Some(600)),
            (seconds("max-age=\"600\"", None, None), Some(600)),
            (seconds("max-age=600", Some(one), None), Some(600)),
            (seconds("max-age=600", None, Some("100")), Some(500)),
            (seconds("max-age=600", None, Some("700")), None),
            (seconds("s-maxage=600", None, None), None),
            (seconds("no-cache, max-age=600", None, None), None),
            (seconds("no-store", Some(one), None), None),
            (seconds("", Some(one), None), Some(3600)),
            (seconds("", Some(one), Some("600")), Some(3000)),
            (seconds("", Some("0"), None), None),
            (seconds("", Some("Sat, 22 Nov 2025 12:00:00 GMT"), None), None),
            (seconds("max-age=soon", None, None), None),
            (seconds("", None, None), None),
        ];
        for (number, (found, expected)) in cases.into_iter().enumerate() {
            assert_eq!(found, expected, "case {number}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = at("Sun, 23 Nov 2025 12:00:00 GMT");
        let cases = [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 23 Nov 2025 12:02:00 GMT", Some(120)),
            ("Sunday, 23-Nov-25 12:02:00 GMT", Some(120)),
            ("Sun, 23 Nov 2025 11:00:00 GMT", Some(0)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("soon", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(retry_after(text, now).map(|wait| wait.as_secs()), expected, "{text}");
        }
    }
}
