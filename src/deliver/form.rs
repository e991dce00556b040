//! Pure: the configuration form of a node (XEP-0060 §8.2, XEP-0068), and what a server's forms say.
//!
//! Title, description and type are always sent, whatever the server's own form lists: ejabberd lists none and keeps all.

use std::collections::BTreeMap;

use minidom::Element;
use minidom::rxml::xml_ncname;
use xmpp_parsers::ns;

use crate::feed::FeedMeta;

use super::settings::{Access, NodeSettings};

/// Fields of a form by their names without `pubsub#`; several values of one field are joined by a line break.
pub(crate) type Fields = BTreeMap<String, String>;

const MOST_TITLE_CHARS: usize = 200;

/// The whole configuration that a node is to have. `meta` is what its feed says of itself, when it follows one.
pub(crate) fn wanted(settings: &NodeSettings, node: &str, meta: Option<&FeedMeta>) -> Fields {
    let line =
        |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MOST_TITLE_CHARS).collect();
    let title: String = meta
        .and_then(|meta| meta.title.as_deref())
        .map(line)
        .filter(|title: &String| !title.is_empty())
        .unwrap_or_else(|| node.to_owned());
    let description: String = meta
        .and_then(|meta| meta.description.as_deref().or(meta.link.as_deref()))
        .map(line)
        .filter(|text: &String| !text.is_empty())
        .unwrap_or_else(|| title.clone());
    let max_items = settings.max_items.map_or_else(|| "max".to_owned(), |most| most.to_string());
    let access = match settings.access {
        Access::Open => "open",
        Access::Whitelist => "whitelist",
        Access::Presence => "presence",
    };
    let fields = [
        ("title", title.as_str()),
        ("description", description.as_str()),
        ("type", settings.kind.as_str()),
        ("access_model", access),
        ("publish_model", "publishers"),
        ("persist_items", "1"),
        ("max_items", max_items.as_str()),
        ("send_last_published_item", "never"),
        ("notify_retract", "1"),
        ("deliver_payloads", if settings.strict_0472 { "0" } else { "1" }),
        ("notification_type", "headline"),
        ("itemreply", "publisher"),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What a microblog must be like for a publish to be taken. These two fields are those that every server takes there:
/// ejabberd refuses others.
pub(crate) fn preconditions(settings: &NodeSettings) -> Fields {
    let mut fields = wanted(settings, "", None);
    fields.retain(|name, _| matches!(name.as_str(), "access_model" | "persist_items"));
    fields
}

/// The order in which fields are given up when a server refuses a form without naming the field.
const GIVEN_UP: [&str; 10] = [
    "itemreply",
    "notification_type",
    "deliver_payloads",
    "notify_retract",
    "send_last_published_item",
    "publish_model",
    "max_items",
    "type",
    "description",
    "title",
];

/// The field to leave out of a form that was refused with this text: the one that the text names, else the least needed.
pub(crate) fn least_needed<'a>(fields: &'a Fields, text: &str) -> Option<&'a str> {
    let named = fields
        .keys()
        .find(|name| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name.as_str()));
    named.map(String::as_str).or_else(|| GIVEN_UP.iter().find_map(|name| Some(fields.get_key_value(*name)?.0.as_str())))
}

/// A form of type submit; `kind` is its FORM_TYPE.
pub(crate) fn submit(fields: &Fields, kind: &str) -> Element {
    let field = |name: &str, value: &str| {
        let value = Element::builder("value", ns::DATA_FORMS).append(value);
        Element::builder("field", ns::DATA_FORMS).attr(xml_ncname!("var").to_owned(), name).append(value).build()
    };
    let form_type = Element::builder("field", ns::DATA_FORMS)
        .attr(xml_ncname!("var").to_owned(), "FORM_TYPE")
        .attr(xml_ncname!("type").to_owned(), "hidden")
        .append(Element::builder("value", ns::DATA_FORMS).append(kind));
    Element::builder("x", ns::DATA_FORMS)
        .attr(xml_ncname!("type").to_owned(), "submit")
        .append(form_type)
        .append_all(fields.iter().map(|(name, value)| field(&format!("pubsub#{name}"), value)))
        .build()
}

