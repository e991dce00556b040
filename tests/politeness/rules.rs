//! What a feed's row says after each poll: the policy in virtual time, without a socket.

use std::time::Duration;

use chrono::TimeDelta;
use tidings::feed::Time;
use tidings::ingest::parse::Hints;
use tidings::source::PollRules;
use tidings::source::answer::Answer;
use tidings::source::notice::{Notice, notice};
use tidings::source::outage::Outage;
use tidings::source::outcome::{Failure, FailureKind, Outcome, TakenIn};
use tidings::source::policy::{after_poll, after_refusal, before_poll, has_moved, reconciled};
use tidings::source::schedule::{DAY, HOUR, MINUTE, Timing};
use tidings::source::trail::Trail;
use tidings::source::validators::to_send;
use tidings::store::{FeedRow, PollFacts, ReadFacts, Validators};

use super::requests::noon;

const URL: &str = "https://feeds.example.org/planet";
const MODIFIED: &str = "Sun, 23 Nov 2025 10:00:00 GMT";
/// Of [`MODIFIED`].
const MD5: &str = "\"726818dda017276cb65410ab3b06ddaa\"";

/// A feed, polled again and again.
struct Feed {
    row: FeedRow,
    rules: PollRules,
    now: Time,
}

impl Feed {
    fn new(every: Duration) -> Self {
        let row = FeedRow {
            key_id: "planet".to_owned(),
            next_due: noon(),
            removed: None,
            paused: false,
            disabled: false,
            rebuilt: false,
            poll: PollFacts::default(),
            read: ReadFacts::default(),
        };
        let rules = PollRules {
            timing: Timing::Every(every),
            max_every: None,
            own: false,
            full_poll_interval: DAY,
            allow_private: false,
            basic: None,
            headers: Vec::new(),
        };
        Self { row, rules, now: noon() }
    }

    /// Polls now; a poll takes two seconds.
    fn poll(&mut self, outcome: &Outcome) -> &PollFacts {
        before_poll(&mut self.row, &URL.parse().unwrap(), self.now);
        self.now += TimeDelta::seconds(2);
        self.row = after_poll(&self.row, outcome, &self.rules, self.now);
        &self.row.poll
    }

    /// Polls when it is due.
    fn poll_when_due(&mut self, outcome: &Outcome) -> &PollFacts {
        self.now = self.now.max(self.row.next_due);
        self.poll(outcome)
    }

    /// Time from the last poll to the next.
    fn wait(&self) -> TimeDelta {
        self.row.next_due - self.now
    }

    /// What a poll so much later would send.
    fn sends_after(&self, wait: Duration) -> Validators {
        to_send(&self.row.poll, &self.rules, &self.row.key_id, self.now + wait)
    }
}

fn answer(status: u16, etag: Option<&str>, last_modified: Option<&str>) -> Answer {
    let validators = Validators { etag: etag.map(str::to_owned), last_modified: last_modified.map(str::to_owned) };
    Answer {
        url: URL.parse().unwrap(),
        moved_to: None,
        status,
        validators,
        date: noon(),
        freshness: None,
        is_conditional: status == 304,
    }
}

fn news() -> TakenIn {
    TakenIn {
        body_hash: "1".to_owned(),
        hints: Hints::default(),
        keeps_validators: true,
        has_news: true,
        has_known: true,
    }
}

fn document(etag: Option<&str>, last_modified: Option<&str>) -> Outcome {
    Outcome::TakenIn(answer(200, etag, last_modified), news())
}

fn same_body(etag: Option<&str>, last_modified: Option<&str>) -> Outcome {
    Outcome::Unchanged(Answer { is_conditional: true, ..answer(200, etag, last_modified) })
}

fn not_modified() -> Outcome {
    Outcome::Unchanged(answer(304, None, None))
}

fn failed(status: Option<u16>, kind: FailureKind) -> Outcome {
    Outcome::Failed(Failure { why: format!("it failed: {status:?}"), status, kind })
}

fn sent(etag: Option<&str>, last_modified: Option<&str>) -> Validators {
    answer(200, etag, last_modified).validators
}

/// Longer by jitter, which is a tenth or ten minutes at most.
fn is_about(found: TimeDelta, expected: Duration) -> bool {
    let expected = TimeDelta::from_std(expected).unwrap();
    found >= expected && found <= expected + (expected / 10).min(TimeDelta::minutes(10))
}

