//! A state that is damaged, too new, not to be written, or on a disk that is full: told by its exit code with the way out.

use std::fs;
use std::path::Path;

use super::monitoring::{get, sample};
use super::*;
use crate::support::process::Port;

/// A gateway without a server: it fails before it needs one.
fn alone() -> Gateway {
    let xmpp = tidings::xmpp::Config {
        jid: "bot@a.test".parse().unwrap(),
        password: tidings::xmpp::Password::Environment,
        server: Some("127.0.0.1:9".to_owned()),
        tls: Tls::None,
        ca_file: None,
        allow_plain: false,
        settle: None,
    };
    Gateway::new(&xmpp, QUICK)
}

/// The same with a state of some feeds that were never reached.
async fn with_a_state() -> (Gateway, Vec<u8>) {
    let gateway = alone();
    for number in 0..50 {
        gateway.feed(&format!("feed-{number}"), "url = \"http://127.0.0.1:9/\"\n");
    }
    let exit = gateway.call(&["once"]).await;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let state = fs::read(gateway.state()).unwrap();
    (gateway, state)
}

#[tokio::test]
async fn a_state_that_is_cut_short_empty_strange_or_gone_ends_with_78_and_the_way_out() {
    let (gateway, whole) = with_a_state().await;
    let half = whole[..whole.len() / 2].to_vec();
    for (what, damaged) in [
        ("cut short", Some(half)),
        ("empty", Some(Vec::new())),
        ("strange", Some(b"Dear Sir".to_vec())),
        ("gone", None),
    ] {
        match &damaged {
            Some(bytes) => fs::write(gateway.state(), bytes).unwrap(),
            None => fs::remove_file(gateway.state()).unwrap(),
        }
        for verb in [["once"].as_slice(), &["run"], &["status"], &["outbox", "list"]] {
            let exit = gateway.call(verb).await;
            assert_eq!(exit.code, Some(78), "{what}, {verb:?}: {}", exit.stderr);
            assert!(exit.stderr.contains("--rebuild"), "{what}, {verb:?}: {}", exit.stderr);
        }
        assert_eq!(fs::read(gateway.state()).ok(), damaged, "{what}: it was touched");
    }
    assert_eq!(gateway.call(&["once", "--rebuild"]).await.code, Some(0));
    assert_eq!(gateway.call(&["once"]).await.code, Some(0));
}

#[tokio::test]
async fn a_newer_state_ends_with_78_and_is_not_written_to() {
    let (gateway, _) = with_a_state().await;
    let database = redb::Database::open(gateway.state()).unwrap();
    let transaction = database.begin_write().unwrap();
    let meta = redb::TableDefinition::<&str, &str>::new("meta");
    transaction.open_table(meta).unwrap().insert("format", "99").unwrap();
    transaction.commit().unwrap();
    drop(database);
    let before = fs::read(gateway.state()).unwrap();
    for verb in [["once"].as_slice(), &["once", "--rebuild"], &["run"], &["status"]] {
        let exit = gateway.call(verb).await;
        assert_eq!(exit.code, Some(78), "{verb:?}: {}", exit.stderr);
        assert!(
            exit.stderr.contains("has format 99") && exit.stderr.contains("use the newer program"),
            "{}",
            exit.stderr
        );
    }
    assert!(fs::read(gateway.state()).unwrap() == before);
}

#[tokio::test]
async fn flipped_bits_never_end_otherwise_than_by_a_code_with_a_way_out_and_can_be_rebuilt() {
    let (gateway, whole) = with_a_state().await;
    let rounds = if support::is_nightly() { 200 } else { 10 };
    for round in 0..rounds {
        let mut damaged = whole.clone();
        // In the head, where every bit counts, and anywhere.
        let place = fastrand::usize(..if round % 2 == 0 { 320 } else { whole.len() });
        damaged[place] ^= 1 << fastrand::u8(..8);
        fs::write(gateway.state(), &damaged).unwrap();
        let exit = gateway.call(&["once"]).await;
        assert!(matches!(exit.code, Some(0 | 74 | 78)), "byte {place}: {:?} {}", exit.code, exit.stderr);
        assert!(exit.code != Some(78) || exit.stderr.contains("--rebuild"), "byte {place}: {}", exit.stderr);
        fs::write(gateway.state(), &damaged).unwrap();
        let exit = gateway.call(&["once", "--rebuild"]).await;
        assert_eq!(exit.code, Some(0), "byte {place}: {}", exit.stderr);
    }
}

