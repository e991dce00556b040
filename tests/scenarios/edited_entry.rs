//! An edited entry: its item is overwritten, and keeps its id and its date of publication.

use super::*;

#[tokio::test]
async fn an_edit_overwrites_the_item() {
    let scene = Scene::with(Options::default(), "cool-down = \"0s\"\n").await;
    scene.feed("blog", &[("1", "One"), ("2", "Two")]);
    scene.once().await;
    let before = scene.owner().await.items(&scene.pubsub(), "blog").await.unwrap();
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "blog").await;
    scene.serve("blog", &[("1", "One, corrected"), ("2", "Two")]);
    scene.once().await;
    assert_eq!(told(&juliet.wait_for(1).await), ["One, corrected"]);
    let after = scene.owner().await.items(&scene.pubsub(), "blog").await.unwrap();
    assert_eq!(after.len(), 2);
    let find = |items: &[(String, minidom::Element)], wanted: &str| {
        items
            .iter()
            .find(|(_, entry)| title(entry) == wanted)
            .map(|(id, entry)| (id.clone(), tidings::atom::read::Received::read(entry)))
            .unwrap()
    };
    let ((old_id, old), (new_id, new)) = (find(&before, "One"), find(&after, "One, corrected"));
    assert_eq!(old_id, new_id);
    assert_eq!(old.published, new.published);
    assert!(new.updated > old.updated);
}
