//! Where entries can go beside a feed's own node: microblogs, other people's nodes, other servers; and what nodes are like.

use std::collections::BTreeMap;

use super::*;
use crate::support::ejabberd::{self, Ejabberd};
use xmpp_parsers::ns;

const MICROBLOG: &str = "urn:xmpp:microblog:0";

/// A gateway of an account on a server, with feeds that the test serves.
struct Desk {
    gateway: Gateway,
    feeds: FeedServer,
}

impl Desk {
    async fn new(xmpp: &tidings::xmpp::Config) -> Self {
        Self { gateway: Gateway::new(xmpp, QUICK), feeds: FeedServer::start().await }
    }

    /// Configures a feed that goes there, and lets it have its first contact, which brings nothing.
    async fn feed(&self, id: &str, to: &str) {
        let url = self.serve(id, &[("1", "One")]);
        self.gateway.feed(id, &format!("url = {url:?}\nto = [{to}]"));
        self.once().await;
    }

    fn serve(&self, id: &str, entries: &[(&str, &str)]) -> String {
        self.feeds.serve(&format!("/{id}.xml"), Page::atom(atom(&format!("Feed {id}"), entries)))
    }

    /// What is told on the way.
    async fn once(&self) -> String {
        let exit = self.gateway.call(&["once", "--all"]).await;
        assert_eq!(exit.code, Some(0), "{}", exit.stderr);
        exit.stderr
    }

    /// A second entry of the feed comes.
    async fn news(&self, id: &str) -> String {
        self.serve(id, &[("1", "One"), ("2", &format!("News of {id}"))]);
        self.once().await
    }
}

async fn titles(reader: &Subscriber, service: &str, node: &str) -> Vec<String> {
    let items = reader.items(service, node).await.unwrap_or_default();
    let mut titles: Vec<String> = items.iter().map(|(_, entry)| title(entry)).collect();
    titles.sort();
    titles
}

/// What a service says of a node to anybody (XEP-0060 §5.4).
async fn metadata(reader: &Subscriber, service: &str, node: &str) -> BTreeMap<String, String> {
    let question = format!("<query xmlns='{}' node='{node}'/>", ns::DISCO_INFO);
    let answer = reader.request(service, "get", &question).await.unwrap().unwrap();
    let form = answer.get_child("x", ns::DATA_FORMS).unwrap();
    let field = |field: &minidom::Element| {
        Some((field.attr("var")?.to_owned(), field.children().map(minidom::Element::text).collect::<String>()))
    };
    form.children().filter_map(field).collect()
}

/// Two feeds go to the account's own microblog, which anybody may read.
async fn has_a_microblog(desk: &Desk, bot: &str, juliet: &Subscriber) {
    for id in ["blog", "links"] {
        desk.feed(id, "{ pep = true }").await;
    }
    for id in ["blog", "links"] {
        let told = desk.news(id).await;
        assert!(!told.contains("WARN"), "{told}");
    }
    assert_eq!(titles(juliet, bot, MICROBLOG).await, ["News of blog", "News of links"]);
    let first = &juliet.items(bot, MICROBLOG).await.unwrap()[0].1;
    let source = first.get_child("source", tidings::atom::ATOM).unwrap();
    assert!(title(source).starts_with("Feed "), "each says which feed it is from");
}

#[tokio::test]
async fn many_feeds_fill_the_microblog_of_the_account_on_prosody() {
    let server = Prosody::start(Options::default()).await;
    let desk = Desk::new(&server.xmpp(Tls::StartTls)).await;
    let juliet = Subscriber::connect(&server.address(), "juliet@a.test").await;
    has_a_microblog(&desk, "bot@a.test", &juliet).await;
}

#[tokio::test]
async fn ejabberd_has_microblogs_and_nodes_as_they_should_be() {
    let server = Ejabberd::start(ejabberd::Options::default()).await;
    let juliet = Subscriber::connect(&server.address(), "juliet@e.test").await;
    let mut desk = Desk::new(&server.xmpp(Tls::StartTls)).await;
    has_a_microblog(&desk, "bot@e.test", &juliet).await;

    let told = writes_into_another_microblog(&mut desk, &juliet, "juliet@e.test", "bot@e.test").await;
    assert!(told.contains("make this account a publisher"), "{told}");

    desk.feed("news", "{ node = \"news\" }").await;
    let owner = Subscriber::connect(&server.address(), "bot@e.test").await;
    is_as_it_should_be(&desk, &owner, &server.pubsub()).await;
}

