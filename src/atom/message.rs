//! An edition as a chat message, for those who read no nodes: title, an empty line, link.

use crate::feed::Edition;

use super::address::Place;
use super::content::Content;
use super::{Style, feed_title, links, title_of};

/// The text; the feed's name comes first where several feeds speak in one place.
pub fn message(edition: &Edition, style: &Style, names_feed: bool) -> String {
    let place = Place::of(&edition.entry, &edition.source);
    let target = links::target(&edition.entry, &place);
    let title = title_of(edition, style, &Content::of(&edition.entry, &place), target.as_deref());
    let feed = feed_title(edition);
    let is_named = title.contains(&feed) || style.title.contains("{feed}");
    let first = if names_feed && !is_named { format!("{feed}: {title}") } else { title.clone() };
    match target.filter(|target| *target != title) {
        Some(target) => format!("{first}\n\n{target}"),
        None => first,
    }
}