/// Runs what follows with the folder `disk` on a disk of its own.
fn on_a_disk(mount: &str) -> String {
    format!("mkdir -p disk && mount -t tmpfs {mount} none disk && exec \"$@\"")
}

fn keep_state_on_disk(gateway: &Gateway) {
    let text = fs::read_to_string(gateway.path("tidings.toml")).unwrap();
    gateway.write("tidings.toml", &text.replace("\"state.redb\"", "\"disk/state.redb\""));
}

#[tokio::test]
async fn a_state_on_a_disk_that_cannot_be_written_ends_with_73_and_one_that_exists_with_74() {
    let (mut gateway, _) = with_a_state().await;
    let state = gateway.state();
    keep_state_on_disk(&gateway);
    let never = on_a_disk("-o ro");
    let once = format!(
        "mkdir -p disk && mount -t tmpfs none disk && cp {} disk/ && mount -o remount,ro disk && exec \"$@\"",
        state.display()
    );
    for (script, code) in [(never.as_str(), 73), (once.as_str(), 74)] {
        gateway.start_under(&["unshare", "-rm", "sh", "-c", script, "sh"], &["once"]);
        let status = gateway.exit().await;
        let output = gateway.output();
        assert_eq!(status.code(), Some(code), "{output}");
        assert!(output.contains("hint: "), "{output}");
    }
}

/// Takes up room until nothing is left.
fn fill(disk: &Path) {
    let mut filler = fs::File::create(disk.join("filler")).unwrap();
    while std::io::Write::write_all(&mut filler, &[0; 4096]).is_ok() {}
}

#[tokio::test]
async fn a_full_disk_stops_polling_and_all_goes_on_when_there_is_room() {
    let mut scene = Scene::new().await;
    keep_state_on_disk(&scene.gateway);
    let entries = numbered(12);
    scene.feed("blog", &pairs(&entries[..1]));
    scene.gateway.start_under(&["unshare", "-rm", "sh", "-c", &on_a_disk("-o size=8m"), "sh"], &["run"]);
    support::eventually("the first entry", async || (scene.titles("blog").await.len() == 1).then_some(())).await;
    let disk = std::path::PathBuf::from(format!("/proc/{}/root", scene.gateway.id()))
        .join(scene.gateway.path("disk").strip_prefix("/").unwrap());
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "blog").await;

    fill(&disk);
    // More than the free pages of the file can hold.
    let filling = "word ".repeat(12_000);
    let bulky = atom("Feed blog", &pairs(&entries)).replace("About ", &filling);
    scene.feeds.serve("/blog.xml", Page::atom(bulky));
    scene.gateway.wait_for("a poll cannot be written down").await;
    let asked = scene.feeds.asked("/blog.xml").len();
    // Two probes, fifteen seconds apart.
    scene.feeds.wait_for("/blog.xml", asked + 2).await;
    let output = scene.gateway.output();
    assert_eq!(output.matches("a poll cannot be written down").count(), 1, "{output}");
    assert!(scene.feeds.asked("/blog.xml").len() <= asked + 3, "it is polled on and on");

    fs::remove_file(disk.join("filler")).unwrap();
    scene.gateway.wait_for("polls are written down again").await;
    let expected: Vec<String> = entries[1..].iter().map(|(_, title)| title.clone()).collect();
    assert_eq!(told(&juliet.wait_for(expected.len()).await).len(), expected.len());
    assert!(scene.gateway.is_running());
}

