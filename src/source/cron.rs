//! Cron schedules as crontab(5) means them.
//!
//! The `cron` crate counts weekdays from 1 = Sunday, asks for seconds, and wants day and weekday both to hold; crontab
//! counts from 0, has no seconds, and wants either. The translation happens here, so that a line keeps its meaning.

use std::str::FromStr;

use chrono::{DateTime, FixedOffset, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::feed::Time;

use super::schedule::Timing;

/// A schedule in a time zone.
#[derive(Debug, Clone)]
pub struct Cron {
    text: String,
    zone: Tz,
    /// One, or two when a line restricts both day and weekday: whichever comes first.
    lines: Vec<cron::Schedule>,
    /// Whether it names its hours: then each is kept once a day, whatever the clocks do.
    has_fixed_hours: bool,
}

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCron {
    /// Neither five nor six.
    #[error("a schedule has five fields (minute hour day month weekday), or six with the second first; {0:?} has {1}")]
    Fields(String, usize),
    /// A weekday that is none.
    #[error("{0:?} is no weekday: 0 to 7 (0 and 7 are Sunday) or sun to sat, as lists, ranges and steps")]
    Weekday(String),
    /// What the parser says.
    #[error("{0:?} is no cron schedule: {1}")]
    Expression(String, String),
    /// A day that no month has.
    #[error("{0:?} never comes")]
    Never(String),
    /// No such zone.
    #[error("{0:?} is no time zone; one looks like \"Europe/Berlin\"")]
    Zone(String),
}

/// Reads five fields as crontab(5) means them, six with seconds in front, or `@hourly` and its like. Without a zone the
/// system's is meant.
pub fn parse_cron(text: &str, timezone: Option<&str>) -> Result<Timing, BadCron> {
    let zone = match timezone {
        Some(name) => name.parse().map_err(|_| BadCron::Zone(name.to_owned()))?,
        None => system_zone(),
    };
    let expanded = match text.trim() {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        other => other,
    };
    let fields: Vec<_> = expanded.split_whitespace().collect();
    let (second, [minute, hour, day, month, weekday]) = match fields[..] {
        [a, b, c, d, e] => ("0", [a, b, c, d, e]),
        [second, a, b, c, d, e] => (second, [a, b, c, d, e]),
        _ => return Err(BadCron::Fields(text.to_owned(), fields.len())),
    };
    let weekdays = weekday_names(weekday)?;
    // crontab(5): "If both fields are restricted (i.e., do not contain the "*" character), the command will be run when
    // either field matches". A field that begins with * is not restricted, */2 included.
    let days = match is_restricted(day) && is_restricted(weekday) {
        true => vec![(day, "*"), ("*", weekdays.as_str())],
        false => vec![(day, weekdays.as_str())],
    };
    let line = |(day, weekdays)| {
        cron::Schedule::from_str(&format!("{second} {minute} {hour} {day} {month} {weekdays}"))
            .map_err(|error| BadCron::Expression(text.to_owned(), reason(&error.to_string())))
    };
    let lines = days.into_iter().map(line).collect::<Result<_, _>>()?;
    let schedule = Cron { text: text.trim().to_owned(), zone, lines, has_fixed_hours: is_restricted(hour) };
    // Any fixed day will do: the calendar repeats itself long before the parser's last year, 2100.
    match schedule.after(DateTime::UNIX_EPOCH) {
        Some(_) => Ok(Timing::Cron(schedule)),
        None => Err(BadCron::Never(text.to_owned())),
    }
}

impl Cron {
    /// The first tick after a time.
    ///
    /// A line that names its hours ticks once a day whatever the clocks do: in a skipped hour at the first instant after
    /// it, in a repeated one the first time only. A line for every hour follows the clock.
    pub fn after(&self, time: Time) -> Option<Time> {
        self.lines.iter().filter_map(|line| self.line_after(line, time)).min()
    }

    fn line_after(&self, line: &cron::Schedule, time: Time) -> Option<Time> {
        if !self.has_fixed_hours {
            return self.clock_tick(line, time);
        }
        // The wall's own time, as if it were UTC: no hour is missing in it and none comes twice.
        let wall = time.with_timezone(&self.zone).naive_local().and_utc();
        line.after(&wall).map(|tick| self.instant(tick.naive_utc())).find(|tick| *tick > time)
    }

    /// By the offset that holds now, unless another one holds when the tick comes.
    fn clock_tick(&self, line: &cron::Schedule, time: Time) -> Option<Time> {
        let offset = |at: Time| self.zone.offset_from_utc_datetime(&at.naive_utc()).fix();
        let ticks = |offset: FixedOffset| line.after_owned(time.with_timezone(&offset)).map(|tick| tick.to_utc());
        let tick = ticks(offset(time)).next()?;
        let then = offset(tick);
        if then == offset(time) { Some(tick) } else { ticks(then).find(|tick| offset(*tick) == then) }
    }

    fn instant(&self, wall: NaiveDateTime) -> Time {
        let minutes = (0..=24 * 60).map(|minutes| wall + TimeDelta::minutes(minutes));
        let valid = minutes.filter_map(|wall| self.zone.from_local_datetime(&wall).earliest());
        // No zone ever skipped more than a day.
        valid.map(|instant| instant.to_utc()).next().unwrap_or_else(|| wall.and_utc())
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.zone) == (&other.text, other.zone)
    }
}

