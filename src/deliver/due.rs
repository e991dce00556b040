//! Pure: which destinations have something to do now, and when to look again.

use std::time::Duration;

use crate::feed::{Destination, Time};
use crate::store::{NodeFacts, Waiting};

/// A lost signal loses nothing: there is a look at least this often.
const LOOK: Duration = Duration::from_secs(30);

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DueNow {
    /// Destinations with work, the one that waits longest first.
    pub(crate) now: Vec<(Destination, NodeFacts)>,
    /// Whether any row may be sent now; what is only kept to be asked for does not count.
    pub(crate) is_sendable: bool,
    /// When to look again at the latest.
    pub(crate) next_look: Duration,
}

/// Looks at what waits. A destination has work when it has rows to send, or rows that an earlier session left and that
/// were not asked for since (`is_recovered`); a paused one and one that backs off have none.
pub(crate) fn look(waiting: Vec<Waiting>, now: Time, is_recovered: impl Fn(&Destination) -> bool) -> DueNow {
    let mut due = Vec::new();
    let mut is_sendable = false;
    let mut next: Option<Time> = None;
    for row in waiting {
        let held_until = row.facts.not_before.max(row.facts.pause.as_ref().map(|pause| pause.until));
        if let Some(until) = held_until.filter(|until| *until > now) {
            next = Some(next.map_or(until, |next| next.min(until)));
            continue;
        }
        if let Some(until) = row.deferred_until {
            next = Some(next.map_or(until, |next| next.min(until)));
        }
        let is_due = row.deferred_until.is_some_and(|until| until <= now);
        let has_rows = row.ready > 0 || is_due || row.doubt > 0;
        is_sendable |= has_rows;
        if row.ready > 0 || is_due || ((row.doubt > 0 || row.sent > 0) && !is_recovered(&row.destination)) {
            due.push((row.oldest, row.destination, row.facts));
        }
    }
    due.sort_by_key(|(oldest, ..)| (oldest.is_none(), *oldest));
    let until_next = next.map_or(LOOK, |next| (next - now).to_std().unwrap_or_default());
    DueNow {
        now: due.into_iter().map(|(_, destination, facts)| (destination, facts)).collect(),
        is_sendable,
        next_look: until_next.clamp(Duration::from_millis(100), LOOK),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Pause;

    fn at(second: i64) -> Time {
        Time::from_timestamp(second, 0).unwrap()
    }

    fn waiting(node: &str) -> Waiting {
        Waiting {
            destination: Destination::Node { service: None, node: node.to_owned() },
            facts: NodeFacts::default(),
            ready: 0,
            deferred: 0,
            deferred_until: None,
            doubt: 0,
            sent: 0,
            oldest: None,
            newcomers: Vec::new(),
            bytes: 0,
        }
    }

    fn names(due: &DueNow) -> Vec<String> {
        due.now.iter().map(|(destination, _)| destination.to_string()).collect()
    }

    #[test]
    fn what_waits_longest_comes_first_and_acknowledged_rows_last() {
        let rows = vec![
            Waiting { sent: 1, ..waiting("sent") },
            Waiting { ready: 1, oldest: Some(at(20)), ..waiting("young") },
            Waiting { doubt: 1, oldest: Some(at(10)), ..waiting("old") },
            waiting("empty"),
        ];
        let due = look(rows, at(100), |_| false);
        assert_eq!(names(&due), ["node old", "node young", "node sent"]);
        assert!(due.is_sendable);
    }

    #[test]
    fn a_paused_node_holds_up_nothing_and_is_looked_at_when_its_time_has_come() {
        let pause = Pause { reason: "forbidden".to_owned(), since: at(0), until: at(110) };
        let facts = NodeFacts { pause: Some(pause), ..NodeFacts::default() };
        let rows = vec![Waiting { ready: 5, facts, ..waiting("forbidden") }];
        let due = look(rows.clone(), at(100), |_| true);
        assert_eq!((names(&due).len(), due.is_sendable, due.next_look), (0, false, Duration::from_secs(10)));
        assert_eq!(names(&look(rows, at(110), |_| true)), ["node forbidden"]);
    }

    #[test]
    fn a_deferred_edit_is_due_at_its_time() {
        let rows = vec![Waiting { deferred: 1, deferred_until: Some(at(105)), ..waiting("edited") }];
        let due = look(rows.clone(), at(100), |_| true);
        assert_eq!((names(&due).len(), due.is_sendable, due.next_look), (0, false, Duration::from_secs(5)));
        assert!(look(rows, at(105), |_| true).is_sendable);
    }

    #[test]
    fn what_was_asked_for_already_is_not_asked_for_again() {
        let rows = vec![Waiting { sent: 3, ..waiting("sent") }];
        assert_eq!(names(&look(rows.clone(), at(0), |_| false)).len(), 1);
        let due = look(rows, at(0), |_| true);
        assert_eq!((names(&due).len(), due.is_sendable), (0, false));
    }
}