#[tokio::test]
async fn what_waits_when_the_disk_fills_is_sent_and_acknowledged_all_the_same() {
    use crate::support::proxy::{Mood, Proxy};
    let mut scene = Scene::new().await;
    let proxy = Proxy::start(&scene.server.address()).await;
    let server = Some(proxy.address().to_owned());
    let web = Port::take();
    let settings = format!("{QUICK}\n[web]\nlisten = \"127.0.0.1:{}\"\n", web.number());
    scene.gateway.configure(&tidings::xmpp::Config { server, ..scene.server.xmpp(Tls::StartTls) }, &settings);
    keep_state_on_disk(&scene.gateway);
    let entries = numbered(300);
    let (waiting, last) = (299, 300);
    scene.feed("blog", &pairs(&entries[..1]));
    scene.gateway.start_under(&["unshare", "-rm", "sh", "-c", &on_a_disk("-o size=12m"), "sh"], &["run"]);
    support::eventually("the first entry", async || (scene.titles("blog").await.len() == 1).then_some(())).await;
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "blog").await;
    proxy.be(Mood::Close);
    scene.gateway.wait_for("offline").await;
    scene.serve("blog", &pairs(&entries[..waiting]));
    // The first of these polls was written down when the third one comes.
    let asked = scene.feeds.asked("/blog.xml").len();
    scene.feeds.wait_for("/blog.xml", asked + 3).await;
    let disk = std::path::PathBuf::from(format!("/proc/{}/root", scene.gateway.id()))
        .join(scene.gateway.path("disk").strip_prefix("/").unwrap());
    fill(&disk);
    proxy.be(Mood::Pass);
    let titles = |of: &[(String, String)]| of.iter().map(|(_, title)| title.clone()).collect::<Vec<_>>();
    assert_eq!(told(&juliet.wait_for(waiting - 1).await), titles(&entries[1..waiting]));
    let left = |state| sample(&get(&web, "/metrics").1, &format!("tidings_outbox_items{{state=\"{state}\"}}"));
    let is_settled = async || (left("ready") + left("doubt") == 0.0).then_some(());
    support::eventually("all acknowledgements", is_settled).await;

    // What is new has to wait for room.
    scene.serve("blog", &pairs(&entries[..last]));
    scene.gateway.wait_for("a poll cannot be written down").await;
    fs::remove_file(disk.join("filler")).unwrap();
    assert_eq!(told(&juliet.wait_for(last - 1).await), titles(&entries[1..]));
    assert_eq!(juliet.catch_up(&scene.pubsub()).await.len(), last - 1);
    assert!(scene.gateway.is_running());
}

#[tokio::test]
async fn damage_that_is_met_while_running_is_told_once_and_ends_with_78_and_the_way_out() {
    let mut gateway = alone();
    let feeds = FeedServer::start().await;
    let url = feeds.serve("/blog.xml", Page::atom(atom("Blog", &pairs(&numbered(300)))));
    gateway.feed("blog", &format!("url = {url:?}\nevery = \"1h\"\nbackfill = 0"));
    assert_eq!(gateway.call(&["once"]).await.code, Some(0));
    let whole = fs::read(gateway.state()).unwrap();
    gateway.start(&["run"]);
    gateway.wait_for("running").await;
    // All but the head turns into nonsense. What was read before is in memory; an error of the disk makes the gateway read anew.
    let file = fs::File::options().write(true).open(gateway.state()).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &vec![0x5a; whole.len() - 4096], 4096).unwrap();
    let _strace = gateway.spoil_disk(":when=1").await;
    gateway.call(&["feeds", "poll", "blog"]).await;
    let status = gateway.exit().await;
    let output = gateway.output();
    assert_eq!(status.code(), Some(78), "{output}");
    assert!(output.contains("--rebuild") && output.matches("is lost").count() == 1, "{output}");
}

#[tokio::test]
async fn once_on_a_full_disk_ends_with_74() {
    let mut scene = Scene::new().await;
    keep_state_on_disk(&scene.gateway);
    let filling = "word ".repeat(12_000);
    let entries = numbered(12);
    let bulky = atom("Feed blog", &pairs(&entries)).replace("About ", &filling);
    let url = scene.feeds.serve("/blog.xml", Page::atom(bulky));
    scene.gateway.feed("blog", &format!("url = {url:?}\nbackfill = \"all\""));
    scene.gateway.start_under(&["unshare", "-rm", "sh", "-c", &on_a_disk("-o size=600k"), "sh"], &["once"]);
    let status = scene.gateway.exit().await;
    assert_eq!(status.code(), Some(74), "{}", scene.gateway.output());
}
