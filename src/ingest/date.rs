//! Dates as feeds write them: RFC 3339 and its cut-down forms, RFC 822 and its many misreadings, asctime, US style.
//!
//! What is not said is taken as the start of the day, month or year, in UTC; what contradicts itself (a wrong weekday) is
//! not looked at.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use crate::feed::Time;

/// Reads a date; `None` when it cannot be told.
pub(super) fn parse(text: &str) -> Option<Time> {
    let text = text.trim();
    if text.len() > 128 {
        return None;
    }
    // The two forms that nearly all have. A zone's name is not left to chrono, which takes those that it does not know for UTC.
    let has_offset = text.ends_with("GMT") || text.ends_with("00");
    let strict = DateTime::parse_from_rfc3339(text);
    let strict = strict.or_else(|error| if has_offset { DateTime::parse_from_rfc2822(text) } else { Err(error) });
    if let Ok(date) = strict {
        return Some(date.with_timezone(&Utc));
    }
    let dense: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (date, clock) = iso(&dense).or_else(|| words(&dense))?;
    date.and_hms_opt(0, 0, 0)?.and_utc().checked_add_signed(TimeDelta::seconds(clock.seconds - clock.offset))
}

/// The time of a day, and how far its zone is ahead of UTC; both in seconds.
#[derive(Debug, Default, Clone, Copy)]
struct Clock {
    seconds: i64,
    offset: i64,
}

/// A day that need not exist: writers' programs count on, the 31st of June is the 1st of July.
fn day(year: u32, month: u32, day: u32) -> Option<NaiveDate> {
    let first = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, 1)?;
    (1..=31).contains(&day).then(|| first.checked_add_days(Days::new(u64::from(day) - 1)))?
}

/// `2003`, `2003-12`, `2003-12-31`, `20031231`, `2003-365`, `2003/12/31`, each with or without a time behind.
fn iso(text: &str) -> Option<(NaiveDate, Clock)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let year = text.get(..4).filter(|year| digits(year) == 4)?.parse().ok()?;
    let rest = &text[4..];
    if digits(rest) >= 4 {
        let date = day(year, rest[..2].parse().ok()?, rest[2..4].parse().ok()?)?;
        return Some((date, clock(&rest[4..])?));
    }
    let Some(rest) = rest.strip_prefix(['-', '/', '.']) else {
        return rest.is_empty().then_some((day(year, 1, 1)?, Clock::default()));
    };
    let length = digits(rest);
    let number: u32 = rest[..length].parse().ok()?;
    if length == 3 {
        let date = day(year, 1, 1)?.checked_add_days(Days::new(u64::from(number.checked_sub(1)?)))?;
        return Some((date, clock(&rest[3..])?));
    }
    let Some(rest) = rest[length..].strip_prefix(['-', '/', '.']) else {
        return Some((day(year, number, 1)?, clock(&rest[length..])?));
    };
    let length = digits(rest);
    Some((day(year, number, rest[..length].parse().ok()?)?, clock(&rest[length..])?))
}

/// What stands behind an ISO date: `T19:20:30.45+01:00`, ` 19:20 UTC`, ` T 01:55Z`, nothing.
fn clock(text: &str) -> Option<Clock> {
    let text = text.trim_start().trim_start_matches(['T', 't']).trim_start();
    if text.is_empty() || !text.starts_with(|c: char| c.is_ascii_digit()) {
        return Some(Clock { seconds: 0, offset: zone(text).unwrap_or(0) });
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.' | ',')).unwrap_or(text.len());
    let rest = text[end..].trim();
    let (half, rest) = match rest.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("am") => (Some(false), rest[2..].trim()),
        Some("pm") => (Some(true), rest[2..].trim()),
        _ => (None, rest),
    };
    Some(Clock { seconds: time(&text[..end], half)?, offset: zone(rest).unwrap_or(0) })
}

