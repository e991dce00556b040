//! Pure: which dates of an entry are believed.

use chrono::{DateTime, Datelike, SubsecRound, TimeDelta};

use crate::feed::{Entry, Time};

/// The date that an entry gives itself, believed or not, in whole seconds.
pub(super) fn given(entry: &Entry) -> Option<Time> {
    let date = entry.published.or(entry.updated)?;
    (0..=9999).contains(&date.year()).then(|| date.trunc_subsecs(0))
}

/// The first date of an entry that can be believed, in whole seconds.
pub(super) fn first_believed(entry: &Entry, now: Time) -> Option<Time> {
    believed(entry.published, now).or(believed(entry.updated, now))
}

/// A date in whole seconds, if it can be believed: after 1989 and at most ten minutes ahead.
pub(super) fn believed(date: Option<Time>, now: Time) -> Option<Time> {
    let earliest = DateTime::from_timestamp(631_152_000, 0);
    let is_believed =
        |date: &Time| Some(*date) >= earliest && date.signed_duration_since(now) <= TimeDelta::minutes(10);
    date.filter(is_believed).map(|date| date.trunc_subsecs(0))
}
