//! Requests that wait for an answer: who may answer which, and what an answer proves.
//!
//! A request is answered only by its unguessable id *and* its addressee. A server reads a stream in order, so an answer proves that
//! it has read everything that was sent before the request answered.

use std::collections::HashMap;
use std::time::Duration;

use minidom::Element;
use tokio::sync::oneshot;
use tokio::time::Instant;
use xmpp_parsers::jid::{FullJid, Jid};

use super::RequestError;

/// What a request comes to.
pub(super) type Answer = Result<Option<Element>, RequestError>;

/// Every request in flight on one stream.
pub(super) struct Pending {
    own: FullJid,
    requests: HashMap<String, Waiting>,
    /// Since when there has been something to wait for.
    since: Option<Instant>,
    /// How many bytes of the stream the server has proved to have read.
    read_bytes: u64,
}

struct Waiting {
    to: Option<Jid>,
    /// `None`: a ping of our own.
    answer: Option<oneshot::Sender<Answer>>,
    /// Bytes sent when it was queued.
    position_bytes: u64,
    /// When the server was first known to have read it.
    read_at: Option<Instant>,
}

impl Pending {
    pub(super) fn new(own: FullJid) -> Self {
        Self { own, requests: HashMap::new(), since: None, read_bytes: 0 }
    }

    /// Notes a request that was put on the stream after `position_bytes`.
    pub(super) fn insert(
        &mut self,
        id: String,
        to: Option<Jid>,
        answer: Option<oneshot::Sender<Answer>>,
        position_bytes: u64,
        now: Instant,
    ) {
        self.since.get_or_insert(now);
        self.requests.insert(id, Waiting { to, answer, position_bytes, read_at: None });
    }

    /// Since when something has been waited for; `None`: nothing is.
    pub(super) fn since(&self) -> Option<Instant> {
        self.since
    }

    /// How many requests are unanswered, a ping of ours included.
    pub(super) fn count(&self) -> usize {
        self.requests.len()
    }

    /// Whether a ping of ours is unanswered.
    pub(super) fn has_ping(&self) -> bool {
        self.requests.values().any(|waiting| waiting.answer.is_none())
    }

    /// How much of what was sent the server may not have read yet.
    pub(super) fn unread_bytes(&self, written_bytes: u64) -> u64 {
        written_bytes.saturating_sub(self.read_bytes)
    }

    /// Takes an `<iq/>` of type result or error. Says whether it answered anything; if not, it is late, or forged.
    pub(super) fn settle(&mut self, stanza: Element, is_cut: bool) -> bool {
        let id = stanza.attr("id").unwrap_or_default();
        let Some(waiting) = self.requests.get(id) else { return false };
        let from = match stanza.attr("from").map(Jid::new).transpose() {
            Ok(from) => from,
            Err(_) => return false,
        };
        if !may_answer(&self.own, waiting.to.as_ref(), from.as_ref()) {
            return false;
        }
        let Some(waiting) = self.requests.remove(id) else { return false };
        self.read_bytes = self.read_bytes.max(waiting.position_bytes);
        if self.requests.is_empty() {
            self.since = None;
        }
        if let Some(answer) = waiting.answer {
            // Nobody listens any more: the asker has given up, which is theirs to do.
            let _ = answer.send(read_answer(stanza, is_cut));
        }
        true
    }

    /// Gives up requests that the server has read `limit` ago: whoever was to answer does not.
    pub(super) fn expire(&mut self, now: Instant, limit: Duration) {
        for waiting in self.requests.values_mut() {
            if waiting.position_bytes < self.read_bytes {
                waiting.read_at.get_or_insert(now);
            }
        }
        let late = |waiting: &mut Waiting| waiting.read_at.is_some_and(|read_at| now.duration_since(read_at) >= limit);
        for (_, waiting) in self.requests.extract_if(|_, waiting| late(waiting)) {
            waiting.lose("the addressee does not answer");
        }
        if self.requests.is_empty() {
            self.since = None;
        }
    }

    /// The stream is over.
    pub(super) fn lose(self, reason: &str) {
        for (_, waiting) in self.requests {
            waiting.lose(reason);
        }
    }
}

impl Waiting {
    fn lose(self, reason: &str) {
        if let Some(answer) = self.answer {
            let _ = answer.send(Err(RequestError::Lost(reason.to_owned())));
        }
    }
}

/// RFC 6120 §8.1.2.1 and §8.2.3. Our server stamps `from` on everything that it passes on, so that only itself can leave it away.
fn may_answer(own: &FullJid, to: Option<&Jid>, from: Option<&Jid>) -> bool {
    let account = own.to_bare();
    let is_domain = |jid: &Jid| jid.is_bare() && jid.node().is_none() && jid.domain() == own.domain();
    match (to, from) {
        (Some(to), Some(from)) => to == from,
        (None, None) => true,
        (None, Some(from)) => *from == account || from == own || is_domain(from),
        (Some(to), None) => *to == account || is_domain(to),
    }
}

