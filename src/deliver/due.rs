//! Pure: which destinations have something to do now, and when to look again.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::TimeDelta;

use crate::feed::{Destination, Time};
use crate::store::{NodeFacts, Waiting};

/// A lost signal loses nothing: there is a look at least this often.
const LOOK: Duration = Duration::from_secs(30);
/// Most destinations that are worked on at once.
const MOST_LANES: usize = 256;
/// The same of one service: one that does not answer leaves room for the others.
const MOST_LANES_OF_A_SERVICE: usize = 32;
/// Nothing is ever held for longer; a time further ahead was written by a clock that was wrong.
const LONGEST_HOLD: TimeDelta = TimeDelta::hours(1);

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DueNow {
    /// Destinations with work, the one that waits longest first.
    pub(crate) now: Vec<Waiting>,
    /// Whether any row may be sent now; what is only kept to be asked for does not count.
    pub(crate) is_sendable: bool,
    /// When to look again at the latest.
    pub(crate) next_look: Duration,
}

/// Looks at what waits. A destination has work when it has rows to send, or rows that were left in doubt, or when it is
/// `wanted` for another reason; a paused one and one that backs off have none.
pub(crate) fn look(waiting: Vec<Waiting>, now: Time, is_wanted: impl Fn(&Waiting) -> bool) -> DueNow {
    let mut due = Vec::new();
    let mut is_sendable = false;
    let mut next: Option<Time> = None;
    let mut note = |time: Time| next = Some(next.map_or(time, |next| next.min(time)));
    for row in waiting {
        if let Some(until) = held_until(&row.facts, now) {
            note(until);
            continue;
        }
        row.deferred_until.filter(|until| *until > now).into_iter().for_each(&mut note);
        let has_rows = self::is_sendable(&row, now);
        is_sendable |= has_rows;
        if has_rows || is_wanted(&row) {
            due.push(row);
        }
    }
    due.sort_by_key(|row| (row.oldest.is_none(), row.oldest));
    let until_next = next.map_or(LOOK, |next| (next - now).to_std().unwrap_or_default());
    DueNow { now: due, is_sendable, next_look: until_next.clamp(Duration::from_millis(100), LOOK) }
}

/// Whether any of its rows may be sent now, or was left in doubt.
pub(crate) fn is_sendable(row: &Waiting, now: Time) -> bool {
    row.ready > 0 || row.doubt > 0 || row.deferred_until.is_some_and(|until| until <= now)
}

/// Until when nothing is sent there; `None`: it may be now.
fn held_until(facts: &NodeFacts, now: Time) -> Option<Time> {
    let until = facts.not_before.max(facts.pause.as_ref().map(|pause| pause.until));
    until.filter(|until| *until > now && *until <= now + LONGEST_HOLD)
}

/// Whether it is held only by a clock that was wrong.
pub(crate) fn is_held_in_error(facts: &NodeFacts, now: Time) -> bool {
    let until = facts.not_before.max(facts.pause.as_ref().map(|pause| pause.until));
    until.is_some_and(|until| until > now + LONGEST_HOLD)
}

