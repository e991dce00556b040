//! An independent XMPP client: plain stream, own request tracking, remembers everything that it is told, in order.
//!
//! It shares no code with the gateway's session, so that it shares none of its faults.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use futures::{SinkExt, StreamExt};
use minidom::Element;
use sasl::common::Credentials;
use tokio::io::BufStream;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_xmpp::xmlstream::{StreamHeader, Timeouts, XmlStream, initiate_stream};
use xmpp_parsers::ns;

use super::DEADLINE;

/// What a node's subscriber is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// An item was published.
    Item {
        /// By whom we are told.
        service: String,
        /// The node.
        node: String,
        /// The item's id.
        id: String,
        /// Its payload, if it came along.
        payload: Option<Element>,
    },
    /// An item was retracted.
    Retracted {
        /// The node.
        node: String,
        /// The item's id.
        id: String,
    },
    /// Any other stanza: a room's message, a request.
    Other(Element),
}

type Stream<T> = XmlStream<BufStream<TcpStream>, T>;
type Answer = Result<Option<Element>, Element>;

/// The client. It leaves when it is dropped.
pub struct Subscriber {
    jid: String,
    outgoing: mpsc::UnboundedSender<Element>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    events: Mutex<Vec<Event>>,
    waiting: Mutex<HashMap<String, oneshot::Sender<Answer>>>,
    count: watch::Sender<usize>,
}

impl Subscriber {
    /// Logs in over a plain stream, as `name@domain`, with the password of the harness's accounts.
    pub async fn connect(address: &str, account: &str) -> Self {
        timeout(DEADLINE, Self::log_in(address, account)).await.expect("the subscriber cannot log in in time")
    }

    async fn log_in(address: &str, account: &str) -> Self {
        let (user, domain) = account.split_once('@').unwrap();
        let header = || StreamHeader { to: Some(domain.into()), from: None, id: None };
        let tcp = BufStream::new(TcpStream::connect(address).await.unwrap());
        let pending = initiate_stream(tcp, ns::JABBER_CLIENT, header(), Timeouts::default()).await.unwrap();
        let (_, stream) = pending.recv_features().await.unwrap();
        let credentials = Credentials::default().with_username(user).with_password("secret");
        let mechanisms = BTreeSet::from(["SCRAM-SHA-1".to_owned()]);
        let stream = tokio_xmpp::client_login(stream, mechanisms, credentials).await.unwrap();
        let (_, mut stream): (_, Stream<Element>) =
            stream.send_header(header()).await.unwrap().recv_features().await.unwrap();
        let bind =
            xml("<iq xmlns='jabber:client' type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
        stream.send(&bind).await.unwrap();
        let bound = stream.next().await.unwrap().unwrap();
        let jid = bound.get_child("bind", ns::BIND).and_then(|bind| bind.get_child("jid", ns::BIND)).unwrap().text();
        let (outgoing, queue) = mpsc::unbounded_channel();
        let state = Arc::new(State::default());
        tokio::spawn(pump(stream, queue, state.clone()));
        Self { jid, outgoing, state }
    }

    /// Its full address.
    pub fn jid(&self) -> &str {
        &self.jid
    }

    /// Sends a request, gives the payload of the result, or the error.
    pub async fn request(&self, to: &str, kind: &str, payload: &str) -> Answer {
        let id = format!("subscriber-{:016x}", fastrand::u64(..));
        let (answer, answered) = oneshot::channel();
        self.state.waiting.lock().unwrap().insert(id.clone(), answer);
        self.send(&format!("<iq xmlns='jabber:client' type='{kind}' to='{to}' id='{id}'>{payload}</iq>"));
        let answered = timeout(DEADLINE, answered).await.unwrap_or_else(|_| panic!("{to} does not answer {payload}"));
        answered.expect("the subscriber's stream has ended")
    }

    /// Sends any stanza.
    pub fn send(&self, stanza: &str) {
        self.outgoing.send(xml(stanza)).expect("the subscriber's stream has ended");
    }

    /// Everything that it was told so far.
    pub fn events(&self) -> Vec<Event> {
        self.state.events.lock().unwrap().clone()
    }

    /// The ids of the items that it was told of, in order, repetitions included.
    pub fn ids(&self) -> Vec<String> {
        let id = |event| match event {
            Event::Item { id, .. } => Some(id),
            _ => None,
        };
        self.events().into_iter().filter_map(id).collect()
    }

    /// The texts of the messages that it got, in order.
    pub fn bodies(&self) -> Vec<String> {
        let body = |event| match event {
            Event::Other(stanza) => Some(stanza.get_child("body", ns::JABBER_CLIENT)?.text()),
            _ => None,
        };
        self.events().into_iter().filter_map(body).collect()
    }

    /// Waits until it was told of `count` things in all.
    pub async fn wait_for(&self, count: usize) -> Vec<Event> {
        let mut told = self.state.count.subscribe();
        if timeout(DEADLINE, told.wait_for(|told| *told >= count)).await.is_err() {
            panic!("waited for {count} events, was told of {}: {:#?}", self.events().len(), self.events());
        }
        self.events()
    }

    /// Waits until all that a service has sent before now is here: what goes between two stays in order (RFC 6120 §10.1).
    pub async fn catch_up(&self, service: &str) -> Vec<Event> {
        let _ = self.request(service, "get", "<query xmlns='http://jabber.org/protocol/disco#info'/>").await;
        self.events()
    }
}

async fn pump(mut stream: Stream<Element>, mut queue: mpsc::UnboundedReceiver<Element>, state: Arc<State>) {
    loop {
        tokio::select! {
            next = stream.next() => match next {
                Some(Ok(stanza)) => state.take(stanza),
                _ => break,
            },
            outgoing = queue.recv() => match outgoing {
                Some(stanza) => stream.send(&stanza).await.unwrap(),
                None => break,
            },
        }
    }
    state.waiting.lock().unwrap().clear();
}

impl State {
    fn take(&self, stanza: Element) {
        if stanza.name() == "iq" && matches!(stanza.attr("type"), Some("result" | "error")) {
            let waiting = self.waiting.lock().unwrap().remove(stanza.attr("id").unwrap_or_default());
            if let Some(answer) = waiting {
                let _ = answer.send(read_answer(&stanza));
            }
            return;
        }
        let events = read_events(stanza);
        let mut all = self.events.lock().unwrap();
        all.extend(events);
        self.count.send_replace(all.len());
    }
}

fn read_answer(stanza: &Element) -> Answer {
    match stanza.attr("type") {
        Some("result") => Ok(stanza.children().next().cloned()),
        _ => Err(stanza.get_child("error", ns::JABBER_CLIENT).unwrap_or(stanza).clone()),
    }
}

fn read_events(stanza: Element) -> Vec<Event> {
    let Some(items) =
        stanza.get_child("event", ns::PUBSUB_EVENT).and_then(|event| event.get_child("items", ns::PUBSUB_EVENT))
    else {
        return vec![Event::Other(stanza)];
    };
    let attr = |element: &Element, name: &str| element.attr(name).unwrap_or_default().to_owned();
    let (service, node) = (attr(&stanza, "from"), attr(items, "node"));
    let event = |child: &Element| match child.name() {
        "item" => Event::Item {
            service: service.clone(),
            node: node.clone(),
            id: attr(child, "id"),
            payload: child.children().next().cloned(),
        },
        _ => Event::Retracted { node: node.clone(), id: attr(child, "id") },
    };
    items.children().map(event).collect()
}

/// Reads an element that a test wrote.
pub fn xml(text: &str) -> Element {
    text.parse().unwrap_or_else(|error| panic!("{error}: {text}"))
}