impl std::fmt::Display for Cron {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.text, self.zone)
    }
}

/// The zone of the machine; UTC when it does not say.
fn system_zone() -> Tz {
    iana_time_zone::get_timezone().ok().and_then(|name| name.parse().ok()).unwrap_or(Tz::UTC)
}

fn is_restricted(field: &str) -> bool {
    !field.starts_with(['*', '?'])
}

/// A weekday field in the names that mean the same everywhere.
fn weekday_names(field: &str) -> Result<String, BadCron> {
    const NAMES: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    if matches!(field, "*" | "?") {
        return Ok("*".to_owned());
    }
    let bad = || BadCron::Weekday(field.to_owned());
    let day = |text: &str| {
        let named = NAMES.iter().position(|name| text.len() >= 3 && text.to_ascii_lowercase().starts_with(name));
        named.or_else(|| text.parse().ok().filter(|number| *number <= 7)).ok_or_else(bad)
    };
    let mut is_on = [false; 7];
    for part in field.split(',') {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let step = step.parse().ok().filter(|step| *step > 0).ok_or_else(bad)?;
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (day(first)?, day(last)?),
            None if range == "*" => (0, 6),
            None if part.contains('/') => (day(range)?, 6),
            None => (day(range)?, day(range)?),
        };
        // fri-sun and 5-0 go over the end of the week.
        let last = if last < first { last + 7 } else { last };
        (first..=last).step_by(step).for_each(|day| is_on[day % 7] = true);
    }
    let names: Vec<_> = NAMES.iter().zip(is_on).filter_map(|(name, is_on)| is_on.then_some(*name)).collect();
    Ok(names.join(","))
}