/// The fields of the first form anywhere in an answer.
pub(crate) fn read(answer: &Element) -> Fields {
    let Some(form) = find_form(answer) else { return Fields::new() };
    let values = |field: &Element| {
        field.children().filter(|child| child.name() == "value").map(Element::text).collect::<Vec<_>>().join("\n")
    };
    form.children()
        .filter(|child| child.name() == "field")
        .filter_map(|field| Some((field.attr("var")?.strip_prefix("pubsub#")?.to_owned(), values(field))))
        .collect()
}

fn find_form(element: &Element) -> Option<&Element> {
    if element.is("x", ns::DATA_FORMS) { Some(element) } else { element.children().find_map(find_form) }
}

/// The wanted fields that a node has otherwise. A field that the server does not tell is taken to be right: it was sent
/// when the node was made, and asking for it again and again would repair nothing.
pub(crate) fn differences(wanted: &Fields, has: &Fields) -> Fields {
    wanted
        .iter()
        .filter(|(name, value)| has.get(*name).is_some_and(|found| !means_same(name, found, value)))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Servers write booleans both ways, and `max` as the number that it stands for.
fn means_same(name: &str, found: &str, wanted: &str) -> bool {
    let truth = |text: &str| match text {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    };
    found == wanted
        || (truth(found).is_some() && truth(found) == truth(wanted))
        || (name == "max_items" && wanted == "max" && found.parse::<u64>().is_ok_and(|most| most > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_form_has_everything_that_makes_posts_show() {
        let meta = FeedMeta {
            title: Some(" Harbour\n Log ".to_owned()),
            link: Some("https://harbour.example/".to_owned()),
            ..FeedMeta::default()
        };
        let form = submit(&wanted(&NodeSettings::default(), "harbour", Some(&meta)), ns::PUBSUB_CONFIGURE);
        let lines: Vec<String> = form
            .children()
            .map(|field| {
                format!("{} = {}", field.attr("var").unwrap(), field.children().map(Element::text).collect::<String>())
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        FORM_TYPE = http://jabber.org/protocol/pubsub#node_config
        pubsub#access_model = open
        pubsub#deliver_payloads = 1
        pubsub#description = https://harbour.example/
        pubsub#itemreply = publisher
        pubsub#max_items = max
        pubsub#notification_type = headline
        pubsub#notify_retract = 1
        pubsub#persist_items = 1
        pubsub#publish_model = publishers
        pubsub#send_last_published_item = never
        pubsub#title = Harbour Log
        pubsub#type = urn:xmpp:pubsub-social-feed:1
        ");
    }

    #[test]
    fn a_node_without_a_feed_is_named_after_itself() {
        let wanted = wanted(&NodeSettings::default(), "topic-rust", None);
        assert_eq!((wanted["title"].as_str(), wanted["description"].as_str()), ("topic-rust", "topic-rust"));
    }

    #[test]
    fn the_field_that_the_server_names_is_given_up_first() {
        let form = fields(&[("itemreply", "publisher"), ("max_items", "max"), ("title", "x")]);
        for (text, expected) in [
            ("Unknown option: pubsub#max_items", "max_items"),
            ("'title' is no good", "title"),
            ("the titles are wrong", "itemreply"),
            ("", "itemreply"),
        ] {
            assert_eq!(least_needed(&form, text), Some(expected), "{text}");
        }
        assert_eq!(least_needed(&fields(&[("access_model", "open"), ("persist_items", "1")]), ""), None);
    }

    #[test]
    fn only_what_the_server_tells_otherwise_is_repaired() {
        let wanted = fields(&[("title", "New"), ("persist_items", "1"), ("max_items", "max"), ("type", "t")]);
        let has = fields(&[("title", "Old"), ("persist_items", "true"), ("max_items", "256")]);
        assert_eq!(differences(&wanted, &has), fields(&[("title", "New")]));
    }
}
