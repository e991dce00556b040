//! Rooms: what may have been said there is looked for in what they remember.

use super::room::ROOM;
use super::*;

fn room() -> Destination {
    Destination::Room { jid: ROOM.to_owned() }
}

#[tokio::test]
async fn what_a_room_remembers_is_not_said_again_and_it_is_entered_once_to_look() {
    let bench = Bench::new();
    bench.server.room(|room| room.loses_next = true);
    bench.publish("a", &["x"], &[&room()]).await;
    bench.run_out().await;
    assert_eq!(bench.server.room(|room| (room.said.len(), room.entered)), (1, 2));
    // What was acknowledged is no reason to come again.
    bench.publish("a", &["y"], &[&node("n")]).await;
    bench.drain().await;
    assert_eq!(bench.server.room(|room| room.entered), 2);
}

#[tokio::test]
async fn a_room_that_is_made_by_looking_into_it_is_made_a_lasting_one() {
    let mut bench = Bench::new();
    let settings = Arc::new(NodeSettings { create: true, ..NodeSettings::default() });
    let named = Named { settings, feeds: Vec::new(), is_routed: false, is_shared: false };
    bench.config.named.insert(room(), named);
    bench.server.room(|room| room.loses_next = true);
    bench.publish("a", &["x"], &[&room()]).await;
    let asked_room = |server: &Script| server.asked("info").iter().filter(|asked| asked.service == ROOM).count();
    {
        let _running = bench.start(Until::Fed);
        bench.wait("the message is in doubt", async || bench.facts(&room()).await.failures > 0).await;
        bench.server.room(|room| room.is_missing = true);
        bench.wait("it was said", async || bench.left().await.is_empty()).await;
    }
    assert_eq!(asked_room(&bench.server), 1, "its owner has submitted its form");
}