#[test]
fn rule_1_new_validators_replace_both_and_a_document_without_them_clears_them() {
    let mut feed = Feed::new(30 * MINUTE);
    feed.poll(&document(Some("\"1\""), Some(MODIFIED)));
    assert_eq!(feed.sends_after(HOUR), sent(Some("\"1\""), Some(MODIFIED)));
    feed.poll(&document(Some("\"2\""), None));
    assert_eq!(feed.sends_after(HOUR), sent(Some("\"2\""), None));
    feed.poll(&document(None, None));
    assert_eq!(feed.sends_after(HOUR), Validators::default());
}

#[test]
fn rule_1_a_304_replaces_what_it_names_and_leaves_the_rest() {
    let mut feed = Feed::new(30 * MINUTE);
    feed.poll(&document(Some("\"1\""), Some(MODIFIED)));
    feed.poll(&not_modified());
    assert_eq!(feed.sends_after(HOUR), sent(Some("\"1\""), Some(MODIFIED)));
    feed.poll(&Outcome::Unchanged(answer(304, Some("\"2\""), None)));
    assert_eq!(feed.sends_after(HOUR), sent(Some("\"2\""), Some(MODIFIED)));
}

#[test]
fn rule_2_a_304_is_a_success_with_its_own_freshness() {
    let mut feed = Feed::new(30 * MINUTE);
    feed.poll(&Outcome::TakenIn(Answer { freshness: Some(5 * HOUR), ..answer(200, None, None) }, news()));
    assert!(is_about(feed.wait(), 5 * HOUR));
    feed.poll(&failed(None, FailureKind::Backoff));
    feed.poll(&Outcome::Unchanged(Answer { freshness: Some(2 * HOUR), ..answer(304, None, None) }));
    assert!(is_about(feed.wait(), 2 * HOUR), "{}", feed.wait());
    let facts = &feed.row.poll;
    assert_eq!((facts.failures, facts.succeeded, facts.status), (0, Some(feed.now), Some(304)));
}

#[test]
fn rule_2_the_body_of_last_time_is_unchanged_with_new_validators() {
    let mut feed = Feed::new(30 * MINUTE);
    feed.poll(&document(Some("\"1\""), None));
    feed.poll(&same_body(Some("\"2\""), None));
    assert_eq!(feed.sends_after(HOUR), sent(Some("\"2\""), None));
    assert!(feed.row.poll.stretched_seconds.is_some(), "it counts as unchanged");
}

#[test]
fn rule_3_a_document_that_failed_leaves_validators_as_they_were() {
    let mut feed = Feed::new(30 * MINUTE);
    feed.poll(&document(Some("\"1\""), None));
    feed.poll(&failed(Some(200), FailureKind::Backoff));
    let cut = TakenIn { keeps_validators: false, body_hash: "cut".to_owned(), ..news() };
    feed.poll(&Outcome::TakenIn(answer(200, Some("\"cut\""), None), cut));
    assert_eq!(feed.sends_after(HOUR), sent(Some("\"1\""), None));
    assert_eq!(feed.row.poll.body_hash.as_deref(), Some("1"));
}

#[test]
fn rule_4_an_edited_address_has_no_validators_and_no_redirect() {
    let mut feed = Feed::new(30 * MINUTE);
    feed.poll(&document(Some("\"1\""), Some(MODIFIED)));
    feed.row.poll.moved_to = Some("https://elsewhere.example/".to_owned());
    feed.row.poll.stopped = Some("stopped".to_owned());
    before_poll(&mut feed.row, &"https://feeds.example.org/other".parse().unwrap(), feed.now);
    let facts = &feed.row.poll;
    assert_eq!((&facts.validators, &facts.body_hash), (&Validators::default(), &None));
    assert_eq!((&facts.moved_to, &facts.stopped), (&None, &None));
    assert_eq!(feed.sends_after(HOUR), Validators::default());
}

