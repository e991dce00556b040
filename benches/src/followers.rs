//! What a server does for those who follow a node: that, and not the gateway, is what many followers cost.

use crate::client::Client;
use crate::prosody::{DOMAIN, Prosody};
use crate::report::Row;

const FOLLOWERS: usize = 100;
/// Items that are published to nobody, and then to the followers.
const ITEMS: usize = 200;

/// Prosody's processor time for an item and for each follower that it is handed to, with memory storage.
pub(crate) async fn followers(_rounds: usize) -> Vec<Row> {
    let names: Vec<String> = (0..FOLLOWERS).map(|n| format!("follower{n}")).collect();
    let prosody = Prosody::with_accounts(&[names.clone(), vec!["bot".to_owned()]].concat()).await;
    let mut bot = Client::login(&prosody, "bot").await;
    bot.say(pubsub("<create node='n'/>"));
    bot.wait_for("type='result'", 1).await;

    let alone = publish(&prosody, &mut bot, &mut []).await;
    let mut followers = Vec::new();
    for name in &names {
        let mut follower = Client::login(&prosody, name).await;
        follower.say(format!("<presence/>{}", pubsub(&format!("<subscribe node='n' jid='{name}@{DOMAIN}'/>"))));
        follower.wait_for("subscription='subscribed'", 1).await;
        followers.push(follower);
    }
    let each = (publish(&prosody, &mut bot, &mut followers).await - alone) / FOLLOWERS as f64;
    vec![
        Row::figure("followers", "Prosody's CPU an item of 2 KB that nobody follows", alone * 1e3, "ms"),
        Row::figure("followers", "Prosody's CPU an item for each of 100 followers who are online", each * 1e3, "ms"),
    ]
}

/// Publishes, and waits until all have heard of all; what an item took of Prosody's processor time, in seconds.
async fn publish(prosody: &Prosody, bot: &mut Client, followers: &mut [Client]) -> f64 {
    let before = prosody.cpu_seconds();
    for n in 0..ITEMS {
        let words = "word ".repeat(400);
        let entry = format!(
            "<entry xmlns='http://www.w3.org/2005/Atom'><title>{n}</title><content type='text'>{words}</content></entry>"
        );
        bot.say(pubsub(&format!("<publish node='n'><item id='{n}'>{entry}</item></publish>")));
    }
    bot.wait_for("type='result'", ITEMS).await;
    for follower in followers {
        follower.wait_for("<item ", ITEMS).await;
    }
    (prosody.cpu_seconds() - before) / ITEMS as f64
}

fn pubsub(inside: &str) -> String {
    format!(
        "<iq type='set' id='q' to='pubsub.{DOMAIN}'><pubsub xmlns='http://jabber.org/protocol/pubsub'>{inside}</pubsub></iq>"
    )
}