/// `19`, `19:20`, `19:20:30`, `19:20:30.45`, `192030`, `1920`; `half` is whether it is after noon on a clock of twelve hours.
fn time(text: &str, half: Option<bool>) -> Option<i64> {
    let whole = text.split(['.', ',']).next()?;
    let spread = match (whole.contains(':'), whole.len()) {
        (false, 4) => format!("{}:{}", &whole[..2], &whole[2..]),
        (false, 6) => format!("{}:{}:{}", &whole[..2], &whole[2..4], &whole[4..]),
        _ => whole.to_owned(),
    };
    let mut parts = spread.split(':').filter(|part| !part.is_empty()).map(str::parse::<i64>);
    let hour = parts.next()?.ok()?;
    let minute = parts.next().and_then(Result::ok).unwrap_or(0);
    let second = parts.next().and_then(Result::ok).unwrap_or(0);
    let hour = match half {
        Some(is_afternoon) => hour % 12 + if is_afternoon { 12 } else { 0 },
        None => hour,
    };
    // 24:00 is the end of a day, 60 a leap second.
    (hour <= 24 && minute < 60 && second <= 60).then_some(hour * 3_600 + minute * 60 + second)
}

/// How far a zone is ahead of UTC, seconds: `+0100`, `-5:30`, `Z`, `PDT`, `GMT+2`.
fn zone(text: &str) -> Option<i64> {
    let text = text.trim().trim_start_matches(['(', '"']).trim_end_matches([')', '"', '.']);
    if let Some(rest) = text.strip_prefix(['+', '-', '\u{2212}']) {
        let digits: String = rest.chars().filter(char::is_ascii_digit).take(4).collect();
        let (hours, minutes) = digits.split_at_checked(if digits.len().is_multiple_of(2) { 2 } else { 1 })?;
        let seconds = hours.parse::<i64>().ok()? * 3_600 + minutes.parse().unwrap_or(0) * 60;
        return Some(if text.starts_with('+') { seconds } else { -seconds });
    }
    let name = text.split(|c: char| !c.is_ascii_alphabetic()).next()?.to_ascii_uppercase();
    let hours = match name.as_str() {
        "Z" | "UT" | "UTC" | "GMT" if name.len() < text.len() => return zone(&text[name.len()..]).or(Some(0)),
        "Z" | "UT" | "UTC" | "GMT" | "WET" => 0,
        "EST" | "ET" | "CDT" => -5,
        "EDT" | "AST" | "AT" => -4,
        "ADT" => -3,
        "CST" | "CT" | "MDT" => -6,
        "MST" | "MT" | "PDT" => -7,
        "PST" | "PT" | "AKDT" => -8,
        "AKST" => -9,
        "HST" => -10,
        "BST" | "CET" | "MET" | "MEZ" | "WEST" => 1,
        "CEST" | "MEST" | "MESZ" | "EET" | "SAST" => 2,
        "EEST" | "MSK" => 3,
        "SGT" | "HKT" | "AWST" => 8,
        "JST" | "KST" => 9,
        "AEST" => 10,
        "AEDT" => 11,
        "NZST" => 12,
        "NZDT" => 13,
        _ => return None,
    };
    Some(hours * 3_600)
}

/// `Tue, 10 Jun 2003 04:00:00 GMT`, `Jun 10, 2003 4:00 PM`, `Tue Jun 10 04:00:00 PDT 2003`, `10-Jun-03`, `6/10/2003 4:00:00 AM`.
fn words(text: &str) -> Option<(NaiveDate, Clock)> {
    let (mut date_day, mut month, mut year, mut time_text, mut half, mut offset) = (None, None, None, None, None, None);
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        if let Some(at) =
            word.find(':').filter(|_| word.starts_with(|c: char| c.is_ascii_digit()) && time_text.is_none())
        {
            let end = word[at..]
                .find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.'))
                .map_or(word.len(), |end| at + end);
            time_text = Some(&word[..end]);
            match word[end..].to_ascii_lowercase().as_str() {
                "am" => half = Some(false),
                "pm" => half = Some(true),
                _ => offset = zone(&word[end..]),
            }
        } else if let Some(found) = zone(word).filter(|_| time_text.is_some()) {
            offset = offset.or(Some(found));
        } else if word.eq_ignore_ascii_case("am") || word.eq_ignore_ascii_case("pm") {
            half = Some(word.eq_ignore_ascii_case("pm"));
        } else {
            numbers(word, &mut date_day, &mut month, &mut year);
        }
    }
    let year: u32 = match year? {
        year @ 0..50 => 2_000 + year,
        year @ 50..100 => 1_900 + year,
        year => year,
    };
    let seconds = time_text.map_or(Some(0), |text| time(text, half))?;
    Some((day(year, month?, date_day.unwrap_or(1))?, Clock { seconds, offset: offset.unwrap_or(0) }))
}