#[test]
fn rule_4_validators_of_a_document_younger_than_five_seconds_are_not_believed() {
    // The answer's Date is noon.
    let young = "Sun, 23 Nov 2025 11:59:56 GMT";
    let young_md5 = "\"c2dea47271a6011af3b4507e743e5f0a\"";
    let settled = "Sun, 23 Nov 2025 11:59:55 GMT";
    for (etag, modified, expected) in [
        (Some("\"own\""), young, sent(Some("\"own\""), None)),
        (Some("W/\"own\""), young, Validators::default()),
        (None, young, Validators::default()),
        (Some("\"own\""), "Sun, 23 Nov 2025 12:30:00 GMT", sent(Some("\"own\""), None)),
        (Some("W/\"own\""), settled, sent(Some("W/\"own\""), Some(settled))),
        (Some("W/\"own\""), "not a date", sent(Some("W/\"own\""), Some("not a date"))),
        (Some(young_md5), young, Validators::default()),
        (Some(MD5), young, sent(Some(MD5), None)),
    ] {
        let mut feed = Feed::new(30 * MINUTE);
        feed.poll(&document(etag, Some(modified)));
        assert_eq!(feed.sends_after(HOUR), expected, "{etag:?} {modified}");
    }
}

#[test]
fn rule_4_a_whole_document_is_asked_for_once_in_a_day_and_four_times_when_the_etag_says_nothing_of_its_own() {
    for (etag, hours) in
        [(Some("\"own\""), 24), (Some(MD5), 6), (Some(&*format!("W/{}", MD5.replace("a\"", "a-gzip\""))), 6)]
    {
        let mut feed = Feed::new(30 * MINUTE);
        feed.poll(&document(etag, Some(MODIFIED)));
        let early = (hours * HOUR).mul_f64(0.77);
        assert_eq!(feed.sends_after(early), sent(etag, Some(MODIFIED)), "{etag:?}");
        assert_eq!(feed.sends_after(hours * HOUR), Validators::default(), "{etag:?}");
        // A 304 is no whole document, a 200 with the same body is.
        feed.now += TimeDelta::from_std(early).unwrap();
        feed.poll(&not_modified());
        assert_eq!(feed.sends_after(early), Validators::default(), "{etag:?}");
        feed.poll(&Outcome::Unchanged(answer(200, etag, Some(MODIFIED))));
        assert_eq!(feed.sends_after(early), sent(etag, Some(MODIFIED)), "{etag:?}");
    }
}

#[test]
fn rule_4_nothing_is_hidden_by_a_304_for_longer_than_the_full_poll_interval() {
    for (key, every) in (0..20).flat_map(|number| [10 * MINUTE, 30 * MINUTE].map(|every| (number, every))) {
        let mut feed = Feed::new(every);
        feed.row.key_id = format!("feed-{key}");
        feed.poll(&document(Some("\"1\""), Some(MODIFIED)));
        let begun = feed.now;
        let mut conditional = 0;
        while feed.sends_after((feed.row.next_due - feed.now).to_std().unwrap()) != Validators::default() {
            feed.poll_when_due(&not_modified());
            conditional += 1;
        }
        assert!(feed.row.next_due - begun <= TimeDelta::hours(24), "{key}: {}", feed.row.next_due - begun);
        assert!(conditional >= 9, "{key}: {conditional}");
    }
}

#[test]
fn rule_4_the_whole_document_is_asked_for_at_times_of_the_feeds_own() {
    let mut feed = Feed::new(30 * MINUTE);
    feed.poll(&document(Some("\"1\""), None));
    let asks_at_22h =
        |key: &str| to_send(&feed.row.poll, &feed.rules, key, feed.now + 22 * HOUR) == Validators::default();
    let asking = (0..100).filter(|number| asks_at_22h(&format!("feed-{number}"))).count();
    assert!((20..80).contains(&asking), "{asking} of 100");
}

#[test]
fn rule_4_a_weak_etag_that_does_not_know_the_same_body_is_not_sent_again() {
    let weak = Some("W/\"1\"");
    let mut feed = Feed::new(30 * MINUTE);
    feed.poll(&document(weak, Some(MODIFIED)));
    feed.poll(&Outcome::Unchanged(answer(200, weak, Some(MODIFIED))));
    assert_eq!(feed.sends_after(HOUR), sent(weak, Some(MODIFIED)), "nothing was asked with it");
    feed.poll(&same_body(Some("W/\"1-gzip\""), Some(MODIFIED)));
    assert_eq!(feed.sends_after(HOUR), sent(None, Some(MODIFIED)));
    feed.poll(&document(Some("W/\"2\""), Some(MODIFIED)));
    assert_eq!(feed.sends_after(HOUR), sent(None, Some(MODIFIED)), "from then on");

    let mut strong = Feed::new(30 * MINUTE);
    strong.poll(&document(Some("\"1\""), Some(MODIFIED)));
    strong.poll(&same_body(Some("\"2\""), Some(MODIFIED)));
    assert_eq!(strong.sends_after(HOUR), sent(Some("\"2\""), Some(MODIFIED)));
}

