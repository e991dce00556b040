//! The document that benches read: a feed as blogs have it, a little over 2 KB an entry, with what feed-rs drops of it.

use std::time::Duration;

use tidings::feed::{Destination, FeedId, Time};
use tidings::ingest::{Arrival, Backfill, ItemIdScheme, OnRemove, OnUpdate, Plan, Rules};

/// What the configuration says of the feed by default.
pub(crate) struct Subscription {
    id: FeedId,
    rules: Rules,
    to: Vec<(Destination, Option<Backfill>)>,
}

impl Subscription {
    /// A feed with a node of its own.
    pub(crate) fn new(id: &str) -> Self {
        let day = Duration::from_secs(24 * 3600);
        let rules = Rules {
            backfill: Backfill::Newest(20),
            old_after: 30 * day,
            cool_down: Duration::from_secs(3600),
            on_update: OnUpdate::Publish,
            on_remove: OnRemove::Keep,
            item_id: ItemIdScheme::Tidings,
            filter: Vec::new(),
        };
        let node = Destination::Node { service: None, node: id.to_owned() };
        Self { id: FeedId::new(id).unwrap(), rules, to: vec![(node, Some(Backfill::Newest(20)))] }
    }

    /// As intake sees it.
    pub(crate) fn plan(&self) -> Plan<'_> {
        let Self { id, rules, to } = self;
        Plan { feed: id, key_id: id.as_str(), tags: &[], rules, to, is_rebuilt: false, routes: &[] }
    }

    /// A document of it that comes in.
    pub(crate) fn arrival(&self, body: String, at: Time) -> Arrival {
        Arrival {
            feed: self.id.clone(),
            at,
            base: format!("https://{}/feed", self.id),
            content_type: Some("application/rss+xml; charset=utf-8".to_owned()),
            body: body.into(),
            is_truncated: false,
            has_moved: false,
        }
    }
}

/// A second of the time that benches live in.
pub(crate) fn at(second: i64) -> Time {
    Time::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

/// RSS with these entries, the last one on top; 50 of them make 108 KB.
pub(crate) fn rss(entries: std::ops::Range<u64>) -> String {
    let paragraph = "<p>The quick brown fox &amp; the lazy dog — <a href=\"https://example.org/dogs?a=1&amp;b=2\">both</a> of them.</p>\n";
    let content = paragraph.repeat(14);
    let items: String = entries
        .rev()
        .map(|n| {
            let date = at(n as i64 * 60 - 1_000_000).to_rfc2822();
            format!(
                "<item><title>Entry {n} &#8211; of many</title><link>https://example.org/{n}/</link><dc:creator><![CDATA[Jane]]></dc:creator>\
                <pubDate>{date}</pubDate><category><![CDATA[cats]]></category>\
                <guid isPermaLink=\"false\">https://example.org/?p={n}</guid><description><![CDATA[{paragraph}]]></description>\
                <content:encoded><![CDATA[<p>This is {n}.</p>{content}]]></content:encoded><slash:comments>3</slash:comments></item>\n",
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" \
        xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:atom=\"http://www.w3.org/2005/Atom\" \
        xmlns:at=\"http://purl.org/atompub/tombstones/1.0\" \
        xmlns:sy=\"http://purl.org/rss/1.0/modules/syndication/\" xmlns:slash=\"http://purl.org/rss/1.0/modules/slash/\"><channel>\
        <title>A blog</title><link>https://example.org</link><description>Words</description>\
        <atom:link href=\"https://example.org/feed/\" rel=\"self\" type=\"application/rss+xml\"/>\
        <at:deleted-entry ref=\"https://example.org/?p=0\" when=\"2026-11-09T12:00:00Z\"/>\
        <sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>1</sy:updateFrequency>{items}</channel></rss>"
    )
}
