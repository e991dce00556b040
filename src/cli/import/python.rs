//! The feeds of an atomtopubsub `config.py`. It is a program; what is written down in it is read, and nothing of it is run.
//!
//! Account and password stand there too: they are never looked at.

use crate::config::quoted_toml;

use super::literal::{Reader, Value};
use super::{List, Row, shown};

/// Whether a text without a telling name is such a file.
pub(super) fn is_meant(text: &str) -> bool {
    !text.contains("<outline") && text.lines().any(|line| line.starts_with("feeds") && line.contains('='))
}

/// Reads `feeds` and `refresh_time`.
pub(super) fn read(text: &str) -> List {
    let mut reader = Reader::new(text);
    let (mut feeds, mut minutes, mut faults) = (Vec::new(), None, Vec::new());
    while !reader.rest().is_empty() {
        let line = reader.line();
        let name = reader.word();
        reader.blank(false);
        match name {
            "feeds" if reader.take("[") => {
                let key = reader.value(0);
                reader.blank(true);
                if reader.take("]") && {
                    reader.blank(false);
                    reader.takes_assignment()
                } {
                    feeds.push((line, key, reader.value(0)));
                }
            }
            "feeds" if reader.takes_assignment() => match reader.value(0) {
                Value::Table(table) => feeds = table,
                _ => faults.push((line, "`feeds` is computed, not written down".to_owned())),
            },
            "refresh_time" if reader.takes_assignment() => {
                if let Value::Number(number) = reader.value(0) {
                    minutes = Some(number);
                }
            }
            _ => {}
        }
        reader.skip(&['\n']);
        reader.take("\n");
    }
    if feeds.is_empty() && faults.is_empty() {
        faults.push((1, "there is no `feeds` in it".to_owned()));
    }
    let mut list = List { faults, ..List::default() };
    for (line, node, feed) in feeds {
        match row(line, node, feed, minutes) {
            Ok(row) => list.rows.push(row),
            Err(why) => list.faults.push((line, why)),
        }
    }
    list
}

fn row(line: usize, node: Value, feed: Value, minutes: Option<f64>) -> Result<Row, String> {
    let Value::Text(node) = node else { return Err("the name of a node is computed, not written down".to_owned()) };
    let Value::Table(feed) = feed else {
        return Err(format!("the feed of {} is computed, not written down", shown(&node)));
    };
    let get = |name: &str| match feed.iter().find(|(_, key, _)| *key == Value::Text(name.to_owned())) {
        Some((_, _, Value::Text(text))) => Ok(text.trim()),
        Some(_) => Err(format!("`{name}` of {} is computed, not written down", shown(&node))),
        None => Err(format!("{} has no `{name}`", shown(&node))),
    };
    let (url, server) = (get("url")?.to_owned(), get("server")?);
    // The nodes that it made go on, with the ids that it gave their items.
    let to = format!("[{{ node = {}, service = {} }}]", quoted_toml(&node), quoted_toml(server));
    let mut further = vec![("to", to), ("item-id", quoted_toml("atomtopubsub"))];
    // It polled all feeds one after the other in that time.
    further.extend(
        minutes
            .filter(|minutes| (5.0..=1440.0).contains(minutes))
            .map(|minutes| ("every", quoted_toml(&format!("{}m", minutes as u32)))),
    );
    Ok(Row { line, id: None, url, name: Some(node), tags: Vec::new(), is_enabled: true, further })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> String {
        let List { rows, faults } = read(text);
        let row = |row: &Row| {
            let further = row.further.iter().map(|(key, value)| format!(" {key}={value}")).collect::<String>();
            format!("{}: {} {}{further}", row.line, row.name.as_deref().unwrap_or("-"), row.url)
        };
        let rows = rows.iter().map(row).chain(faults.iter().map(|(line, why)| format!("{line}: fault: {why}")));
        rows.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn feeds_are_read_with_their_nodes() {
        insta::assert_snapshot!(lines(
            "# The feeds\nimport os\nsecret = 'hunter2'\nrefresh_time = 15 # minutes\nfeeds = {\n    'Harbour' : {  # the log\n        \
             'url' : 'https://harbour.example/atom.xml',\n        'server' : \"pubsub.\" 'example.org',\n        'extra': [1, (2, {3})],\n    },\n    \
             u\"It's\": {'server': r'pubsub.example.net', 'url': '''https://its.example/''' }\n}\nfeeds['late'] = {'url': 'https://late.example/', 'server': 'p'}\njid = 'a@b'"
        ), @r#"
        6: Harbour https://harbour.example/atom.xml to=[{ node = "Harbour", service = "pubsub.example.org" }] item-id="atomtopubsub" every="15m"
        11: It's https://its.example/ to=[{ node = "It's", service = "pubsub.example.net" }] item-id="atomtopubsub" every="15m"
        13: late https://late.example/ to=[{ node = "late", service = "p" }] item-id="atomtopubsub" every="15m"
        "#);
    }

    #[test]
    fn what_would_have_to_be_run_is_a_bad_row() {
        insta::assert_snapshot!(lines(
            "feeds = {\n 'a': {'url': os.environ['A'], 'server': 'p'},\n name(): {},\n 'b': make('x', [1, 2]),\n 'c': {'url': 'https://c/' + X, 'server': 'p'},\n \
             'd': {'url': 'https://d/'},\n 'e': {'url': f'https://{d}/', 'server': 'p'},\n 'good': {'url': 'https://good.example/', 'server': 'p'},\n}\n"
        ), @r#"
        8: good https://good.example/ to=[{ node = "good", service = "p" }] item-id="atomtopubsub"
        2: fault: `url` of "a" is computed, not written down
        3: fault: the name of a node is computed, not written down
        4: fault: the feed of "b" is computed, not written down
        5: fault: `url` of "c" is computed, not written down
        6: fault: "d" has no `server`
        7: fault: `url` of "e" is computed, not written down
        "#);
        insta::assert_snapshot!(lines("feeds = load()\n"), @"1: fault: `feeds` is computed, not written down");
        insta::assert_snapshot!(lines("def feeds():\n    return {}\n"), @"1: fault: there is no `feeds` in it");
    }

    #[test]
    fn nothing_that_is_written_there_takes_long_or_crashes() {
        for text in [
            "feeds = {",
            "feeds = {'a",
            "feeds = '",
            "feeds['",
            "feeds = \\",
            "\u{feff}feeds={'a':{'url'",
            "feeds = {{{{",
        ] {
            read(text);
        }
        read(&format!("feeds = {}", "{".repeat(100_000)));
        read(&format!("feeds = {}", "'a' ".repeat(100_000)));
    }
}