/// Takes day, month and year out of a word like `10`, `10th`, `Jun`, `10-Jun-03`, `6/10/2003`.
fn numbers(word: &str, day: &mut Option<u32>, month: &mut Option<u32>, year: &mut Option<u32>) {
    let parts: Vec<&str> = word.split(['-', '/', '.']).filter(|part| !part.is_empty()).collect();
    // US style has the month in front; a first number beyond 12 can only be a day.
    let is_month_first =
        parts.len() == 3 && word.contains('/') && parts[0].parse::<u32>().is_ok_and(|first| first <= 12);
    for (at, part) in parts.iter().enumerate() {
        let digits = &part[..part.bytes().take_while(u8::is_ascii_digit).count()];
        match digits.parse::<u32>() {
            Ok(number) if is_month_first && at == 0 => *month = Some(number),
            Ok(number) if digits.len() <= 2 && day.is_none() => *day = Some(number),
            Ok(number) if parts.len() == 3 && at == 1 && month.is_none() => *month = Some(number),
            Ok(number) => *year = year.or(Some(number)),
            Err(_) => *month = month.or_else(|| month_of(part)),
        }
    }
}

/// English months, long or short.
fn month_of(word: &str) -> Option<u32> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let start = word.get(..3)?.to_ascii_lowercase();
    MONTHS.iter().zip(1..).find(|(month, _)| **month == start).map(|(_, number)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_the_forms_that_feeds_have() {
        let cases = [
            ("2003-12-31T10:14:55Z", "2003-12-31T10:14:55Z"),
            ("2003-12-31T10:14:55.25+02:00", "2003-12-31T08:14:55.250Z"),
            ("2003-12-31T10:14:55+0200", "2003-12-31T08:14:55Z"),
            ("2003-12-31 10:14 -05:00", "2003-12-31T15:14:00Z"),
            ("2003-12-31 T 10:14:55-05:00", "2003-12-31T15:14:55Z"),
            ("20031231T101455Z", "2003-12-31T10:14:55Z"),
            ("2003-12-31", "2003-12-31T00:00:00Z"),
            ("2003-365", "2003-12-31T00:00:00Z"),
            ("2003-12", "2003-12-01T00:00:00Z"),
            ("2003", "2003-01-01T00:00:00Z"),
            ("2003-06-31T15:51:30-0500", "2003-07-01T20:51:30Z"),
            ("2003/12/31 10:14:55", "2003-12-31T10:14:55Z"),
            ("Tue, 10 Jun 2003 04:00:00 GMT", "2003-06-10T04:00:00Z"),
            ("Mon, 10 Jun 2003 04:00:00 GMT", "2003-06-10T04:00:00Z"),
            ("Tuesday, 10 June 2003 4:00 PM EST", "2003-06-10T21:00:00Z"),
            ("  10   Jun 03 04:00 +0200 ", "2003-06-10T02:00:00Z"),
            ("Tue, 10 Jun 2003 04:00:00 CEST", "2003-06-10T02:00:00Z"),
            ("Tue, 10 Jun 2003 04:00:00 GMT+0200", "2003-06-10T02:00:00Z"),
            ("Tue, 10 Jun 2003 24:00:00 GMT", "2003-06-11T00:00:00Z"),
            ("Tue Jun 10 04:00:00 PDT 2003", "2003-06-10T11:00:00Z"),
            ("Jun 10, 2003", "2003-06-10T00:00:00Z"),
            ("10-Jun-2003 04:00", "2003-06-10T04:00:00Z"),
            ("6/10/2003 4:00:00 AM", "2003-06-10T04:00:00Z"),
            ("16/10/2003", "2003-10-16T00:00:00Z"),
        ];
        for (text, expected) in cases {
            let read = parse(text).map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true));
            assert_eq!(read.as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "yesterday",
            "0",
            "12",
            "2003-13-01",
            "Tue, 45 Jun 2003",
            "2003-06-10T99:00Z",
            "1,2,3",
            "é",
            "20é31231",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