#[test]
fn rule_10_what_a_document_asks_for_holds_until_the_next_document() {
    let hints = Hints { ttl_minutes: Some(60), update_seconds: Some(7200), skip_hours: vec![15], skip_days: vec![] };
    let mut feed = Feed::new(30 * MINUTE);
    feed.poll(&Outcome::TakenIn(answer(200, None, None), TakenIn { hints, ..news() }));
    assert!(is_about(feed.wait(), 2 * HOUR));
    feed.poll(&not_modified());
    assert!(is_about(feed.wait(), 2 * HOUR));
    feed.now += TimeDelta::hours(1);
    feed.poll(&not_modified());
    assert!(feed.wait() >= TimeDelta::hours(3), "15 o'clock is left out");
    feed.poll(&document(None, None));
    assert!(is_about(feed.wait(), 30 * MINUTE));
}

#[test]
fn rule_11_an_unchanged_feed_is_polled_less_and_at_once_more_when_news_comes() {
    let mut feed = Feed::new(20 * MINUTE);
    feed.poll(&document(None, None));
    for minutes in [30, 45, 67, 80, 80] {
        feed.poll_when_due(&not_modified());
        assert!(is_about(feed.wait(), minutes * MINUTE), "{minutes}: {}", feed.wait());
    }
    feed.poll_when_due(&Outcome::TakenIn(answer(200, None, None), TakenIn { has_news: false, ..news() }));
    insta::assert_snapshot!(feed.row.poll.why, @"every 20m, stretched to 1h 20m as nothing changes");
    feed.poll_when_due(&document(None, None));
    assert!(is_about(feed.wait(), 20 * MINUTE));
    insta::assert_snapshot!(feed.row.poll.why, @"every 20m");
}

#[test]
fn rule_11_an_interval_is_stretched_to_max_every_or_four_times_itself_or_a_day() {
    for (every, max_every, longest) in [
        (20 * MINUTE, Some(HOUR), HOUR),
        (20 * MINUTE, Some(MINUTE), 20 * MINUTE),
        (10 * HOUR, None, DAY),
        (2 * DAY, None, 2 * DAY),
        (10 * HOUR, Some(2 * DAY), 2 * DAY),
    ] {
        let mut feed = Feed::new(every);
        feed.rules.max_every = max_every;
        (0..20).for_each(|_| drop(feed.poll_when_due(&not_modified()).clone()));
        assert!(is_about(feed.wait(), longest), "{every:?} {max_every:?}: {}", feed.wait());
    }
}

#[test]
fn rule_13_the_interval_starts_at_the_end_of_a_poll() {
    let mut feed = Feed::new(30 * MINUTE);
    before_poll(&mut feed.row, &URL.parse().unwrap(), feed.now);
    let ended = feed.now + TimeDelta::minutes(5);
    let row = after_poll(&feed.row, &document(None, None), &feed.rules, ended);
    assert!(is_about(row.next_due - ended, 30 * MINUTE));
    assert_eq!(row.poll.once_due, Some(feed.now + TimeDelta::minutes(27)), "`once` counts from the start");
}

#[test]
fn rule_13_ticks_missed_while_down_are_made_up_for_by_one() {
    let mut feed = Feed::new(HOUR);
    feed.rules.timing = tidings::source::parse_cron("0 * * * *", Some("UTC")).unwrap();
    feed.poll(&document(None, None));
    feed.now += TimeDelta::hours(50);
    assert!(feed.row.next_due < feed.now);
    feed.poll(&document(None, None));
    assert!(feed.row.next_due > feed.now, "due once, not fifty times");
}

fn url() -> url::Url {
    URL.parse().unwrap()
}

#[test]
fn rule_13_a_clock_that_goes_back_takes_the_due_times_with_it() {
    let mut feed = Feed::new(30 * MINUTE);
    let year = TimeDelta::days(365);
    feed.now += year;
    feed.poll(&document(Some("\"1\""), None));
    feed.now += TimeDelta::minutes(10) - year;
    let row = reconciled(&feed.row, &url(), &feed.rules, feed.now, year).unwrap();
    assert_eq!(
        row.next_due,
        feed.row.next_due - year,
        "as far from now as before, so that what was spread stays spread"
    );
    assert_eq!(row.poll.validators, feed.row.poll.validators);
    // After a restart nobody knows by how much.
    let row = reconciled(&feed.row, &url(), &feed.rules, feed.now, TimeDelta::zero()).unwrap();
    assert!(is_about(row.next_due - feed.now, 30 * MINUTE));
    assert_eq!(reconciled(&row, &url(), &feed.rules, feed.now, TimeDelta::zero()), None);
}