/// Another account's microblog takes entries once its owner has made us a publisher; what is told before.
async fn writes_into_another_microblog(desk: &mut Desk, owner: &Subscriber, jid: &str, bot: &str) -> String {
    let id = jid.split('@').next().unwrap();
    desk.feed(id, &format!("{{ pep = {jid:?} }}")).await;
    let told = desk.news(id).await;
    assert_eq!(titles(owner, jid, MICROBLOG).await, [""; 0]);
    owner.create(jid, MICROBLOG, &[("access_model", "open")]).await;
    owner.affiliate(jid, MICROBLOG, bot, "publisher").await;
    desk.gateway.start(&["run"]);
    support::eventually("the entry in the microblog", async || {
        (titles(owner, jid, MICROBLOG).await == [format!("News of {id}")]).then_some(())
    })
    .await;
    desk.gateway.signal("TERM");
    desk.gateway.exit().await;
    told
}

#[tokio::test]
async fn another_accounts_microblog_takes_entries_once_we_are_a_publisher_also_across_servers() {
    let home = Options::default();
    let away = Options { authority: home.authority.clone(), ..Options::of("b.test") };
    let (server, far) = Prosody::start_pair(home, away).await;
    let mut desk = Desk::new(&server.xmpp(Tls::StartTls)).await;
    for (address, jid) in [(server.address(), "juliet@a.test"), (far.address(), "romeo@b.test")] {
        let owner = Subscriber::connect(&address, jid).await;
        let told = writes_into_another_microblog(&mut desk, &owner, jid, "bot@a.test").await;
        assert!(told.contains("nothing can be published there"), "{told}");
    }
    // A node of another server, where its owner has let us publish.
    let owner = Subscriber::connect(&far.address(), "bot@b.test").await;
    owner.create("pubsub.b.test", "blog", &[("publish_model", "publishers")]).await;
    owner.affiliate("pubsub.b.test", "blog", "bot@a.test", "publisher").await;
    desk.feed("far", "{ node = \"blog\", service = \"pubsub.b.test\", backfill = 1 }").await;
    desk.news("far").await;
    assert_eq!(titles(&owner, "pubsub.b.test", "blog").await, ["News of far", "One"]);
}

#[tokio::test]
async fn a_node_on_prosody_is_as_it_should_be() {
    let server = Prosody::start(Options::default()).await;
    let desk = Desk::new(&server.xmpp(Tls::StartTls)).await;
    desk.feed("news", "{ node = \"news\" }").await;
    let owner = Subscriber::connect(&server.address(), "bot@a.test").await;
    is_as_it_should_be(&desk, &owner, &server.pubsub()).await;
}

/// The node is what its form says, tells it to anybody, is repaired, and is called as the feed is.
async fn is_as_it_should_be(desk: &Desk, owner: &Subscriber, service: &str) {
    let told = metadata(owner, service, "news").await;
    assert_eq!(told["pubsub#type"], "urn:xmpp:pubsub-social-feed:1");
    assert_eq!(told["pubsub#title"], "Feed news");
    let expected = [
        ("access_model", "open"),
        ("publish_model", "publishers"),
        ("persist_items", "1"),
        ("send_last_published_item", "never"),
        ("notify_retract", "1"),
        ("deliver_payloads", "1"),
    ];
    let check = async || {
        let has = owner.configuration(service, "news").await;
        for (name, value) in expected {
            let Some(found) = has.get(&format!("pubsub#{name}")).map(|values| values.join(" ")) else { continue };
            let found = if found == "true" { "1".to_owned() } else { found };
            assert_eq!(found, value, "{name} of {has:?}");
        }
    };
    check().await;
    owner.configure(service, "news", &[("access_model", "whitelist"), ("notify_retract", "0")]).await;
    let renamed = atom("Better news", &[("1", "One"), ("2", "News of news")]);
    desk.feeds.serve("/news.xml", Page::atom(renamed));
    desk.once().await;
    check().await;
    assert_eq!(metadata(owner, service, "news").await["pubsub#title"], "Better news");
}
