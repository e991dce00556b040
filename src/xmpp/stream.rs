//! The life of one bound stream: writes what is queued, reads what comes in, watches the silence.
//!
//! Reading never waits for writing nor the other way round: a server that stops reading is still heard. Silence, not the age of a
//! request, ends a stream, as a rate-limited server just stops reading for a while.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Sink, Stream as _, StreamExt};
use minidom::Element;
use minidom::rxml::xml_ncname;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, interval, timeout};
use xmpp_parsers::iq::Iq;
use xmpp_parsers::jid::{BareJid, Jid};
use xmpp_parsers::ns;
use xmpp_parsers::ping::Ping;
use xmpp_parsers::presence::Presence;
use xmpp_parsers::stanza::Stanza;

use super::connect::{Bound, ElementStream, ended, stream_error};
use super::metered::Meter;
use super::pending::{Answer, Pending};
use super::session::{Hub, unguessable_id};
use super::stanza::Incoming;
use super::{Options, Request, RequestError, Timing, replies};

/// How many answers to others may wait to be sent; more questions are left unanswered.
const MAX_REPLIES: usize = 256;
/// What a server is trusted to read in a second, in the worst of rate limits.
const SLOWEST_BYTES_PER_SECOND: u64 = 2_000;
/// The most that such a server gets on top of the usual silence.
const SLOWEST_EXTRA: Duration = Duration::from_secs(120);

/// What others want to have sent.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// A request and where its answer goes.
    Request { id: String, request: Request, answer: oneshot::Sender<Answer> },
    /// A message or presence.
    Stanza(Element),
}

/// A stream at work.
pub(super) struct Live {
    stream: ElementStream,
    meter: Arc<Meter>,
    pending: Pending,
    outgoing: mpsc::Receiver<Outgoing>,
    own: VecDeque<Stanza>,
    hub: Arc<Hub>,
    server: Jid,
    timing: Timing,
    heard_at: Instant,
    heard_bytes: u64,
    closing_at: Option<Instant>,
}

/// A stream that is over, with whatever it leaves unanswered.
pub(super) struct Ended {
    pub(super) reason: String,
    /// The reason as it is counted.
    pub(super) kind: &'static str,
    pending: Pending,
    outgoing: mpsc::Receiver<Outgoing>,
}

impl Ended {
    /// Tells those who wait; nothing is carried over to the next stream.
    pub(super) fn tell(mut self) {
        self.pending.lose(&self.reason);
        self.outgoing.close();
        while let Ok(outgoing) = self.outgoing.try_recv() {
            if let Outgoing::Request { answer, .. } = outgoing {
                let _ = answer.send(Err(RequestError::Offline));
            }
        }
    }
}

enum Step {
    In(Incoming),
    /// The queue is closed, and everything in it is sent.
    Drained,
    Over(String),
}

impl Live {
    pub(super) fn new(bound: Bound, outgoing: mpsc::Receiver<Outgoing>, hub: Arc<Hub>, options: &Options) -> Self {
        let presence = options.priority.map(|priority| Presence::available().with_priority(priority));
        Self {
            heard_bytes: bound.meter.read(),
            stream: bound.stream,
            meter: bound.meter,
            server: BareJid::from_parts(None, bound.jid.domain()).into(),
            pending: Pending::new(bound.jid),
            outgoing,
            own: presence.into_iter().map(Stanza::Presence).collect(),
            hub,
            timing: options.timing.clone(),
            heard_at: Instant::now(),
            closing_at: None,
        }
    }

    /// Runs until the stream is over, or `closing` changes and everything queued is sent.
    pub(super) async fn run(mut self, closing: &mut watch::Receiver<bool>) -> Ended {
        let mut tick = interval((self.timing.ping_after / 15).min(Duration::from_secs(1)));
        let (kind, reason) = loop {
            tokio::select! {
                // What has come in counts before the clock does.
                biased;
                step = poll_fn(|cx| self.poll(cx)) => match step {
                    Step::In(incoming) => if let Err(reason) = self.receive(incoming) { break ("stream-error", reason) },
                    Step::Drained => break ("closed", self.last_words().await),
                    Step::Over(reason) => break ("connection", reason),
                },
                now = tick.tick() => if let Err(reason) = self.watch(now) { break ("silence", reason) },
                _ = closing.changed(), if self.closing_at.is_none() => {
                    self.closing_at = Some(Instant::now());
                    self.outgoing.close();
                }
            }
        };
        // The peer may be gone; all that this can do is to tell it sooner.
        let _ = timeout(Duration::from_secs(1), self.stream.shutdown()).await;
        self.hub.note_in_flight(0);
        Ended { reason, kind, pending: self.pending, outgoing: self.outgoing }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        match self.write(cx) {
            Ok(Poll::Ready(())) => return Poll::Ready(Step::Drained),
            Ok(Poll::Pending) => {}
            Err(error) => return Poll::Ready(Step::Over(format!("the stream broke: {error}"))),
        }
        Pin::new(&mut self.stream).poll_next(cx).map(|next| match next {
            Some(Ok(incoming)) => Step::In(incoming),
            Some(Err(error)) => Step::Over(ended(error)),
            None => Step::Over("the server closed the connection".to_owned()),
        })
    }

