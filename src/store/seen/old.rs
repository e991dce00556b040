//! The layout that was written before [`super::layout`]: each field in its full width. It is read, and never written.

use chrono::DateTime;

use crate::feed::{EntryKey, Fingerprint, Time};

use super::reader::Reader;
use super::{Alias, SeenEntry};

/// First byte of a set of this layout.
pub(super) const FORMAT: u8 = 1;

/// Place of an entry that has fallen out, and date of an entry without one.
const NO_PLACE: u16 = u16::MAX;
const NO_DATE: i64 = -(1 << 39);

/// Reads what comes after the first byte.
pub(super) fn unpack(packed: &[u8]) -> Option<Vec<SeenEntry>> {
    let mut reader = Reader(packed);
    let mut entries = Vec::with_capacity(packed.len() / 100);
    while !reader.0.is_empty() {
        entries.push(unpack_entry(&mut reader)?);
    }
    Some(entries)
}

fn unpack_entry(reader: &mut Reader<'_>) -> Option<SeenEntry> {
    let key = EntryKey(reader.take()?);
    let fingerprint = Fingerprint(reader.take()?);
    let headline = reader.take()?;
    let content = reader.take()?;
    let revision = u32::from_be_bytes(reader.take()?);
    let date = match seconds_of_five_bytes(reader)? {
        NO_DATE => None,
        seconds => Some(DateTime::from_timestamp(seconds, 0)?),
    };
    let [published, first_seen, last_seen, revised] = [time(reader)?, time(reader)?, time(reader)?, time(reader)?];
    let place = Some(u16::from_be_bytes(reader.take()?)).filter(|place| *place != NO_PLACE);
    let [packed] = reader.take()?;
    let [is_fickle, is_absent, is_gone, is_held, has_item] = [3, 4, 5, 6, 7].map(|bit| packed >> bit & 1 == 1);
    let aliases = (0..packed & 0x07).map(|_| reader.take().map(Alias)).collect::<Option<_>>()?;
    let item = if has_item {
        let length = u16::from_be_bytes(reader.take()?);
        Some(reader.text(length.into())?)
    } else {
        None
    };
    Some(SeenEntry {
        key,
        fingerprint,
        headline,
        content,
        revision,
        published,
        date,
        first_seen,
        last_seen,
        revised,
        place,
        is_absent,
        is_gone,
        is_held,
        is_fickle,
        aliases,
        item,
    })
}

fn time(reader: &mut Reader<'_>) -> Option<Time> {
    DateTime::from_timestamp(u32::from_be_bytes(reader.take()?).into(), 0)
}

fn seconds_of_five_bytes(reader: &mut Reader<'_>) -> Option<i64> {
    let [a, b, c, d, e] = reader.take()?;
    Some(i64::from_be_bytes([a, b, c, d, e, 0, 0, 0]) >> 24)
}