/// Those of the destinations with work that a lane is started for: none that is busy, and not too many of a service.
pub(crate) fn admit<'a>(due: Vec<Waiting>, busy: impl Iterator<Item = &'a Destination>) -> Vec<Waiting> {
    let busy: HashSet<&Destination> = busy.collect();
    let service = |destination: &Destination| destination.addressee().map(str::to_owned);
    let mut lanes: HashMap<Option<String>, usize> = HashMap::new();
    for destination in &busy {
        *lanes.entry(service(destination)).or_default() += 1;
    }
    let mut free = MOST_LANES.saturating_sub(busy.len());
    let mut is_admitted = |row: &Waiting| {
        if free == 0 || busy.contains(&row.destination) {
            return false;
        }
        let lanes = lanes.entry(service(&row.destination)).or_default();
        let may = *lanes < MOST_LANES_OF_A_SERVICE;
        *lanes += usize::from(may);
        free -= usize::from(may);
        may
    };
    due.into_iter().filter(|row| is_admitted(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Pause;

    fn at(second: i64) -> Time {
        Time::from_timestamp(second, 0).unwrap()
    }

    fn waiting(node: &str) -> Waiting {
        Waiting::nothing(Destination::Node { service: None, node: node.to_owned() }, NodeFacts::default())
    }

    fn names(due: &DueNow) -> Vec<String> {
        due.now.iter().map(|row| row.destination.to_string()).collect()
    }

    #[test]
    fn what_waits_longest_comes_first_and_acknowledged_rows_last() {
        let rows = vec![
            Waiting { sent: 1, ..waiting("sent") },
            Waiting { ready: 1, oldest: Some(at(20)), ..waiting("young") },
            Waiting { doubt: 1, oldest: Some(at(10)), ..waiting("old") },
            waiting("empty"),
        ];
        let due = look(rows, at(100), |row| row.sent > 0);
        assert_eq!(names(&due), ["node old", "node young", "node sent"]);
        assert!(due.is_sendable);
    }

    #[test]
    fn a_paused_node_holds_up_nothing_and_is_looked_at_when_its_time_has_come() {
        let pause = Pause { reason: "forbidden".to_owned(), since: at(0), until: at(110) };
        let facts = NodeFacts { pause: Some(pause), ..NodeFacts::default() };
        let rows = vec![Waiting { ready: 5, facts, ..waiting("forbidden") }];
        let due = look(rows.clone(), at(100), |_| false);
        assert_eq!((names(&due).len(), due.is_sendable, due.next_look), (0, false, Duration::from_secs(10)));
        assert_eq!(names(&look(rows, at(110), |_| false)), ["node forbidden"]);
    }

    #[test]
    fn a_deferred_edit_is_due_at_its_time() {
        let rows = vec![Waiting { deferred: 1, deferred_until: Some(at(105)), ..waiting("edited") }];
        let due = look(rows.clone(), at(100), |_| false);
        assert_eq!((names(&due).len(), due.is_sendable, due.next_look), (0, false, Duration::from_secs(5)));
        assert!(look(rows, at(105), |_| false).is_sendable);
    }

    #[test]
    fn what_is_only_kept_is_work_when_it_is_wanted() {
        let rows = vec![Waiting { sent: 3, ..waiting("sent") }];
        assert_eq!(names(&look(rows.clone(), at(0), |row| row.sent > 0)).len(), 1);
        let due = look(rows, at(0), |_| false);
        assert_eq!((names(&due).len(), due.is_sendable), (0, false));
    }

    #[test]
    fn what_is_in_doubt_is_work_whenever_no_lane_has_it() {
        let rows = vec![Waiting { doubt: 1, ..waiting("doubtful") }];
        assert_eq!(names(&look(rows, at(0), |_| false)), ["node doubtful"]);
    }

    #[test]
    fn a_deferred_edit_that_is_due_does_not_make_the_looks_more_frequent() {
        let rows = vec![Waiting { deferred: 1, deferred_until: Some(at(5)), ..waiting("edited") }];
        assert_eq!(look(rows, at(100), |_| false).next_look, LOOK);
    }

    #[test]
    fn a_time_that_a_wrong_clock_has_written_holds_up_nothing() {
        let facts = |second| NodeFacts { not_before: Some(at(second)), ..NodeFacts::default() };
        let look_at = |second| {
            let rows = vec![Waiting { ready: 1, facts: facts(second), ..waiting("n") }];
            (look(rows, at(0), |_| false).is_sendable, is_held_in_error(&facts(second), at(0)))
        };
        assert_eq!([0, 1, 3600, 3601].map(look_at), [(true, false), (false, false), (false, false), (true, true)]);
    }

    #[test]
    fn a_service_with_many_nodes_leaves_room_for_the_others() {
        let far = |node: String| Destination::Node { service: Some("far.test".to_owned()), node };
        let mut rows: Vec<Waiting> =
            (0..100).map(|n| Waiting { destination: far(n.to_string()), ready: 1, ..waiting("") }).collect();
        rows.push(Waiting { ready: 1, ..waiting("near") });
        let busy = [far("0".to_owned()), far("1".to_owned())];
        let admitted = admit(rows, busy.iter());
        assert_eq!(admitted.len(), MOST_LANES_OF_A_SERVICE - busy.len() + 1);
        assert!(admitted.iter().all(|row| !busy.contains(&row.destination)));
        assert_eq!(admitted.last().map(|row| row.destination.to_string()).as_deref(), Some("node near"));
    }
}