    /// Puts as much on the stream as it takes; ready when nothing will ever follow.
    fn write(&mut self, cx: &mut Context<'_>) -> std::io::Result<Poll<()>> {
        while Sink::<&Stanza>::poll_ready(Pin::new(&mut self.stream), cx)?.is_ready() {
            if let Some(stanza) = self.own.pop_front() {
                Pin::new(&mut self.stream).start_send(&stanza)?;
                continue;
            }
            match self.outgoing.poll_recv(cx) {
                Poll::Ready(Some(outgoing)) => self.put(outgoing)?,
                Poll::Ready(None) => return Ok(Sink::<&Stanza>::poll_flush(Pin::new(&mut self.stream), cx)?),
                Poll::Pending => {
                    let _ = Sink::<&Stanza>::poll_flush(Pin::new(&mut self.stream), cx)?;
                    break;
                }
            }
        }
        Ok(Poll::Pending)
    }

    fn put(&mut self, outgoing: Outgoing) -> std::io::Result<()> {
        let stream = Pin::new(&mut self.stream);
        match outgoing {
            Outgoing::Stanza(stanza) => stream.start_send(&stanza),
            Outgoing::Request { id, request: Request { to, set, payload }, answer } => {
                self.pending.insert(id.clone(), to.clone(), Some(answer), self.meter.written(), Instant::now());
                self.hub.note_in_flight(self.pending.count());
                // Not by way of `Iq`, which copies what is left of the payload for each piece of it that it hands on.
                let iq = Element::builder("iq", ns::DEFAULT_NS)
                    .attr(xml_ncname!("id").to_owned(), id)
                    .attr(xml_ncname!("to").to_owned(), to.map(|to| to.to_string()))
                    .attr(xml_ncname!("type").to_owned(), if set { "set" } else { "get" })
                    .append(payload);
                stream.start_send(&iq.build())
            }
        }
    }

    fn receive(&mut self, Incoming { element, is_cut }: Incoming) -> Result<(), String> {
        self.meter.next_stanza();
        self.heard_at = Instant::now();
        if element.is("error", ns::STREAM) {
            return Err(stream_error(&element));
        }
        match (element.name(), element.attr("type")) {
            ("iq", Some("result" | "error")) => {
                let is_answer = self.pending.settle(element, is_cut);
                self.hub.count_answer(is_answer);
                self.hub.note_in_flight(self.pending.count());
            }
            ("iq", _) if self.own.len() < MAX_REPLIES => self.own.extend(replies::reply(&element).map(Stanza::Iq)),
            ("message" | "presence", _) if !is_cut => self.hub.publish(&element),
            _ => {}
        }
        Ok(())
    }

    /// Pings a server that is silent, and gives it up in the end.
    fn watch(&mut self, now: Instant) -> Result<(), String> {
        if self.meter.read() != self.heard_bytes {
            self.heard_bytes = self.meter.read();
            self.heard_at = now;
        }
        if self.closing_at.is_some_and(|at| now.duration_since(at) > self.timing.close) {
            return Err("closed".to_owned());
        }
        self.pending.expire(now, self.timing.answer);
        self.hub.note_in_flight(self.pending.count());
        let quiet = self.pending.since().map(|since| now.duration_since(since.max(self.heard_at)));
        if quiet.is_some_and(|quiet| quiet > self.patience()) {
            return Err(format!("the server was silent for {} s", self.patience().as_secs_f64()));
        }
        let is_ping_due = quiet.is_some_and(|quiet| quiet >= self.timing.ping_after)
            || now.duration_since(self.heard_at) >= self.timing.keep_alive;
        if is_ping_due && !self.pending.has_ping() {
            self.ping(now);
        }
        Ok(())
    }

    /// Answers come no faster than a rate-limited server reads what was sent before.
    fn patience(&self) -> Duration {
        let unread_bytes = self.pending.unread_bytes(self.meter.written());
        self.timing.silence + Duration::from_secs(unread_bytes / SLOWEST_BYTES_PER_SECOND).min(SLOWEST_EXTRA)
    }

    fn ping(&mut self, now: Instant) {
        let Some(id) = unguessable_id() else { return };
        self.pending.insert(id.clone(), Some(self.server.clone()), None, self.meter.written(), now);
        self.own.push_back(Stanza::Iq(Iq::from_get(id, Ping).with_to(self.server.clone())));
    }

    /// Says good-bye, and takes the answers that still come.
    async fn last_words(&mut self) -> String {
        let limit = self.timing.close;
        let farewell = async {
            self.stream.shutdown().await.ok();
            while let Some(Ok(incoming)) = self.stream.next().await {
                let _ = self.receive(incoming);
            }
        };
        let _ = timeout(limit, farewell).await;
        "closed".to_owned()
    }
}