#[test]
fn rule_13_a_clock_that_was_ahead_leaves_no_whole_document_unasked_and_no_410_waiting() {
    let mut feed = Feed::new(30 * MINUTE);
    feed.now += TimeDelta::days(365);
    feed.poll(&document(Some("\"1\""), None));
    feed.now = noon();
    assert_eq!(feed.sends_after(HOUR), Validators::default());
    feed.row.poll.gone_since = Some(noon() + TimeDelta::days(365));
    feed.poll(&failed(None, FailureKind::Backoff));
    assert!(feed.wait() <= TimeDelta::days(1));
}

#[test]
fn an_edited_interval_counts_from_the_last_poll() {
    let mut feed = Feed::new(DAY);
    feed.poll(&document(None, None));
    let ended = feed.now;
    let now = ended + TimeDelta::hours(5);
    assert_eq!(reconciled(&feed.row, &url(), &feed.rules, now, TimeDelta::zero()), None, "nothing was edited");
    feed.rules.timing = Timing::Every(15 * MINUTE);
    let row = reconciled(&feed.row, &url(), &feed.rules, now, TimeDelta::zero()).unwrap();
    assert!(is_about(row.next_due - ended, 15 * MINUTE), "long since due");
    let unpolled = Feed::new(DAY);
    assert_eq!(reconciled(&unpolled.row, &url(), &feed.rules, now, TimeDelta::zero()), None);
}

#[test]
fn rule_4_an_edited_address_is_due_at_once() {
    let mut feed = Feed::new(DAY);
    feed.poll(&document(Some("\"1\""), None));
    feed.row.poll.stopped = Some("stopped".to_owned());
    let other = "https://feeds.example.org/other".parse().unwrap();
    let row = reconciled(&feed.row, &other, &feed.rules, feed.now, TimeDelta::zero()).unwrap();
    assert_eq!((row.next_due, row.poll.validators, row.poll.stopped), (feed.now, Validators::default(), None));
}

#[test]
fn rule_14_a_host_that_refuses_is_left_alone_as_long_as_it_asks_or_an_hour_doubled() {
    let until = |row: &tidings::store::HostRow| row.not_before.unwrap() - noon();
    let asked = |seconds| until(&after_refusal(None, Some(Duration::from_secs(seconds)), noon()));
    assert_eq!((asked(120), asked(u64::MAX)), (TimeDelta::minutes(2), TimeDelta::days(7)));
    let mut row = None;
    for hours in [1, 2, 4, 8, 16, 32, 64, 128, 168, 168] {
        let next = after_refusal(row, None, noon());
        assert_eq!(until(&next), TimeDelta::hours(hours));
        row = Some(next);
    }
}

#[test]
fn rule_14_a_feed_of_a_resting_host_waits_for_it() {
    let until = noon() + TimeDelta::hours(5);
    let mut feed = Feed::new(30 * MINUTE);
    feed.poll(&failed(Some(429), FailureKind::Rest(until)));
    assert_eq!((feed.row.next_due, feed.row.poll.failures), (until, 1));
    assert!(!is_due_for_once(&feed.row, until - TimeDelta::seconds(1)));
    // Others of that host are not asked, and it is no failure of theirs.
    let mut other = Feed::new(30 * MINUTE);
    other.poll(&Outcome::Rested(until));
    assert_eq!((other.row.next_due, other.row.poll.failures), (until, 0));
    insta::assert_snapshot!(other.row.poll.why, @"the host asked for rest");
}

#[test]
fn rule_15_failures_double_the_interval_up_to_a_day_without_end_and_a_success_resets_it() {
    let mut feed = Feed::new(30 * MINUTE);
    for minutes in [30, 60, 120, 240, 480, 960, 1440, 1440] {
        feed.poll_when_due(&failed(Some(500), FailureKind::Backoff));
        assert!(is_about(feed.wait(), minutes * MINUTE), "{minutes}: {}", feed.wait());
    }
    insta::assert_snapshot!(feed.row.poll.why, @"1d after 8 failures in a row");
    assert_eq!(feed.row.poll.errors.len(), 5);
    for _ in 0..100 {
        feed.poll_when_due(&failed(None, FailureKind::Backoff));
        assert!(is_about(feed.wait(), DAY), "never given up");
    }
    feed.poll_when_due(&not_modified());
    assert_eq!((feed.row.poll.failures, feed.row.poll.failing_since), (0, None));
    assert!(feed.wait() < TimeDelta::hours(1));
}

