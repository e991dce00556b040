//! feed-rs's model, and what it dropped, in our words.
//!
//! Texts as read, addresses absolute; no id is ever made up.

use feed_rs::model;
use url::Url;

use crate::feed::{Category, Entry, FeedMeta, Link, Person, Text};

use super::address::absolute;
use super::document::{Document, Hints};
use super::extras::{Extras, MAX_LINKS};
use super::link::is_web;
use super::survey::Survey;
use super::wording::{looks_like_html, plain, without_void_ends};

/// A document: what feed-rs read, and what the survey took out beside it.
pub(super) fn document(feed: model::Feed, survey: Survey, base: Option<&Url>) -> Document {
    let lang = survey.lang.or(feed.language).map(|lang| lang.trim().to_owned()).filter(|lang| !lang.is_empty());
    let prev_archive = rel(&feed.links, "prev-archive").and_then(|href| absolute(href, base));
    let meta = FeedMeta {
        id: given(feed.id),
        title: feed.title.map(|text| plain(&text.content)).and_then(given),
        description: feed.description.map(|text| plain(&text.content)).and_then(given),
        link: page(&feed.links).and_then(|href| absolute(href, base)),
        self_link: rel(&feed.links, "self").and_then(|href| absolute(href, base)),
        updated: feed.updated.or(feed.published),
        authors: feed.authors.into_iter().filter_map(person).collect(),
        lang,
    };
    let is_atom = feed.feed_type == model::FeedType::Atom;
    let mut extras = survey.extras.into_iter();
    let entries =
        feed.entries.into_iter().map(|read| entry(read, extras.next().unwrap_or_default(), &meta, is_atom, base));
    Document {
        entries: entries.collect(),
        meta,
        hints: Hints { ttl_minutes: feed.ttl, ..survey.hints },
        is_truncated: false,
        tombstones: survey.tombstones,
        is_complete: survey.is_complete,
        prev_archive,
        read_by: "fast".to_owned(),
    }
}

fn entry(mut read: model::Entry, extras: Extras, meta: &FeedMeta, is_atom: bool, base: Option<&Url>) -> Entry {
    let id = given(read.id);
    let is_permalink = if is_atom { None } else { extras.is_permalink };
    let permalink = id.as_deref().filter(|id| is_permalink != Some(false) && is_web(id));
    let link = page(&read.links).or(page_of_extras(&extras.links)).or(permalink).and_then(|href| absolute(href, base));
    let elsewhere = read
        .content
        .as_ref()
        .filter(|content| content.body.is_none())
        .and_then(|content| out_of_line(content, &extras));
    // YouTube's and podcasters' words on an entry stand in the media only.
    let described = read.media.iter_mut().find_map(|object| object.description.take());
    let (summary, content) = texts(read.summary.or(described), read.content, is_atom);
    let mut links = extras.links;
    let is_page = |other: &model::Link| {
        link.as_deref() == Some(&other.href) && other.rel.as_deref().is_none_or(|rel| rel == "alternate")
    };
    let others = read.links.into_iter().filter(|other| !is_page(other)).chain(elsewhere);
    let others = others.map(|link| other_link(link, base));
    for other in others.chain(media(read.media)) {
        if links.len() < MAX_LINKS && !other.href.is_empty() && !links.iter().any(|known| known.href == other.href) {
            links.push(other);
        }
    }
    links.retain(|other| other.rel != "alternate" || link.as_ref() != Some(&other.href));
    let mut categories: Vec<_> = read.categories.into_iter().map(category).collect();
    categories.extend(extras.categories);
    Entry {
        is_permalink,
        original_link: extras.original_link.and_then(|href| absolute(&href, base)),
        title: read.title.map(|title| text(title, is_atom)).filter(|title| !title.is_blank()),
        published: read.published,
        // feed-rs copies the date of publication here in RSS; the feed did not give it.
        updated: read.updated.filter(|updated| is_atom || read.published != Some(*updated)),
        authors: authors(read.authors, extras.author),
        summary,
        content,
        categories,
        rights: read
            .rights
            .map(|rights| text(rights, is_atom))
            .or(extras.rights.map(Text::Plain))
            .filter(|rights| !rights.is_blank()),
        lang: read.language.and_then(given).or(extras.lang).or_else(|| meta.lang.clone()),
        // Atom resolves against the document (RFC 4287 §2); RSS says nothing, and writers mean the entry's page.
        base: extras.base.or_else(|| link.clone().filter(|_| !is_atom)).or_else(|| base.map(Url::to_string)),
        links,
        link,
        id,
    }
}

/// A text that says something, trimmed.
fn given(text: String) -> Option<String> {
    Some(trimmed(text)).filter(|text| !text.is_empty())
}

