//! What is known of a feed's entries, packed in one value: at most 120 bytes an entry, aliases included.
//!
//! Bytes of another making read as `None`, never as garbage.

use chrono::DateTime;

use crate::feed::{EntryKey, Fingerprint, Time};

/// First byte of a packed set; another number is another layout.
const FORMAT: u8 = 1;

/// The seen-set of one feed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Known entries, sorted by key, each key once; [`Seen::new`] sees to it.
    pub entries: Vec<SeenEntry>,
}

/// One known entry. Times are whole seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenEntry {
    /// The key that it was given at first sight; it never changes, whatever becomes of the id.
    pub key: EntryKey,
    /// Fingerprint of the newest revision.
    pub fingerprint: Fingerprint,
    /// Hash of the title, or of the content when there is none, by which an entry is known again when its id has changed.
    pub headline: [u8; 4],
    /// Hash of the content as it was read, likewise; zeros when there is none.
    pub content: [u8; 8],
    /// Number of the newest revision.
    pub revision: u32,
    /// The date that was published with revision 0.
    pub published: Time,
    /// The date that the feed gave last, believed or not.
    pub date: Option<Time>,
    /// First sight.
    pub first_seen: Time,
    /// Last sight, to the day: a set that changes with every poll would be written with every poll.
    pub last_seen: Time,
    /// When the newest revision was published, or is to be; the cool-down counts from here.
    pub revised: Time,
    /// Position in the last full document; where it would stand, when it was absent once. `None`: fallen out of it.
    pub place: Option<u16>,
    /// Absent from inside the last full document; once more, and it is gone.
    pub is_absent: bool,
    /// Withdrawn by the feed.
    pub is_gone: bool,
    /// Published nowhere so far.
    pub is_held: bool,
    /// Was gone and came back: its absence says nothing any more.
    pub is_fickle: bool,
    /// Hashes of other names that it is known by, best first.
    pub aliases: Vec<Alias>,
    /// Its item's id, when that is not the key's own.
    pub item: Option<String>,
}

/// Hash of a name that an entry is known by beside its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Alias(pub [u8; 8]);

/// Most aliases that an entry keeps: what 120 bytes leave room for, and what three bits can count.
pub const ALIASES: usize = 7;

impl Seen {
    /// A set of these entries.
    pub fn new(mut entries: Vec<SeenEntry>) -> Self {
        entries.sort_by_key(|entry| entry.key);
        entries.dedup_by_key(|entry| entry.key);
        Self { entries }
    }

    /// Where the entry of a key stands in `entries`.
    pub fn find(&self, key: &EntryKey) -> Option<usize> {
        self.entries.binary_search_by_key(key, |entry| entry.key).ok()
    }

    /// Packs the set for the store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + self.entries.len() * 120);
        bytes.push(FORMAT);
        for entry in &self.entries {
            entry.pack(&mut bytes);
        }
        bytes
    }

    /// Unpacks what [`Seen::to_bytes`] made; no bytes at all are the empty set, `None` stands for bytes of another making.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let mut entries: Vec<SeenEntry> = Vec::with_capacity(bytes.len() / 100);
        if !bytes.is_empty() && reader.take::<1>()? != [FORMAT] {
            return None;
        }
        while !reader.0.is_empty() {
            let entry = SeenEntry::unpack(&mut reader)?;
            if entries.last().is_some_and(|before| before.key >= entry.key) {
                return None;
            }
            entries.push(entry);
        }
        Some(Self { entries })
    }
}

/// Place of an entry that has fallen out, and date of an entry without one.
const NO_PLACE: u16 = u16::MAX;
const NO_DATE: i64 = -(1 << 39);