/// What the parser says below the line that it shows. It calls the largest number that is allowed the first one that is not.
fn reason(said: &str) -> String {
    let words = said.rsplit('^').next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    words.replace("less than", "at most")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cron(text: &str, zone: &str) -> Cron {
        match parse_cron(text, Some(zone)).unwrap() {
            Timing::Cron(cron) => cron,
            Timing::Every(_) => unreachable!("{text}"),
        }
    }

    fn time(text: &str) -> Time {
        text.parse().unwrap_or_else(|_| format!("{text}:00Z").parse().unwrap())
    }

    /// The first ticks after a time, as `day hour:minute` UTC.
    fn ticks(text: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let cron = cron(text, zone);
        let ticks = std::iter::successors(cron.after(time(from)), |tick| cron.after(*tick));
        ticks.take(count).map(|tick| tick.format("%a %d %H:%M").to_string()).collect()
    }

    #[test]
    fn five_fields_mean_what_crontab_means() {
        // 2025-11-23 is a Sunday.
        let from = "2025-11-23T12:00";
        for (text, expected) in [
            ("30 8 * * *", ["Mon 24 08:30", "Tue 25 08:30"]),
            ("0 8 * * 0", ["Sun 30 08:00", "Sun 07 08:00"]),
            ("0 8 * * 7", ["Sun 30 08:00", "Sun 07 08:00"]),
            ("0 8 * * 1", ["Mon 24 08:00", "Mon 01 08:00"]),
            ("0 8 * * sun", ["Sun 30 08:00", "Sun 07 08:00"]),
            ("0 8 * * Tuesday", ["Tue 25 08:00", "Tue 02 08:00"]),
            ("0 8 * * 1-5", ["Mon 24 08:00", "Tue 25 08:00"]),
            ("0 8 * * 6,0", ["Sat 29 08:00", "Sun 30 08:00"]),
            ("0 8 * * 5-7", ["Fri 28 08:00", "Sat 29 08:00"]),
            ("0 8 * * fri-sun", ["Fri 28 08:00", "Sat 29 08:00"]),
            ("0 8 * * */3", ["Wed 26 08:00", "Sat 29 08:00"]),
            ("0 8 * * 1-5/2", ["Mon 24 08:00", "Wed 26 08:00"]),
            ("0 8 1,15 jan *", ["Thu 01 08:00", "Thu 15 08:00"]),
            ("*/20 * * * *", ["Sun 23 12:20", "Sun 23 12:40"]),
            ("@hourly", ["Sun 23 13:00", "Sun 23 14:00"]),
            ("@weekly", ["Sun 30 00:00", "Sun 07 00:00"]),
            ("15 30 8 * * 1", ["Mon 24 08:30", "Mon 01 08:30"]),
        ] {
            assert_eq!(ticks(text, "UTC", from, 2), expected, "{text}");
        }
    }

    #[test]
    fn a_line_with_day_and_weekday_fires_on_either_and_one_with_a_star_on_both() {
        let from = "2025-11-23T12:00";
        assert_eq!(ticks("0 8 25 * 5", "UTC", from, 3), ["Tue 25 08:00", "Fri 28 08:00", "Fri 05 08:00"]);
        // Vixie's cron: a field that begins with a star does not count as restricted.
        assert_eq!(ticks("0 8 */2 * 1", "UTC", from, 2), ["Mon 01 08:00", "Mon 15 08:00"]);
    }

    #[test]
    fn a_schedule_is_read_in_its_zone() {
        assert_eq!(ticks("0 8 * * *", "Europe/Berlin", "2025-11-23T12:00", 1), ["Mon 24 07:00"]);
        assert_eq!(ticks("0 8 * * *", "America/New_York", "2025-11-23T12:00", 1), ["Sun 23 13:00"]);
    }

    #[test]
    fn rule_13_in_spring_a_tick_of_the_skipped_hour_comes_right_after_it() {
        // Berlin goes from 02:00 to 03:00 on 2025-03-30, which is 01:00 UTC.
        let from = "2025-03-29T12:00";
        assert_eq!(ticks("30 2 * * *", "Europe/Berlin", from, 2), ["Sun 30 01:00", "Mon 31 00:30"]);
        assert_eq!(ticks("0,15,30 2 * * *", "Europe/Berlin", from, 2), ["Sun 30 01:00", "Mon 31 00:00"]);
        assert_eq!(ticks("30 2,3 * * *", "Europe/Berlin", from, 3), ["Sun 30 01:00", "Sun 30 01:30", "Mon 31 00:30"]);
        assert_eq!(ticks("*/30 * * * *", "Europe/Berlin", "2025-03-30T00:30", 2), ["Sun 30 01:00", "Sun 30 01:30"]);
    }

    #[test]
    fn rule_13_in_autumn_a_tick_of_the_repeated_hour_comes_once() {
        // Berlin goes from 03:00 back to 02:00 on 2025-10-26, which is 01:00 UTC.
        let from = "2025-10-25T12:00";
        assert_eq!(ticks("30 2 * * *", "Europe/Berlin", from, 2), ["Sun 26 00:30", "Mon 27 01:30"]);
        // The process was started in the second of the two hours: the tick was in the first.
        assert_eq!(ticks("30 2 * * *", "Europe/Berlin", "2025-10-26T01:10", 1), ["Mon 27 01:30"]);
        // A line for every hour goes on through both.
        let quarter = ["Sun 26 00:30", "Sun 26 01:00", "Sun 26 01:30", "Sun 26 02:00"];
        assert_eq!(ticks("*/30 * * * *", "Europe/Berlin", "2025-10-26T00:00", 4), quarter);
    }

    #[test]
    fn rule_13_a_zone_that_changes_by_half_an_hour_loses_and_repeats_nothing() {
        // Lord Howe goes from 02:00 (+11) back to 01:30 (+10:30) on 2025-04-06, which is 15:00 UTC the day before.
        let expected = ["Sat 05 14:00", "Sat 05 15:30", "Sat 05 16:30"];
        assert_eq!(ticks("0 * * * *", "Australia/Lord_Howe", "2025-04-05T13:30", 3), expected);
    }

    #[test]
    fn rule_13_a_day_that_a_zone_skipped_is_made_up_for() {
        // Samoa had no 2011-12-30.
        assert_eq!(ticks("0 12 30 * *", "Pacific/Apia", "2011-12-01T00:00", 1), ["Fri 30 10:00"]);
    }

    #[test]
    fn a_text_that_is_no_schedule_is_refused_with_a_reason() {
        let refused = |text: &str| parse_cron(text, Some("UTC")).unwrap_err().to_string();
        insta::assert_snapshot!(refused("0 8 * *"), @r#"a schedule has five fields (minute hour day month weekday), or six with the second first; "0 8 * *" has 4"#);
        insta::assert_snapshot!(refused("0 8 30 2 *"), @r#""0 8 30 2 *" never comes"#);
        insta::assert_snapshot!(refused("0 8 * * 8"), @r#""8" is no weekday: 0 to 7 (0 and 7 are Sunday) or sun to sat, as lists, ranges and steps"#);
        for text in ["", "@reboot", "0 8 * * mo", "0 8 * * 1/0", "60 8 * * *", "0 25 * * *", "0 8 0 * *", "0 8 * 13 *"]
        {
            assert!(parse_cron(text, Some("UTC")).is_err(), "{text}");
        }
        for text in ["x 8 * * *", "0 8 * * 1,", "0 8 31 4 *", "0 8 L * *", "0 8 * * 5L", "0 8 * * * 2025 *"] {
            assert!(parse_cron(text, Some("UTC")).is_err(), "{text}");
        }
        insta::assert_snapshot!(parse_cron("@daily", Some("Berlin")).unwrap_err(), @r#""Berlin" is no time zone; one looks like "Europe/Berlin""#);
    }

    #[test]
    fn without_a_zone_the_systems_own_is_taken() {
        assert!(matches!(parse_cron("@daily", None), Ok(Timing::Cron(cron)) if cron.zone == system_zone()));
    }
}