#[test]
fn rule_15_a_long_interval_is_not_shortened_by_failures() {
    let mut feed = Feed::new(3 * DAY);
    (0..5).for_each(|_| drop(feed.poll_when_due(&failed(None, FailureKind::Backoff)).clone()));
    assert!(is_about(feed.wait(), 3 * DAY));
}

#[test]
fn rule_15_when_the_network_is_down_failures_do_not_count() {
    let mut feed = Feed::new(30 * MINUTE);
    for _ in 0..20 {
        feed.poll_when_due(&failed(None, FailureKind::Offline));
        assert!(is_about(feed.wait(), 30 * MINUTE));
    }
    assert_eq!((feed.row.poll.failures, feed.row.poll.errors.len()), (0, 5));
    feed.poll_when_due(&failed(None, FailureKind::Backoff));
    feed.poll_when_due(&failed(None, FailureKind::Offline));
    assert_eq!(feed.row.poll.failures, 1, "they stand still");
}

#[test]
fn rule_15_the_network_is_down_when_four_in_five_hosts_and_at_least_three_are_out_of_reach() {
    let outage = |failed: usize, reached: usize| {
        let mut outage = Outage::default();
        (0..failed).for_each(|number| outage.note(&format!("failed-{number}"), false, noon()));
        (0..reached).for_each(|number| outage.note(&format!("reached-{number}"), true, noon()));
        outage.is_on()
    };
    for (failed, reached, is_on) in
        [(1, 0, false), (2, 0, false), (3, 0, true), (3, 1, false), (4, 1, true), (8, 2, true), (8, 3, false)]
    {
        assert_eq!(outage(failed, reached), is_on, "{failed} failed, {reached} reached");
    }
}

#[test]
fn rule_15_an_outage_is_of_ten_minutes_and_ends_with_a_host_that_answers() {
    let after = |minutes| noon() + TimeDelta::minutes(minutes);
    let mut outage = Outage::default();
    for (host, minutes) in [("a", 0), ("b", 5), ("c", 11)] {
        outage.note(host, false, after(minutes));
    }
    assert!(!outage.is_on(), "they failed one by one");
    outage.note("a", false, after(12));
    assert!(outage.is_on());
    outage.note("b", false, after(50));
    assert!(outage.is_on(), "nothing was heard since");
    outage.note("a", true, after(51));
    assert!(!outage.is_on());
}

fn moved(to: &str) -> Outcome {
    Outcome::TakenIn(Answer { moved_to: Some(to.parse().unwrap()), ..answer(200, Some("\"1\""), None) }, news())
}

#[test]
fn rule_16_a_permanent_redirect_is_stored_after_three_polls_over_a_day() {
    let target = "https://new.example.org/feed";
    let mut feed = Feed::new(12 * HOUR);
    for _ in 0..2 {
        assert_eq!(feed.poll(&moved(target)).moved_to, None);
        feed.now += TimeDelta::hours(11);
    }
    assert_eq!(feed.poll(&moved(target)).moved_to, None, "three times, but within 22 hours");
    feed.now += TimeDelta::hours(2);
    let facts = feed.poll(&moved(target)).clone();
    assert_eq!(facts.moved_to.as_deref(), Some(target));
    assert_eq!(facts.validators, Validators::default(), "validators stay behind");
    let known = notice(&PollFacts::default(), &facts);
    assert_eq!(known, Some(Notice::Moved(target.to_owned())));
    feed.poll(&document(None, None));
    assert_eq!(feed.row.poll.moved_to.as_deref(), Some(target));
}