impl SeenEntry {
    /// The layout, field by field: 57 bytes, 8 for each alias, and the item's id where there is one.
    fn pack(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.key.0);
        bytes.extend(self.fingerprint.0);
        bytes.extend(self.headline);
        bytes.extend(self.content);
        bytes.extend(self.revision.to_be_bytes());
        bytes.extend(&self.date.map_or(NO_DATE, |date| date.timestamp()).to_be_bytes()[3..]);
        for time in [self.published, self.first_seen, self.last_seen, self.revised] {
            bytes.extend(u32::try_from(time.timestamp().max(0)).unwrap_or(u32::MAX).to_be_bytes());
        }
        bytes.extend(self.place.unwrap_or(NO_PLACE).to_be_bytes());
        let aliases = &self.aliases[..self.aliases.len().min(ALIASES)];
        let flags = [self.is_fickle, self.is_absent, self.is_gone, self.is_held, self.item.is_some()];
        let flags = flags.iter().enumerate().fold(0, |byte, (bit, is_set)| byte | u8::from(*is_set) << bit);
        bytes.push(flags << 3 | u8::try_from(aliases.len()).unwrap_or_default());
        for alias in aliases {
            bytes.extend(alias.0);
        }
        if let Some(item) = &self.item {
            let length = u16::try_from(item.len()).unwrap_or(u16::MAX);
            bytes.extend(length.to_be_bytes());
            bytes.extend(&item.as_bytes()[..usize::from(length)]);
        }
    }

    /// Reads what [`SeenEntry::pack`] wrote.
    fn unpack(reader: &mut Reader<'_>) -> Option<Self> {
        let key = EntryKey(reader.take()?);
        let fingerprint = Fingerprint(reader.take()?);
        let headline = reader.take()?;
        let content = reader.take()?;
        let revision = u32::from_be_bytes(reader.take()?);
        let date = match reader.seconds_of_five_bytes()? {
            NO_DATE => None,
            seconds => Some(DateTime::from_timestamp(seconds, 0)?),
        };
        let [published, first_seen, last_seen, revised] =
            [reader.time()?, reader.time()?, reader.time()?, reader.time()?];
        let place = Some(u16::from_be_bytes(reader.take()?)).filter(|place| *place != NO_PLACE);
        let [packed] = reader.take()?;
        let [is_fickle, is_absent, is_gone, is_held, has_item] = [3, 4, 5, 6, 7].map(|bit| packed >> bit & 1 == 1);
        let aliases = (0..packed & 0x07).map(|_| reader.take().map(Alias)).collect::<Option<_>>()?;
        let item = if has_item { Some(reader.text()?) } else { None };
        Some(Self {
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
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    fn time(&mut self) -> Option<Time> {
        DateTime::from_timestamp(u32::from_be_bytes(self.take()?).into(), 0)
    }

    fn seconds_of_five_bytes(&mut self) -> Option<i64> {
        let [a, b, c, d, e] = self.take()?;
        Some(i64::from_be_bytes([a, b, c, d, e, 0, 0, 0]) >> 24)
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::from(u16::from_be_bytes(self.take()?));
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time(seconds: impl Into<i64>) -> Time {
        DateTime::from_timestamp(seconds.into(), 0).unwrap()
    }

    prop_compose! {
        fn any_entry()(
            hashes in any::<([u8; 10], [u8; 8], [u8; 4], [u8; 8])>(),
            revision in any::<u32>(),
            times in any::<[u32; 4]>(),
            date in proptest::option::of(-60_000_000_000_i64..250_000_000_000),
            place in proptest::option::of(0..NO_PLACE),
            flags in any::<[bool; 4]>(),
            aliases in proptest::collection::vec(any::<[u8; 8]>().prop_map(Alias), 0..=ALIASES),
            item in proptest::option::of(".{0,40}"),
        ) -> SeenEntry {
            SeenEntry {
                key: EntryKey(hashes.0),
                fingerprint: Fingerprint(hashes.1),
                headline: hashes.2,
                content: hashes.3,
                revision,
                published: time(times[0]),
                date: date.map(time),
                first_seen: time(times[1]),
                last_seen: time(times[2]),
                revised: time(times[3]),
                place,
                is_absent: flags[0],
                is_gone: flags[1],
                is_held: flags[2],
                is_fickle: flags[3],
                aliases,
                item,
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(entries in proptest::collection::vec(any_entry(), 0..20)) {
            let seen = Seen::new(entries);
            prop_assert_eq!(Seen::from_bytes(&seen.to_bytes()), Some(seen));
        }

        #[test]
        fn an_entry_takes_at_most_120_bytes(mut entry in any_entry()) {
            entry.item = None;
            entry.aliases = vec![Alias([7; 8]); 20];
            prop_assert!(Seen::new(vec![entry]).to_bytes().len() <= 1 + 120);
        }

        #[test]
        fn bytes_that_were_cut_or_are_of_another_format_are_refused(
            entries in proptest::collection::vec(any_entry(), 1..4), cut in any::<prop::sample::Index>(), format in 2_u8..
        ) {
            let seen = Seen::new(entries);
            let mut bytes = seen.to_bytes();
            // Cut between two entries it is a shorter set: only a checksum could tell, and that is the store's.
            let cut = Seen::from_bytes(&bytes[..cut.index(bytes.len())]);
            prop_assert!(cut.is_none_or(|cut| seen.entries.starts_with(&cut.entries)));
            bytes[0] = format;
            prop_assert_eq!(Seen::from_bytes(&bytes), None);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Seen::from_bytes(&bytes);
        }
    }

    #[test]
    fn the_layout_is_frozen() {
        let entry = SeenEntry {
            key: EntryKey(*b"0123456789"),
            fingerprint: Fingerprint(*b"\x01fingerp"),
            headline: *b"head",
            content: *b"content.",
            revision: 3,
            published: time(0x6000_0001),
            date: Some(time(-1)),
            first_seen: time(0x6000_0002),
            last_seen: time(0x6000_0003),
            revised: time(0x6000_0004),
            place: Some(5),
            is_absent: true,
            is_gone: false,
            is_held: true,
            is_fickle: false,
            aliases: vec![Alias(*b"alias--1")],
            item: Some("id".to_owned()),
        };
        let expected: &[u8] = b"\x010123456789\x01fingerpheadcontent.\0\0\0\x03\xff\xff\xff\xff\xff\
            \x60\0\0\x01\x60\0\0\x02\x60\0\0\x03\x60\0\0\x04\0\x05\xd1alias--1\0\x02id";
        let seen = Seen::new(vec![entry]);
        assert_eq!(seen.to_bytes(), expected);
        assert_eq!(Seen::from_bytes(expected), Some(seen));
        assert_eq!(Seen::from_bytes(b""), Some(Seen::default()));
    }
}
