//! What is known of a feed's entries, packed in one value: some 80 bytes an entry, aliases included.
//!
//! Bytes of another making read as `None`, never as garbage.

mod layout;
mod old;
mod reader;

use crate::feed::{EntryKey, Fingerprint, Time};

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
        layout::pack(&self.entries)
    }

    /// Unpacks what [`Seen::to_bytes`] made, now or before; no bytes at all are the empty set, `None` stands for bytes of
    /// another making.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let entries = match bytes.split_first() {
            None => Vec::new(),
            Some((&layout::FORMAT, packed)) => layout::unpack(packed)?,
            Some((&old::FORMAT, packed)) => old::unpack(packed)?,
            Some(_) => return None,
        };
        entries.is_sorted_by(|before, after| before.key < after.key).then_some(Self { entries })
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
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
            place in proptest::option::of(0..u16::MAX),
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

            prop_assert!(Seen::new(vec![entry]).to_bytes().len() <= 1 + 6 + 120);
        }

        #[test]
        fn bytes_that_were_cut_or_are_of_another_format_are_refused(
            entries in proptest::collection::vec(any_entry(), 1..4), cut in any::<prop::sample::Index>(), format in 3_u8..
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

    fn entry() -> SeenEntry {
        SeenEntry {
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
        }
    }

    #[test]
    fn the_layout_is_frozen() {
        let plain = SeenEntry {
            key: EntryKey(*b"abcdefghij"),
            revision: 0,
            date: Some(entry().published),
            place: None,
            is_absent: false,
            is_held: false,
            aliases: Vec::new(),
            item: None,
            ..entry()
        };
        let expected: &[u8] = b"\x02\x86\x80\x80\x80\x0c\
            0123456789\x01fingerpheadcontent.\xd1\x03\0\x02\x01\x04\x84\x80\x80\x80\x0c\x0balias--1\x02id\
            abcdefghij\x01fingerpheadcontent.\0\0\0\x02\x01\x04\x01\0";
        let seen = Seen::new(vec![plain, entry()]);
        assert_eq!(seen.to_bytes().escape_ascii().to_string(), expected.escape_ascii().to_string());
        assert_eq!(Seen::from_bytes(expected), Some(seen));
        assert_eq!(Seen::from_bytes(b""), Some(Seen::default()));
    }

    #[test]
    fn a_set_of_the_first_layout_reads() {
        let packed: &[u8] = b"\x010123456789\x01fingerpheadcontent.\0\0\0\x03\xff\xff\xff\xff\xff\
            \x60\0\0\x01\x60\0\0\x02\x60\0\0\x03\x60\0\0\x04\0\x05\xd1alias--1\0\x02id";
        assert_eq!(Seen::from_bytes(packed), Some(Seen::new(vec![entry()])));
        assert_eq!(Seen::from_bytes(&packed[..packed.len() - 1]), None);
    }

    #[test]
    fn fifty_entries_of_a_feed_fit_into_a_page_of_4_kib() {
        let first_seen = time(1_790_000_000);
        let entries = (0..50_u8).map(|n| SeenEntry {
            key: EntryKey([n; 10]),
            revision: 0,
            published: first_seen - chrono::TimeDelta::hours(20 * i64::from(n)),
            date: Some(first_seen - chrono::TimeDelta::hours(20 * i64::from(n))),
            first_seen,
            last_seen: first_seen + chrono::TimeDelta::days(2),
            revised: first_seen,
            place: Some(n.into()),
            aliases: vec![Alias([n; 8]); 4],
            item: None,
            ..entry()
        });
        let bytes = Seen::new(entries.collect()).to_bytes().len();
        assert!(bytes <= 3_900, "{bytes}");
    }
}