#[test]
fn rule_16_a_redirect_is_not_stored_when_it_wavers_or_leads_to_other_entries() {
    let target = "https://new.example.org/feed";
    let days = |outcomes: &[Outcome]| {
        let mut feed = Feed::new(DAY);
        outcomes.iter().for_each(|outcome| drop(feed.poll_when_due(outcome).clone()));
        feed.row.poll.moved_to
    };
    let Outcome::TakenIn(answer, taken) = moved(target) else { panic!("a document") };
    let unknown = Outcome::TakenIn(answer, TakenIn { has_known: false, ..taken });
    let [there, other] = [target, "https://other.example.org/"].map(moved);
    let twice = [there.clone(), there.clone()];
    assert_eq!(days(&twice), None);
    assert_eq!(days(&[&twice[..], &[document(None, None)], &twice].concat()), None, "it was taken back");
    assert_eq!(days(&[&twice[..], std::slice::from_ref(&other), &twice].concat()), None, "another target");
    assert_eq!(days(&[&twice[..], &[unknown], &twice].concat()), None, "another feed's entries");
    // A failure in between says nothing.
    let failure = failed(Some(500), FailureKind::Backoff);
    assert_eq!(days(&[&twice[..], &[failure, there]].concat()).as_deref(), Some(target));
}

#[test]
fn rule_16_a_redirect_from_https_to_http_is_followed_and_never_stored() {
    for (steps, stored) in [
        (&[(301, "https://b.example/")][..], Some("https://b.example/")),
        (&[(301, "http://b.example/")], None),
        (&[(308, "https://b.example/"), (301, "http://c.example/")], Some("https://b.example/")),
        (&[(301, "http://b.example/"), (301, "https://c.example/")], None),
        (&[(302, "https://b.example/"), (301, "https://c.example/")], None),
    ] {
        let mut trail = Trail::new("https://a.example/".parse().unwrap());
        steps.iter().for_each(|(status, location)| trail.follow(*status, location).unwrap());
        assert_eq!(trail.url.as_str(), steps[steps.len() - 1].1);
        assert_eq!(trail.permanent.map(String::from).as_deref(), stored, "{steps:?}");
    }
}

#[test]
fn rule_16_intake_is_told_of_the_first_document_of_another_host_and_of_no_other() {
    let answer_of = |moved_to: Option<&str>| Answer {
        // Temporary redirects go on from there.
        url: "https://cdn.example.org/feed".parse().unwrap(),
        moved_to: moved_to.map(|to| to.parse().unwrap()),
        ..answer(200, None, None)
    };
    let mut feed = Feed::new(DAY);
    for (to, expected) in [
        (None, false),
        (Some("https://feeds.example.org/new"), false),
        (Some("https://www.feeds.example.org/new"), false),
        (Some("https://new.example.org/feed"), true),
        (Some("https://new.example.org/feed"), false),
        (Some("https://other.example.org/feed"), true),
        (Some("https://other.example.org/elsewhere"), false),
        (None, true),
    ] {
        let answer = answer_of(to);
        assert_eq!(has_moved(&feed.row.poll, &answer), expected, "{to:?}");
        feed.poll_when_due(&Outcome::TakenIn(answer, news()));
    }

    let mut edited = Feed::new(DAY);
    for (url, expected) in
        [(URL, false), ("https://feeds.example.org/new", false), ("https://new.example.org/feed", true)]
    {
        before_poll(&mut edited.row, &url.parse().unwrap(), edited.now);
        edited.row = after_poll(&edited.row, &failed(None, FailureKind::Backoff), &edited.rules, edited.now);
        assert_eq!(has_moved(&edited.row.poll, &answer_of(None)), expected, "{url}");
        edited.row = after_poll(&edited.row, &document(None, None), &edited.rules, edited.now);
    }
}

#[test]
fn a_stored_redirect_is_forgotten_when_its_target_is_gone() {
    for (status, kind) in [(404, FailureKind::Backoff), (410, FailureKind::Gone)] {
        let mut feed = Feed::new(DAY);
        (0..4).for_each(|_| drop(feed.poll_when_due(&moved("https://new.example.org/feed")).clone()));
        let facts = feed.poll_when_due(&failed(Some(status), kind));
        assert_eq!((&facts.moved_to, facts.gone_since, facts.failures), (&None, None, 1));
        assert_eq!(facts.validators, Validators::default(), "they were the target's");
    }
}