fn read_answer(stanza: Element, is_cut: bool) -> Answer {
    if is_cut {
        return Err(RequestError::Lost("the answer nests too deeply".to_owned()));
    }
    if stanza.attr("type") == Some("result") {
        let mut stanza = stanza;
        return Ok(stanza.unshift_child());
    }
    let ns = stanza.ns();
    let error = stanza.children().find(|child| child.is("error", ns.as_str())).cloned();
    Err(RequestError::Refused(error.unwrap_or_else(|| Element::bare("error", ns))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jid(text: &str) -> Option<Jid> {
        (!text.is_empty()).then(|| Jid::new(text).unwrap())
    }

    fn iq(xml: &str) -> Element {
        xml.replace("<iq", "<iq xmlns='jabber:client'").parse().unwrap()
    }

    #[test]
    fn only_the_addressee_may_answer() {
        let own = FullJid::new("bot@a.test/tidings-1").unwrap();
        for (to, from, expected) in [
            ("", "", true),
            ("", "bot@a.test", true),
            ("", "bot@a.test/tidings-1", true),
            ("", "a.test", true),
            ("", "eve@a.test", false),
            ("", "bot@a.test/other", false),
            ("", "a.test/x", false),
            ("bot@a.test", "", true),
            ("bot@a.test", "bot@a.test", true),
            ("bot@a.test", "a.test", false),
            ("a.test", "", true),
            ("a.test", "a.test", true),
            ("pubsub.a.test", "pubsub.a.test", true),
            ("pubsub.a.test", "PubSub.A.test", true),
            ("pubsub.a.test", "", false),
            ("pubsub.a.test", "a.test", false),
            ("pubsub.a.test", "eve@a.test/x", false),
            ("room@muc.a.test/nick", "room@muc.a.test", false),
        ] {
            assert_eq!(may_answer(&own, jid(to).as_ref(), jid(from).as_ref()), expected, "{to:?} answered by {from:?}");
        }
    }

    fn pending() -> Pending {
        Pending::new(FullJid::new("bot@a.test/r").unwrap())
    }

    #[tokio::test]
    async fn a_forged_answer_leaves_the_request_waiting_for_the_true_one() {
        let mut pending = pending();
        let (answer, mut answered) = oneshot::channel();
        pending.insert("x1".into(), jid("pubsub.a.test"), Some(answer), 0, Instant::now());
        assert!(!pending.settle(iq("<iq id='x1' type='result' from='eve@b.test'/>"), false));
        assert!(!pending.settle(iq("<iq id='x1' type='result' from='not a jid@'/>"), false));
        assert!(!pending.settle(iq("<iq id='other' type='result' from='pubsub.a.test'/>"), false));
        assert!(answered.try_recv().is_err());
        assert!(pending.settle(iq("<iq id='x1' type='result' from='pubsub.a.test'><q xmlns='urn:q'/></iq>"), false));
        assert!(answered.await.unwrap().unwrap().unwrap().is("q", "urn:q"));
        assert!(pending.since().is_none());
        assert!(!pending.settle(iq("<iq id='x1' type='result' from='pubsub.a.test'/>"), false));
    }

    #[tokio::test]
    async fn an_error_is_told_whatever_it_lacks() {
        for (error, expected) in [
            (
                "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
                "item-not-found",
            ),
            ("<echo xmlns='urn:e'/><error/>", "undefined-condition"),
            ("", "undefined-condition"),
        ] {
            let mut pending = pending();
            let (answer, answered) = oneshot::channel();
            pending.insert("x1".into(), None, Some(answer), 0, Instant::now());
            pending.settle(iq(&format!("<iq id='x1' type='error'>{error}</iq>")), false);
            assert_eq!(answered.await.unwrap().unwrap_err().to_string(), expected);
        }
    }

    #[tokio::test]
    async fn the_age_of_a_request_counts_from_when_the_server_has_read_it() {
        let (mut pending, start, limit) = (pending(), Instant::now(), Duration::from_secs(100));
        let (answer, mut answered) = oneshot::channel();
        pending.insert("slow".into(), jid("far.test"), Some(answer), 10, start);
        pending.insert("ping".into(), jid("a.test"), None, 500, start);
        pending.expire(start + limit * 3, limit);
        assert!(answered.try_recv().is_err(), "the server may not have read it yet");
        assert_eq!(pending.unread_bytes(600), 600);
        assert!(pending.settle(iq("<iq id='ping' type='result' from='a.test'/>"), false));
        assert_eq!(pending.unread_bytes(600), 100);
        pending.expire(start + limit * 3, limit);
        assert!(answered.try_recv().is_err(), "read just now");
        pending.expire(start + limit * 4, limit);
        insta::assert_snapshot!(answered.await.unwrap().unwrap_err(), @"no answer: the addressee does not answer");
        assert!(pending.since().is_none());
    }
}
