//! The state file: what an entry takes, what a poll costs among few feeds and among very many, and what a year makes of it.

use chrono::TimeDelta;
use tidings::feed::Time;
use tidings::store::{FeedRow, PollFacts, ReadFacts, Store};
use tokio::time::Instant;

use crate::bare::Bare;
use crate::document::at;
use crate::fleet::Fleet;
use crate::folder::Folder;
use crate::measured::{cpu_seconds, median};
use crate::report::Row;

/// Polls that are measured at a time.
const POLLS: usize = 5_000;
/// Feeds of `million`.
const MILLION: [usize; 2] = [1_000, 1_000_000];
/// Of so many feeds one has something new.
const NEWS: usize = 20;

/// Bytes on the disk for an entry, and the time of a poll among 10,000 and 10,000,000 known entries of feeds with 50 each; a
/// quarter more time is a fifth less polls a second.
pub(crate) async fn entries(rounds: usize) -> Vec<Row> {
    let [few, many] = compare([200, 200_000], 50, rounds).await;
    let what = "time of a poll with 10,000,000 known entries, 50 a feed, 1 poll in 20 with news";
    let bytes = "bytes of the state a known entry, the feed's row included";
    vec![
        Row::figure("entries", bytes, many.bytes / 10_000_000.0, "B").goal(120.0),
        Row::figure("entries", what, many.wall, "µs").beside("with 10,000", few.wall).goal(1.25),
    ]
}

/// What a poll costs among 1,000 and 1,000,000 feeds of 5 entries.
pub(crate) async fn million(rounds: usize) -> Vec<Row> {
    let [few, many] = compare(MILLION, 5, rounds).await;
    let bare = bare(rounds);
    let what = "CPU a poll among 1,000,000 feeds, from `Arrival` to commit, 1 in 20 with news";
    let alone = "the same for redb alone: a feed's row written anew, 64 a transaction";
    vec![
        Row::figure("million", what, many.cpu, "µs").beside("among 1,000", few.cpu).goal(1.2),
        Row::figure("million", alone, bare[1], "µs").beside("among 1,000", bare[0]),
    ]
}

/// What a database without anything around it takes for each row, of as many rows.
fn bare(rounds: usize) -> [f64; 2] {
    let folder = Folder::new();
    let row = FeedRow {
        key_id: "feed-0".to_owned(),
        next_due: at(0),
        removed: None,
        paused: false,
        disabled: false,
        rebuilt: false,
        poll: PollFacts::default(),
        read: ReadFacts::default(),
    };
    let bytes = serde_json::to_vec(&polled(0, row)).unwrap().len();
    let mut tables = MILLION.map(|rows| Bare::fill(&folder.join(&format!("{rows}.redb")), rows, bytes));
    let mut costs = [Vec::new(), Vec::new()];
    for round in 0..=rounds {
        for (table, costs) in tables.iter_mut().zip(&mut costs) {
            let cost = table.rewrite(POLLS);
            // The first round fills caches.
            if round > 0 {
                costs.push(cost);
            }
        }
    }
    costs.map(|costs| median(&costs, |cost| *cost))
}

/// Bytes of the file; microseconds a poll.
struct Measured {
    bytes: f64,
    cpu: f64,
    wall: f64,
}

/// Polls two fleets in turns.
async fn compare(feeds: [usize; 2], entries: u64, rounds: usize) -> [Measured; 2] {
    let folder = Folder::new();
    // Each is due at a second of its own; the order has nothing to do with where a row lies.
    let due = |n: usize, all: usize| at((n as u64 * 2_654_435_761 % all as u64) as i64);
    let mut fleets = Vec::new();
    for all in feeds {
        let state = folder.join(&format!("{all}.redb"));
        let row = |n: usize, row: FeedRow| FeedRow { next_due: due(n, all), ..polled(n, row) };
        fleets.push(Fleet::fill(&state, all, entries, at(0), row).await);
    }
    let mut costs = [Vec::new(), Vec::new()];
    for round in 0..=rounds {
        for (fleet, costs) in fleets.iter().zip(&mut costs) {
            let now = at((1 + round as i64) * 2_000_000);
            let (cpu, wall) = (cpu_seconds(None), Instant::now());
            for part in 0..POLLS / 200 {
                fleet.poll(200, NEWS, now + TimeDelta::seconds(part as i64), TimeDelta::seconds(1)).await;
            }
            // The first round fills caches.
            if round > 0 {
                costs.push((cpu_seconds(None) - cpu, wall.elapsed().as_secs_f64()));
            }
        }
    }
    let each = 1e6 / POLLS as f64;
    [0, 1].map(|which| Measured {
        bytes: fleets[which].store.counters().bytes as f64,
        cpu: median(&costs[which], |(cpu, _)| *cpu) * each,
        wall: median(&costs[which], |(_, wall)| *wall) * each,
    })
}

/// Two simulated years of twenty feeds that are polled every six hours and have an entry a day: what is known of an entry is
/// forgotten after a year, so the state's size at the end is what it was after one of them.
pub(crate) async fn year(_rounds: usize) -> Vec<Row> {
    let folder = Folder::new();
    let state = folder.join("state.redb");
    let fleet = Fleet::fill(&state, 20, 10, at(0), polled).await;
    let mut sizes = Vec::new();
    for poll in 0..2 * 366 * 4 {
        fleet.poll(20, 4, at(3600 * 6 * poll), TimeDelta::hours(6)).await;
        sizes.push(fleet.store.counters().bytes as f64 / 1024.0);
    }
    let one = sizes[sizes.len() / 2];
    let what = "size of the state after two simulated years, 20 feeds with an entry a day";
    vec![Row::figure("year", what, *sizes.last().unwrap(), "KiB").beside("after one", one).goal(1.25)]
}

/// What polling remembers of a feed that was polled.
pub(crate) fn polled(n: usize, row: FeedRow) -> FeedRow {
    let mut row = row;
    row.poll.url = format!("https://feed-{n}.example.org/feed");
    row.poll.validators.etag = Some("\"0123456789abcdef\"".to_owned());
    row.poll.body_hash = Some("0123456789abcdef0123456789abcdef".to_owned());
    row.poll.why = "every 30 min, stretched to 2 h as nothing changes".to_owned();
    row.poll.timing = "every 30 min".to_owned();
    let last: Option<Time> = Some(at(0));
    (row.poll.started, row.poll.ended, row.poll.succeeded, row.poll.full_poll) = (last, last, last, last);
    row
}
