//! A pubsub server in memory behind the trait `Wire`: it keeps nodes, counts what subscribers are told, and can be told to
//! refuse, to lose and to be silent.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use minidom::Element;
use tidings::xmpp::{Request, RequestError, Status, Wire};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use xmpp_parsers::ns;

use super::room::Room;

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Mood {
    /// Carries it out and answers.
    Fine,
    /// An error stanza: type and condition.
    Refuse(&'static str, &'static str),
    /// The node is not as the publish demands (XEP-0060 §7.1.5).
    Unmet,
    /// Carries it out, and the answer is lost.
    TakeAndLose(&'static str),
    /// Does not carry it out, and the answer is lost.
    Lose(&'static str),
    /// No answer, ever.
    Silent,
    /// Carries it out, and whoever waits for the answer panics.
    TakeAndPanic,
}

type Rule = Box<dyn FnMut(&Asked) -> Option<Mood> + Send>;
type Answer = Result<Option<Element>, RequestError>;

/// A request, taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) service: String,
    /// `publish`, `retract`, `items`, `create`, `configure`, `info`, `list`, `find`.
    pub(crate) verb: &'static str,
    pub(crate) node: String,
    pub(crate) item: String,
    pub(crate) bytes: usize,
    pub(crate) payload: Option<Element>,
    /// Whether the node is to be as the publish says.
    pub(crate) is_conditional: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    pub(crate) items: Vec<(String, Element)>,
    pub(crate) max_items: usize,
}

#[derive(Default)]
struct World {
    nodes: HashMap<(String, String), Node>,
    told: Vec<(String, String)>,
    asked: Vec<Asked>,
    rule: Option<Rule>,
    in_flight: BTreeMap<String, (usize, usize)>,
    max_items: usize,
    has_service: bool,
    room: Room,
    inbox: Option<mpsc::Sender<Element>>,
}

/// The server.
#[derive(Clone)]
pub(crate) struct Script {
    world: Arc<Mutex<World>>,
    status: watch::Sender<Status>,
}

impl Script {
    pub(crate) fn new() -> Self {
        let world = World { max_items: 100, has_service: true, ..World::default() };
        let script =
            Self { world: Arc::new(Mutex::new(world)), status: watch::Sender::new(Status::Offline { reason: None }) };
        script.bind(1);
        script
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(crate) fn bind(&self, bind: u64) {
        self.status.send_replace(Status::Online { bind, jid: "bot@a.test/tidings-0".parse().unwrap() });
    }

    pub(crate) fn go_offline(&self) {
        self.status.send_replace(Status::Offline { reason: Some("gone".to_owned()) });
    }

    /// What the server does from now on; `None` of the rule is `Fine`.
    pub(crate) fn rule(&self, rule: impl FnMut(&Asked) -> Option<Mood> + Send + 'static) {
        self.world().rule = Some(Box::new(rule));
    }

    pub(crate) fn keep(&self, max_items: usize) {
        self.world().max_items = max_items;
    }

    pub(crate) fn has_service(&self, has: bool) {
        self.world().has_service = has;
    }

    /// Makes a node that holds items.
    pub(crate) fn hold(&self, node: &str, ids: &[&str]) {
        let items =
            ids.iter().map(|id| ((*id).to_owned(), Element::bare("entry", "http://www.w3.org/2005/Atom"))).collect();
        self.world().nodes.insert((SERVICE.to_owned(), node.to_owned()), Node { items, max_items: 100 });
    }

    /// Node and item of each notification, in order.
    pub(crate) fn told(&self) -> Vec<(String, String)> {
        self.world().told.clone()
    }

    /// Items that the subscribers of a node were told of, in order.
    pub(crate) fn told_at(&self, node: &str) -> Vec<String> {
        self.told().into_iter().filter(|(at, _)| at == node).map(|(_, item)| item).collect()
    }

    pub(crate) fn asked(&self, verb: &str) -> Vec<Asked> {
        self.world().asked.iter().filter(|asked| asked.verb == verb).cloned().collect()
    }

    /// The one room that there is.
    pub(crate) fn room<T>(&self, look: impl FnOnce(&mut Room) -> T) -> T {
        look(&mut self.world().room)
    }

    /// The most publishes of a node that were unanswered at once.
    pub(crate) fn widest(&self, node: &str) -> usize {
        self.world().in_flight.get(node).map_or(0, |(_, most)| *most)
    }
}

pub(crate) const SERVICE: &str = "pubsub.a.test";

impl Wire for Script {
    fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    fn request(&self, request: Request) -> BoxFuture<'static, Answer> {
        if !matches!(*self.status.borrow(), Status::Online { .. }) {
            return async { Err(RequestError::Offline) }.boxed();
        }
        let asked = take_apart(&request);
        let mut world = self.world();
        world.asked.push(asked.clone());
        let mood = world.rule.as_mut().and_then(|rule| rule(&asked)).unwrap_or(Mood::Fine);
        let is_publish = asked.verb == "publish";
        if is_publish {
            let (now, most) = world.in_flight.entry(asked.node.clone()).or_default();
            *now += 1;
            *most = (*most).max(*now);
        }
        let answer = match mood {
            Mood::Fine => world.carry_out(&asked),
            Mood::Refuse(kind, condition) => Err(error(kind, condition)),
            Mood::Unmet => Err(unmet()),
            Mood::TakeAndLose(reason) => {
                let _ = world.carry_out(&asked);
                Err(RequestError::Lost(reason.to_owned()))
            }
            Mood::Lose(reason) => Err(RequestError::Lost(reason.to_owned())),
            Mood::Silent => return futures::future::pending().boxed(),
            Mood::TakeAndPanic => {
                let _ = world.carry_out(&asked);
                return async { panic!("on purpose") }.boxed();
            }
        };
        let world = self.world.clone();
        async move {
            sleep(Duration::from_millis(10)).await;
            if is_publish && let Some((now, _)) = world.lock().unwrap().in_flight.get_mut(&asked.node) {
                *now -= 1;
            }
            answer
        }
        .boxed()
    }

    fn send(&self, stanza: Element) -> Result<(), RequestError> {
        let mut world = self.world();
        let answers = world.room.hear(&stanza);
        let inbox = world.inbox.clone();
        answers.into_iter().for_each(|answer| inbox.as_ref().unwrap().try_send(answer).unwrap());
        Ok(())
    }

    fn incoming(&self) -> mpsc::Receiver<Element> {
        let (inbox, incoming) = mpsc::channel(64);
        self.world().inbox = Some(inbox);
        incoming
    }
}

fn take_apart(request: &Request) -> Asked {
    let payload = &request.payload;
    let child = payload.children().next();
    let item = child.and_then(|child| child.children().find(|item| item.name() == "item"));
    let verb = match (payload.name(), child.map(Element::name)) {
        ("query", _) if payload.ns() == ns::DISCO_ITEMS => {
            if payload.attr("node").is_some() {
                "list"
            } else {
                "find"
            }
        }
        ("query", _) => "info",
        (_, Some("publish")) => "publish",
        (_, Some("retract")) => "retract",
        (_, Some("items")) => "items",
        (_, Some("create")) => "create",
        _ => "configure",
    };
    let node = child.and_then(|child| child.attr("node")).or_else(|| payload.attr("node"));
    Asked {
        service: request.to.as_ref().map(ToString::to_string).unwrap_or_default(),
        verb,
        node: node.unwrap_or_default().to_owned(),
        item: item.and_then(|item| item.attr("id")).unwrap_or_default().to_owned(),
        bytes: String::from(payload).len(),
        payload: item.and_then(|item| item.children().next()).cloned(),
        is_conditional: payload.has_child("publish-options", ns::PUBSUB),
    }
}

fn error(kind: &str, condition: &str) -> RequestError {
    let xml = format!("<error xmlns='jabber:client' type='{kind}'><{condition} xmlns='{}'/></error>", ns::XMPP_STANZAS);
    RequestError::Refused(xml.parse().unwrap())
}

fn unmet() -> RequestError {
    let xml = format!(
        "<error xmlns='jabber:client' type='cancel'><conflict xmlns='{}'/><precondition-not-met xmlns='{}'/></error>",
        ns::XMPP_STANZAS,
        ns::PUBSUB_ERRORS
    );
    RequestError::Refused(xml.parse().unwrap())
}

fn xml(text: &str) -> Answer {
    Ok(Some(text.parse().unwrap()))
}

impl World {
    fn carry_out(&mut self, asked: &Asked) -> Answer {
        let max_items = self.max_items;
        let key = (asked.service.clone(), asked.node.clone());
        let missing = || Err(error("cancel", "item-not-found"));
        match asked.verb {
            "find" => {
                let item = if self.has_service { format!("<item jid='{SERVICE}'/>") } else { String::new() };
                return xml(&format!("<query xmlns='{}'>{item}</query>", ns::DISCO_ITEMS));
            }
            "info" if asked.node.is_empty() => {
                return xml(&format!(
                    "<query xmlns='{}'><identity category='pubsub' type='service'/></query>",
                    ns::DISCO_INFO
                ));
            }
            "create" if self.nodes.contains_key(&key) => return Err(error("cancel", "conflict")),
            "create" => {
                self.nodes.insert(key, Node { items: Vec::new(), max_items });
                return Ok(None);
            }
            _ => {}
        }
        let Some(node) = self.nodes.get_mut(&key) else { return missing() };
        match asked.verb {
            "configure" => xml(&format!(
                "<pubsub xmlns='{}'><configure><x xmlns='{}' type='form'><field var='pubsub#max_items'><value>{}</value>\
                 </field></x></configure></pubsub>",
                ns::PUBSUB_OWNER,
                ns::DATA_FORMS,
                node.max_items
            )),
            "list" => {
                let items: String = node.items.iter().map(|(id, _)| format!("<item jid='x' name='{id}'/>")).collect();
                xml(&format!("<query xmlns='{}'>{items}</query>", ns::DISCO_ITEMS))
            }
            "items" => {
                let mut items = Element::builder("items", ns::PUBSUB);
                if let Some((id, payload)) = node.items.iter().find(|(id, _)| *id == asked.item) {
                    let id_name = minidom::rxml::xml_ncname!("id").to_owned();
                    items = items.append(
                        Element::builder("item", ns::PUBSUB).attr(id_name, id.as_str()).append(payload.clone()),
                    );
                }
                Ok(Some(Element::builder("pubsub", ns::PUBSUB).append(items).build()))
            }
            "publish" => {
                node.items.retain(|(id, _)| *id != asked.item);
                node.items.push((asked.item.clone(), asked.payload.clone().unwrap()));
                let surplus = node.items.len().saturating_sub(node.max_items);
                node.items.drain(..surplus);
                self.told.push((asked.node.clone(), asked.item.clone()));
                Ok(None)
            }
            "retract" => {
                let before = node.items.len();
                node.items.retain(|(id, _)| *id != asked.item);
                if node.items.len() == before { missing() } else { Ok(None) }
            }
            _ => xml(&format!("<query xmlns='{}'/>", ns::DISCO_INFO)),
        }
    }
}