fn trimmed(mut text: String) -> String {
    text.truncate(text.trim_end().len());
    text.drain(..text.len() - text.trim_start().len());
    text
}

/// The web page among links: the first alternate one, an HTML one before others. RSS gives it no relation.
fn page(links: &[model::Link]) -> Option<&str> {
    let is_page = |link: &&model::Link| {
        link.target.is_none() && matches!(link.rel.as_deref(), None | Some("alternate")) && !link.href.is_empty()
    };
    let is_html = |link: &&model::Link| link.media_type.as_deref().is_none_or(|kind| kind.contains("html"));
    links.iter().filter(is_page).find(is_html).or_else(|| links.iter().find(is_page)).map(|link| link.href.as_str())
}

/// Content that stands elsewhere (RFC 4287 §4.1.3.2); feed-rs does not apply `xml:base` to it.
fn out_of_line(content: &model::Content, extras: &Extras) -> Option<model::Link> {
    let src = content.src.clone()?;
    let base = extras.base.as_deref().and_then(|base| Url::parse(base).ok());
    let href = absolute(&src.href, base.as_ref())?;
    let media_type = Some(content.content_type.to_string());
    Some(model::Link { href, rel: Some("enclosure".to_owned()), media_type, ..src })
}

fn page_of_extras(links: &[Link]) -> Option<&str> {
    links.iter().find(|link| link.rel == "alternate").map(|link| link.href.as_str())
}

fn rel<'a>(links: &'a [model::Link], rel: &str) -> Option<&'a str> {
    links.iter().find(|link| link.rel.as_deref() == Some(rel)).map(|link| link.href.as_str())
}

fn other_link(link: model::Link, base: Option<&Url>) -> Link {
    let rel = match link.target {
        // RFC 4685 §4 and the RSS of an entry's comments.
        Some(model::LinkTarget::Comments | model::LinkTarget::CommentsFeed) => "replies",
        None => link.rel.as_deref().unwrap_or("alternate"),
    };
    Link {
        href: absolute(&link.href, base).unwrap_or_default(),
        rel: rel.to_owned(),
        media_type: link.media_type,
        title: link.title,
        length: link.length,
        lang: link.href_lang,
    }
}

fn media(objects: Vec<model::MediaObject>) -> impl Iterator<Item = Link> {
    objects.into_iter().flat_map(|object| {
        let title = object.title.map(|title| title.content);
        object.content.into_iter().map(move |content| Link {
            href: content.url.map_or_else(String::new, String::from),
            rel: "enclosure".to_owned(),
            media_type: content.content_type.map(|kind| kind.to_string()),
            title: title.clone(),
            length: content.size,
            lang: None,
        })
    })
}

fn category(read: model::Category) -> Category {
    Category { term: read.term, label: read.label, scheme: read.scheme }
}

fn person(read: model::Person) -> Option<Person> {
    let person = Person {
        // feed-rs leaves the parentheses of `mail (name)`.
        name: read.name.map(|name| name.trim().trim_matches(['(', ')', '<', '>', ' ']).to_owned()).and_then(given),
        email: read.email.and_then(given),
        uri: read.uri.and_then(given),
    };
    (person != Person::default()).then_some(person)
}

/// The authors of an entry, else the one that podcasts name.
fn authors(read: Vec<model::Person>, podcaster: Option<String>) -> Vec<Person> {
    let authors: Vec<_> = read.into_iter().filter_map(person).collect();
    if authors.is_empty() {
        podcaster.map(|name| Person { name: Some(name), ..Person::default() }).into_iter().collect()
    } else {
        authors
    }
}

/// A text construct. RSS does not say whether a text is HTML; one that shows it is taken as such.
fn text(read: model::Text, is_atom: bool) -> Text {
    match read.content_type.subty().as_str() {
        "plain" if is_atom || !looks_like_html(&read.content) => Text::Plain(read.content),
        kind if kind.starts_with("xhtml") => Text::Html(without_void_ends(read.content)),
        _ => Text::Html(read.content),
    }
}

/// Summary and content; a summary that stands alone is the content.
fn texts(summary: Option<model::Text>, content: Option<model::Content>, is_atom: bool) -> (Option<Text>, Option<Text>) {
    let content = content.and_then(|content| {
        let body = content.body.filter(|body| !body.trim().is_empty())?;
        let read = model::Text { content_type: content.content_type, src: None, content: trimmed(body) };
        Some(text(read, is_atom))
    });
    let summary = summary.map(|summary| text(summary, is_atom)).filter(|summary| !summary.is_blank());
    match content {
        None => (None, summary),
        Some(content) => (summary, Some(content)),
    }
}
