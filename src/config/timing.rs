//! `every`, `cron`, `timezone`: when a feed is polled.

use std::collections::HashMap;
use std::time::Duration;

use crate::source::parse_cron;
use crate::source::schedule::Timing;

use super::fields::Fields;
use super::raw::Raw;
use super::value::{Value, nearest, quoted, quoted_toml};

/// The keys that say when a feed is polled.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct When {
    pub(super) every: Duration,
    cron: Option<String>,
    timezone: Option<Zone>,
}

impl When {
    pub(super) fn built_in() -> Self {
        Self { every: Duration::from_secs(30 * 60), cron: None, timezone: None }
    }

    /// An `every` here puts a `cron` below out of force.
    pub(super) fn read(fields: &mut Fields<'_>, base: &Self) -> Self {
        if fields.has("every") && fields.has("cron") {
            fields.wrong("cron", "both `every` and `cron` are set".to_owned(), "keep one of them");
        }
        let below = if fields.has("every") { None } else { base.cron.clone() };
        let cron = fields.or("cron", &below);
        let every = match cron {
            Some(_) => fields.get("every").unwrap_or(base.every),
            None => fields.or("every", &base.every),
        };
        Self { every, cron, timezone: fields.or("timezone", &base.timezone) }
    }
}

/// Schedules by how they are written: each is made once.
#[derive(Default)]
pub(super) struct Timings(HashMap<When, Result<Timing, String>>);

impl Timings {
    pub(super) fn of(&mut self, when: &When) -> Result<Timing, String> {
        match &when.cron {
            None => Ok(Timing::Every(when.every)),
            Some(cron) => self
                .0
                .entry(when.clone())
                .or_insert_with(|| {
                    let zone = when.timezone.as_ref().map(|zone| zone.0.as_str());
                    parse_cron(cron, zone).map_err(|bad| bad.to_string())
                })
                .clone(),
        }
    }
}

/// The name of a time zone.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Zone(String);

impl Value for Zone {
    fn read(raw: Raw<'_>) -> Option<Self> {
        let name = raw.string()?;
        if name.parse::<chrono_tz::Tz>().is_ok() {
            return Some(Self(name.to_owned()));
        }
        let known = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect::<Vec<_>>();
        let hint = match nearest(name, &known) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "a time zone looks like \"Europe/Berlin\"".to_owned(),
        };
        raw.wrong(format!("{} is not a time zone", quoted(name)), hint)
    }

    fn show(&self) -> String {
        quoted_toml(&self.0)
    }
}
