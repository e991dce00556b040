//! The server is away for long: what comes meanwhile waits at the price of a row, and goes out in order when it is back.

use super::monitoring::{get, sample};
use super::support::process::Port;
use super::*;

/// Feeds, and entries of each.
fn size() -> (usize, usize) {
    if support::is_nightly() { (200, 50) } else { (40, 25) }
}

/// The most memory that a process ever had, in MiB.
fn peak_mib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// Waits until so many rows wait, while some come or go.
async fn until_there_wait(web: &Port, expected: u64) {
    let waiting = || {
        let metrics = get(web, "/metrics").1;
        ["ready", "doubt"]
            .map(|state| sample(&metrics, &format!("tidings_outbox_items{{state=\"{state}\"}}")))
            .iter()
            .sum::<f64>()
    };
    support::eventually("metrics", async || std::net::TcpStream::connect(("127.0.0.1", web.number())).ok()).await;
    let mut before = waiting();
    while before != expected as f64 {
        let other = async || Some(waiting()).filter(|now| *now != before);
        before = support::eventually(&format!("another number of rows than {before}"), other).await;
    }
}

#[tokio::test]
async fn thousands_of_entries_come_while_the_server_is_away_and_all_arrive_in_order() {
    let (feeds, each) = size();
    let options = Options { rate: Some("2mb/s".to_owned()), ..Options::default() };
    let mut scene = Scene::with(options, "").await;
    let web = Port::take();
    // All feeds are on one host, and carry the same entries. Prosody keeps less than 10,000 items of a node, so there is no
    // node that takes them all.
    let bare = format!(
        "{}\n[[route]]\ndedup = false\nto = [{{ node = \"{{feed}}-too\" }}]\n[web]\nlisten = \"127.0.0.1:{}\"\n",
        QUICK.replace("host-interval = \"0s\"", "host-interval = \"0s\"\nper-host = 8"),
        web.number()
    );
    scene.gateway.configure(&scene.server.xmpp(Tls::StartTls), &bare);
    let entries = numbered(each + 1);
    let name = |feed: usize| format!("feed{feed:03}");
    for feed in 0..feeds {
        scene.feed(&name(feed), &pairs(&entries[..1]));
    }
    scene.once().await;
    scene.server.stop().await;
    for feed in 0..feeds {
        scene.serve(&name(feed), &pairs(&entries));
    }
    scene.gateway.start(&["run"]);
    // Each entry goes to two nodes.
    let expected = (2 * feeds * each) as u64;
    until_there_wait(&web, expected).await;
    // Whoever looks at all of it needs no memory for all of it.
    let shown = scene.gateway.call(&["status"]).await.stdout;
    assert!(shown.contains(&format!("outbox:   {expected} waiting")), "{shown}");
    let told_so_far = scene.gateway.output().lines().count();
    assert!(told_so_far < 15, "a line a change of state, not a line a try:\n{}", scene.gateway.output());
    let bytes = std::fs::metadata(scene.gateway.state()).unwrap().len();
    let per_entry = bytes / (feeds * each) as u64;
    println!("{expected} rows of {} entries: {bytes} bytes, {per_entry} an entry", feeds * each);
    scene.server.launch().await;
    until_there_wait(&web, 0).await;
    let peak = peak_mib(scene.gateway.id());
    println!("at most {peak} MiB");
    assert!(peak < 128, "{peak} MiB");
    assert_eq!(scene.gateway.output().matches("offline").count(), 1, "{}", scene.gateway.output());
    let titles: Vec<String> = entries.iter().map(|(_, title)| title.clone()).collect();
    for feed in [0, feeds / 2, feeds - 1] {
        assert_eq!(scene.titles(&name(feed)).await, titles);
        assert_eq!(scene.titles(&format!("{}-too", name(feed))).await, titles[1..]);
    }
}

#[tokio::test]
async fn a_stream_that_goes_silent_in_a_window_is_given_up_and_nothing_is_told_twice() {
    use crate::support::proxy::{Mood, Proxy};
    let mut scene = Scene::new().await;
    let proxy = Proxy::start(&scene.server.address()).await;
    let server = Some(proxy.address().to_owned());
    scene.gateway.configure(&tidings::xmpp::Config { server, ..scene.server.xmpp(Tls::StartTls) }, QUICK);
    let entries = numbered(300);
    scene.feed("blog", &pairs(&entries[..1]));
    scene.once().await;
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "blog").await;
    scene.serve("blog", &pairs(&entries));
    scene.gateway.start(&["run"]);
    juliet.wait_for(20).await;
    proxy.be(Mood::Swallow);
    scene.gateway.wait_for("the server was silent").await;
    proxy.be(Mood::Close);
    proxy.be(Mood::Pass);
    let expected: Vec<String> = entries[1..].iter().map(|(_, title)| title.clone()).collect();
    assert_eq!(told(&juliet.wait_for(expected.len()).await), expected);
    assert_eq!(juliet.catch_up(&scene.pubsub()).await.len(), expected.len());
}
