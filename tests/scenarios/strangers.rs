//! Hostile peers: they can neither forge an answer nor get the password, and it stands in no log.

use super::*;
use crate::support::certs::Authority;

const CANARY: &str = "canary-5f2d7c";

#[tokio::test]
async fn a_stranger_who_forges_answers_changes_nothing() {
    let mut scene = Scene::new().await;
    let entries = numbered(200);
    scene.feed("blog", &pairs(&entries[..1]));
    scene.once().await;
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "blog").await;
    let id = std::fs::read_to_string(scene.gateway.path("state.redb.id")).unwrap();
    let bot = format!("bot@a.test/tidings-{}", id.trim());
    let eve = Subscriber::connect(&scene.server.address(), "eve@a.test").await;
    scene.serve("blog", &pairs(&entries));
    scene.gateway.start(&["run"]);
    juliet.wait_for(5).await;
    let gone = "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
    for number in 0..300 {
        let forged = [
            format!("<iq xmlns='jabber:client' type='result' id='{:032x}' to='{bot}'/>", fastrand::u128(..)),
            format!("<iq xmlns='jabber:client' type='error' id='{number}' to='{bot}'>{gone}</iq>"),
            format!("<iq xmlns='jabber:client' type='get' id='{number}' to='{bot}'><q xmlns='urn:x'/></iq>"),
            format!("<message xmlns='jabber:client' type='error' to='{bot}'>{gone}</message>"),
        ];
        eve.send(&forged[number % 4]);
    }
    let expected: Vec<String> = entries[1..].iter().map(|(_, title)| title.clone()).collect();
    assert_eq!(told(&juliet.wait_for(expected.len()).await), expected);
    support::eventually("the forged answers in the status", async || {
        let status = scene.gateway.call(&["status", "--json"]).await.stdout;
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        (status["session"]["stray_answers"].as_u64() >= Some(100)).then_some(())
    })
    .await;
    assert!(!scene.gateway.output().contains("offline"), "{}", scene.gateway.output());
}

#[tokio::test]
async fn a_server_that_offers_only_plain_does_not_get_the_password() {
    let scene = Scene::with(Options { has_only_plain: true, ..Options::default() }, "").await;
    scene.feed("blog", &[("1", "One")]);
    let exit = scene.gateway.call(&["once"]).await;
    assert_eq!(exit.code, Some(77), "{}", exit.stderr);
    assert!(exit.stderr.contains("offers only PLAIN") && exit.stderr.contains("allow-plain"), "{}", exit.stderr);
}

#[tokio::test]
async fn a_server_with_the_certificate_of_another_name_or_authority_does_not_get_the_password() {
    let wrong_name = Options { certificate_for: Some("b.test".to_owned()), ..Options::default() };
    for options in [wrong_name, Options::default()] {
        let server = Prosody::start(options.clone()).await;
        let mut xmpp = server.xmpp(Tls::StartTls);
        let gateway = if options.certificate_for.is_none() {
            xmpp.ca_file = None;
            Gateway::new(&xmpp, QUICK)
        } else {
            Gateway::new(&xmpp, QUICK)
        };
        let feeds = FeedServer::start().await;
        let url = feeds.serve("/blog.xml", Page::atom(atom("Blog", &[("1", "One")])));
        gateway.feed("blog", &format!("url = {url:?}"));
        let exit = gateway.call(&["once", "--timeout", "3s"]).await;
        assert_eq!(exit.code, Some(75), "{}", exit.stderr);
        assert!(exit.stderr.contains("certificate"), "{}", exit.stderr);
        assert!(!server.log().contains("Authenticated as"), "{}", server.log());
    }
}

/// All ways in which a secret could stand in a log.
fn forms(secret: &str) -> Vec<String> {
    use data_encoding::{BASE64, HEXLOWER};
    let plain = BASE64.encode(format!("\0bot\0{secret}").as_bytes());
    let basic = BASE64.encode(format!("me:{secret}").as_bytes());
    vec![secret.to_owned(), BASE64.encode(secret.as_bytes()), HEXLOWER.encode(secret.as_bytes()), plain, basic]
}

#[tokio::test]
async fn a_password_stands_in_no_log_at_any_level() {
    let authority = std::sync::Arc::new(Authority::new());
    for has_only_plain in [false, true] {
        let accounts = [("bot", CANARY), ("juliet", "secret")].map(|(name, word)| (name.to_owned(), word.to_owned()));
        let options =
            Options { accounts: accounts.into(), has_only_plain, authority: authority.clone(), ..Options::default() };
        let mut scene = Scene::with(options, "").await;
        let toml = std::fs::read_to_string(scene.gateway.path("tidings.toml")).unwrap();
        let toml = if has_only_plain { toml.replace("[xmpp]\n", "[xmpp]\nallow-plain = true\n") } else { toml };
        scene.gateway.write("tidings.toml", &toml);
        scene.gateway.write("password", &format!("{CANARY}\n"));
        scene.feed_with("blog", "user = \"me\"\npassword-file = \"../password\"\n", &[("1", "One")]);
        scene.gateway.set("RUST_LOG", "trace");
        let exit = scene.gateway.call(&["once", "--all"]).await;
        assert_eq!(exit.code, Some(0), "{}", exit.stderr);
        assert!(exit.stderr.contains("TRACE"), "it is told in detail");
        // And when it is wrong.
        scene.gateway.write("password", &format!("{CANARY}-not\n"));
        scene.serve("blog", &[("1", "One"), ("2", "Two")]);
        let wrong = scene.gateway.call(&["once", "--all"]).await;
        assert_eq!(wrong.code, Some(77), "{}", wrong.stderr);
        let status = scene.gateway.call(&["status", "--json"]).await;
        for text in [&exit.stdout, &exit.stderr, &wrong.stdout, &wrong.stderr, &status.stdout] {
            for form in forms(CANARY).iter().chain(&forms(&format!("{CANARY}-not"))) {
                let line = text.lines().find(|line| line.contains(form.as_str()));
                assert!(line.is_none(), "{line:?}");
            }
        }
    }
}