#[test]
fn rule_17_410_twice_a_day_apart_stops_a_feed_and_says_so() {
    let gone = failed(Some(410), FailureKind::Gone);
    let mut feed = Feed::new(30 * MINUTE);
    feed.poll(&gone);
    assert_eq!(feed.wait(), TimeDelta::days(1));
    // Somebody looked in between, by hand.
    feed.now += TimeDelta::hours(1);
    assert_eq!(feed.poll(&gone).stopped, None);
    let before = feed.row.poll.clone();
    feed.poll_when_due(&gone);
    insta::assert_snapshot!(feed.row.poll.why, @"stopped: 410 Gone since 2025-11-23; give it another address, or poll it by hand");
    assert!(feed.wait() > TimeDelta::days(365));
    assert!(!is_due_for_once(&feed.row, feed.now + TimeDelta::days(365)));
    assert!(matches!(notice(&before, &feed.row.poll), Some(Notice::Stopped(_))));
    // Polled by hand, and it is there.
    feed.poll(&document(None, None));
    assert!(feed.row.poll.stopped.is_none() && feed.wait() < TimeDelta::hours(1));
}

#[test]
fn rule_17_a_410_before_the_feed_was_well_again_does_not_count() {
    let gone = failed(Some(410), FailureKind::Gone);
    let mut feed = Feed::new(30 * MINUTE);
    for outcome in [&gone, &not_modified(), &gone] {
        feed.poll_when_due(outcome);
        feed.now += TimeDelta::days(2);
    }
    assert_eq!(feed.row.poll.stopped, None);
}

#[test]
fn rule_17_410_overrules_a_cron_schedule() {
    let mut feed = Feed::new(HOUR);
    feed.rules.timing = tidings::source::parse_cron("0 * * * *", Some("UTC")).unwrap();
    feed.poll(&failed(Some(410), FailureKind::Gone));
    assert_eq!(feed.row.next_due, noon() + TimeDelta::hours(25));
    feed.poll_when_due(&failed(Some(410), FailureKind::Gone));
    assert!(feed.row.poll.stopped.is_some());
}

#[test]
fn rule_17_a_feed_that_is_refused_for_a_week_is_told_of_once() {
    for status in [401, 403, 404] {
        let mut feed = Feed::new(HOUR);
        let mut told = Vec::new();
        for _ in 0..30 {
            let before = feed.row.poll.clone();
            let after = feed.poll_when_due(&failed(Some(status), FailureKind::Backoff)).clone();
            told.extend(notice(&before, &after).map(|notice| (notice, feed.now - noon())));
        }
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(matches!(told[0], (Notice::Fails(_), _)));
        assert!(matches!(told[1], (Notice::Refused(_), after) if (7..=8).contains(&after.num_days())));
    }
}

#[test]
fn the_operator_is_told_of_a_change_of_state_and_of_nothing_else() {
    let mut feed = Feed::new(HOUR);
    let failure = failed(Some(500), FailureKind::Backoff);
    let mut told = Vec::new();
    let failures = vec![failure; 4];
    let well = [not_modified(), not_modified()];
    for outcome in [document(None, None)].into_iter().chain(failures).chain(well) {
        let before = feed.row.poll.clone();
        let after = feed.poll_when_due(&outcome).clone();
        told.push(notice(&before, &after));
    }
    let fails = Notice::Fails("it failed: Some(500)".to_owned());
    assert_eq!(told, [None, None, None, Some(fails), None, Some(Notice::IsWell), None]);
}

#[test]
fn rule_23_what_is_shown_of_a_failure_cannot_lie_to_a_log() {
    let failure = |why: &str| Failure::new(why, None, FailureKind::Backoff).why;
    assert_eq!(failure("a\r\nb\u{1b}[31m\u{202e}c\u{0}"), "ab[31mc");
    assert_eq!(failure(&"x\n".repeat(1000)), "x".repeat(400));
}

#[test]
fn a_feed_that_was_never_polled_is_due_for_once() {
    let feed = Feed::new(HOUR);
    assert!(is_due_for_once(&feed.row, noon()) && !is_due_for_once(&feed.row, noon() - TimeDelta::seconds(1)));
}

#[test]
fn rule_9_once_by_a_timer_of_the_feeds_interval_polls_it_at_every_run() {
    let mut feed = Feed::new(30 * MINUTE);
    let mut polls = 0;
    for run in 0..48 {
        // A timer is some seconds late, now more, now less.
        feed.now = noon() + TimeDelta::minutes(30 * run) + TimeDelta::seconds(run * 37 % 60);
        if is_due_for_once(&feed.row, feed.now) {
            polls += 1;
            feed.poll(&document(None, None));
        }
    }
    assert_eq!(polls, 48);
}

/// Whether `once` polls the feed now.
fn is_due_for_once(row: &FeedRow, now: Time) -> bool {
    row.poll.stopped.is_none() && row.once_due() <= now
}
