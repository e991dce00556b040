//! docs/configuration.md names every key that the configuration knows, with the value that it has without being set, and no other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use tidings::config::Config;

use super::pages::{Page, pages};

type Keys = BTreeSet<String>;

#[test]
fn the_reference_names_every_key_and_no_other() {
    let reference = Reference::read();
    let everywhere = reference.keys("[defaults] and each feed");
    let known = known();
    for (table, documented) in [
        ("[xmpp]", reference.keys("[xmpp]")),
        ("[defaults]", &everywhere | &reference.keys("[defaults] only")),
        ("feed `x`", &everywhere | &reference.keys("A feed only")),
        ("a `node` destination", reference.keys_in("Destinations", "node")),
        ("a `pep` destination", reference.keys_in("Destinations", "pep")),
        ("a `room` destination", reference.keys_in("Destinations", "room")),
        ("a `chat` destination", reference.keys_in("Destinations", "chat")),
        ("a route", reference.keys("[[route]]")),
        ("a match", reference.keys("match")),
        ("a filter", reference.keys("filter")),
        ("[http]", reference.keys("[http]")),
        ("[store]", reference.keys("[store]")),
        ("[web]", reference.keys("[web]")),
        ("[reload]", reference.keys("[reload]")),
        ("[log]", reference.keys("[log]")),
    ] {
        let code = known.get(table).unwrap_or_else(|| panic!("nothing was said of {table}"));
        assert_eq!(documented, *code, "{table}: the page on the left, the program on the right");
    }
}

#[test]
fn the_reference_tells_what_holds_without_being_set() {
    let reference = Reference::read();
    let folder = folder(
        "[xmpp]\njid = \"feeds@example.org\"\n[[route]]\nto = [{ node = \"all\" }]\n",
        "[x]\nurl = \"https://example.org/\"\n",
    );
    let (_, merged) = Config::explain(Some(&folder.path().join("tidings.toml"))).unwrap();
    let mut table = String::new();
    let mut compared = 0;
    for line in merged.to_string().lines() {
        if line.starts_with('[') {
            table = line.to_owned();
        }
        let Some((key, value)) = line.strip_suffix("# default").and_then(|line| line.split_once(" = ")) else {
            continue;
        };
        let headings: &[&str] = match table.as_str() {
            "[defaults]" => &["[defaults] only", "[defaults] and each feed"],
            "[x]" => &["A feed only", "[defaults] and each feed"],
            "[store]" => continue,
            section => &[section],
        };
        let found = headings.iter().find_map(|heading| reference.default(heading, key.trim()));
        assert_eq!(found.as_deref(), Some(format!("`{}`", value.trim()).as_str()), "{table} {key}");
        compared += 1;
    }
    assert!(compared > 30, "{compared}");
}

/// The keys of each table, as the complaint of an unknown one lists them.
fn known() -> BTreeMap<String, Keys> {
    let feed = "[x]\nurl = \"https://example.org/\"\nUNKNOWN = 1\nfilter = [{ drop = { UNKNOWN = 1 } , UNKNOWN = 1 }]\n\
                to = [{ node = \"n\", UNKNOWN = 1 }, { pep = true, UNKNOWN = 1 }, { room = \"a@b.example\", UNKNOWN = 1 }, \
                { chat = \"a@b.example\", UNKNOWN = 1 }]\n";
    let sections = ["xmpp", "defaults", "http", "store", "web", "reload", "log", "[route]"]
        .map(|name| format!("[{name}]\nUNKNOWN = 1\n"));
    // A name that is like none of the known ones: then all of them are told.
    let folder = folder(&sections.concat().replace("UNKNOWN", UNKNOWN), &feed.replace("UNKNOWN", UNKNOWN));
    let errors = Config::load(Some(&folder.path().join("tidings.toml"))).unwrap_err();
    let hints =
        errors.0.iter().filter(|error| error.message.contains(UNKNOWN)).filter_map(|error| error.hint.as_deref());
    let list = |(table, keys): (&str, &str)| {
        let keys = keys.split(", ").filter(|key| !key.is_empty()).map(str::to_owned).collect();
        (table.to_owned(), keys)
    };
    hints.filter_map(|hint| hint.split_once(" knows: ").or_else(|| hint.split_once(" knows:"))).map(list).collect()
}

const UNKNOWN: &str = "qqqqqqqqqqqqqqqqqqqqqqqq";

fn folder(main: &str, feeds: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("feeds.d")).unwrap();
    fs::write(folder.path().join("tidings.toml"), main).unwrap();
    fs::write(folder.path().join("feeds.d/x.toml"), feeds).unwrap();
    folder
}

/// The tables of docs/configuration.md by the heading of their section: a row each, its cells in order.
struct Reference(BTreeMap<String, Vec<Vec<String>>>);

impl Reference {
    fn read() -> Self {
        let page = pages().into_iter().find(|page| page.path.ends_with("configuration.md"));
        let text = page.as_ref().map(Page::prose).expect("docs/configuration.md");
        let mut sections = BTreeMap::<_, Vec<_>>::new();
        let mut heading = "";
        for line in text.lines() {
            heading = line.strip_prefix("## ").unwrap_or(heading);
            if line.starts_with("| `") {
                let cells = line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
                sections.entry(heading.to_owned()).or_default().push(cells);
            }
        }
        Self(sections)
    }

    fn rows(&self, heading: &str) -> impl Iterator<Item = &Vec<String>> {
        self.0.get(heading).into_iter().flatten()
    }

    fn keys(&self, heading: &str) -> Keys {
        self.rows(heading).flat_map(|row| names(&row[0])).collect()
    }

    /// Those that a kind of destination has.
    fn keys_in(&self, heading: &str, kind: &str) -> Keys {
        let rows = self.rows(heading).filter(|row| row[1].split(", ").any(|other| other == kind));
        rows.flat_map(|row| names(&row[0])).collect()
    }

    fn default(&self, heading: &str, key: &str) -> Option<String> {
        let row = self.rows(heading).find(|row| names(&row[0]).any(|name| name == key))?;
        row.get(2).cloned()
    }
}

/// The names in a cell: "`user`, `password-file`".
fn names(cell: &str) -> impl Iterator<Item = String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned)
}
