//! The layout of a seen-set: times beside each other, and small numbers in one byte, so that what is known of fifty entries
//! fits into a page of the state file.

use chrono::DateTime;

use crate::feed::{EntryKey, Fingerprint, Time};

use super::reader::{Reader, from_zigzag, push_number, push_signed, zigzag};
use super::{ALIASES, Alias, SeenEntry};

/// First byte of a packed set; another number is another layout.
pub(super) const FORMAT: u8 = 2;

/// The newest last sight of any entry, then entry after entry.
pub(super) fn pack(entries: &[SeenEntry]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + entries.len() * 80);
    bytes.push(FORMAT);
    let newest = entries.iter().map(|entry| entry.last_seen.timestamp()).max().unwrap_or_default();
    push_signed(&mut bytes, newest);
    entries.iter().for_each(|entry| pack_entry(entry, newest, &mut bytes));
    bytes
}

/// Reads what [`pack`] wrote after its first byte.
pub(super) fn unpack(packed: &[u8]) -> Option<Vec<SeenEntry>> {
    let mut reader = Reader(packed);
    let mut entries = Vec::with_capacity(packed.len() / 70);
    let newest = reader.signed()?;
    while !reader.0.is_empty() {
        entries.push(unpack_entry(&mut reader, newest)?);
    }
    Some(entries)
}

/// Hashes are 30 bytes. Flags and numbers take a byte each mostly; first sight is told from last sight, all else from first
/// sight, which takes five bytes at most within sixty years. Then 8 bytes for each alias, and the item's id where there is one.
fn pack_entry(entry: &SeenEntry, newest: i64, bytes: &mut Vec<u8>) {
    bytes.extend(entry.key.0);
    bytes.extend(entry.fingerprint.0);
    bytes.extend(entry.headline);
    bytes.extend(entry.content);
    let aliases = &entry.aliases[..entry.aliases.len().min(ALIASES)];
    let flags = [entry.is_fickle, entry.is_absent, entry.is_gone, entry.is_held, entry.item.is_some()];
    let flags = flags.iter().enumerate().fold(0, |byte, (bit, is_set)| byte | u8::from(*is_set) << bit);
    bytes.push(flags << 3 | u8::try_from(aliases.len()).unwrap_or_default());
    push_number(bytes, entry.revision.into());
    let [published, first_seen, last_seen, revised] =
        [entry.published, entry.first_seen, entry.last_seen, entry.revised].map(|time| time.timestamp());
    push_signed(bytes, newest - last_seen);
    push_signed(bytes, last_seen - first_seen);
    push_signed(bytes, published - first_seen);
    push_signed(bytes, revised - first_seen);
    push_option(bytes, entry.date.map(|date| date.timestamp() - published));
    push_option(bytes, entry.place.map(i64::from));
    aliases.iter().for_each(|alias| bytes.extend(alias.0));
    if let Some(item) = &entry.item {
        push_number(bytes, item.len() as u64);
        bytes.extend(item.as_bytes());
    }
}

fn unpack_entry(reader: &mut Reader<'_>, newest: i64) -> Option<SeenEntry> {
    let key = EntryKey(reader.take()?);
    let fingerprint = Fingerprint(reader.take()?);
    let headline = reader.take()?;
    let content = reader.take()?;
    let [packed] = reader.take()?;
    let [is_fickle, is_absent, is_gone, is_held, has_item] = [3, 4, 5, 6, 7].map(|bit| packed >> bit & 1 == 1);
    let revision = u32::try_from(reader.number()?).ok()?;
    let last_seen = newest.checked_sub(reader.signed()?)?;
    let first_seen = last_seen.checked_sub(reader.signed()?)?;
    let published = first_seen.checked_add(reader.signed()?)?;
    let revised = first_seen.checked_add(reader.signed()?)?;
    let date = match option(reader)? {
        Some(offset) => Some(time(published.checked_add(offset)?)?),
        None => None,
    };
    let place = match option(reader)? {
        Some(place) => Some(u16::try_from(place).ok()?),
        None => None,
    };
    let aliases = (0..packed & 0x07).map(|_| reader.take().map(Alias)).collect::<Option<_>>()?;
    let item = if has_item {
        let length = usize::try_from(reader.number()?).ok()?;
        Some(reader.text(length)?)
    } else {
        None
    };
    Some(SeenEntry {
        key,
        fingerprint,
        headline,
        content,
        revision,
        published: time(published)?,
        date,
        first_seen: time(first_seen)?,
        last_seen: time(last_seen)?,
        revised: time(revised)?,
        place,
        is_absent,
        is_gone,
        is_held,
        is_fickle,
        aliases,
        item,
    })
}

/// 0 for none; numbers begin at 1.
fn push_option(bytes: &mut Vec<u8>, number: Option<i64>) {
    push_number(bytes, number.map_or(0, |number| zigzag(number) + 1));
}

/// `None`: the bytes are of another making.
fn option(reader: &mut Reader<'_>) -> Option<Option<i64>> {
    Some(reader.number()?.checked_sub(1).map(from_zigzag))
}

fn time(seconds: i64) -> Option<Time> {
    DateTime::from_timestamp(seconds, 0)
}
