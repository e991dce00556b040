//! All files become one configuration, or one list of errors.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use toml::de::DeTable;

use super::error::ConfigErrors;
use super::feeds::{Common, Feeds};
use super::fields::Fields;
use super::file::File;
use super::print::Merged;
use super::settings::Defaults;
use super::{Config, Environment, find, route, sections};

/// How the files are read.
pub(super) struct Manner<'a> {
    pub(super) environment: Environment<'a>,
    /// One more file of feeds, which need not be there; with one, no other file is needed.
    pub(super) guest: Option<(&'a Path, String)>,
    /// Whether it is written down where every setting comes from.
    pub(super) is_traced: bool,
    /// The configuration of before: feeds that did not change are taken from it.
    pub(super) former: Option<&'a Config>,
}

impl<'a> Manner<'a> {
    /// As they are.
    pub(super) fn new(environment: Environment<'a>) -> Self {
        Self { environment, guest: None, is_traced: false, former: None }
    }
}

/// Reads everything; reports every error of every file.
pub(super) fn load(named: Option<&Path>, mut manner: Manner<'_>) -> Result<(Config, Merged), ConfigErrors> {
    let guest = manner.guest.take();
    let (main, mut feeds) = match find::main_file(named, manner.environment) {
        Ok(path) => {
            let feeds = feed_files(&path)?;
            (find::read(&path)?, feeds)
        }
        Err(errors) if guest.is_none() => return Err(errors),
        Err(_) => (File::new(Path::new("tidings.toml"), NOBODY.to_owned(), false), Vec::new()),
    };
    feeds.extend(guest.map(|(path, text)| Ok(File::new(path, text, false))));
    put_together(&main, feeds, &manner)
}

/// Whether a text would do as the main file at a path.
pub(super) fn check_draft(path: &Path, text: String, environment: Environment<'_>) -> Result<(), ConfigErrors> {
    put_together(&File::new(path, text, false), feed_files(path)?, &Manner::new(environment)).map(drop)
}

type FeedFiles = Vec<Result<Rc<File>, ConfigErrors>>;

fn feed_files(main: &Path) -> Result<FeedFiles, ConfigErrors> {
    Ok(find::feed_files(main)?.iter().map(|path| find::read(path)).collect())
}

fn put_together(main: &Rc<File>, feeds: FeedFiles, manner: &Manner<'_>) -> Result<(Config, Merged), ConfigErrors> {
    let composed = compose(main, &feeds, manner);
    let mut errors = main.errors();
    for file in feeds {
        errors.extend(file.map_or_else(|errors| errors.0, |file| file.errors()));
    }
    match composed {
        Some(composed) if errors.is_empty() => Ok(composed),
        _ => Err(ConfigErrors(errors)),
    }
}

/// Where the state is, when the main file says so legibly.
pub(super) fn state(named: Option<&Path>, environment: Environment<'_>) -> Option<PathBuf> {
    let main = find::read(&find::main_file(named, environment).ok()?).ok()?;
    let (table, nothing) = (main.parse(), DeTable::new());
    let mut root = Fields::new(main.name(), &main, None, table.get_ref());
    let section = root.raw("store").and_then(|raw| Fields::of("[store]".to_owned(), raw));
    let mut section = section.unwrap_or_else(|| Fields::new("[store]".to_owned(), &main, None, &nothing));
    let path = sections::store(&mut section, &main.path, environment).path;
    (!path.as_os_str().is_empty()).then_some(path)
}

/// The account where none is needed.
const NOBODY: &str = "[xmpp]\njid = \"nobody@localhost\"\n[store]\npath = \"none\"\n";

/// Puts the files together; what is wrong with one is written down in it.
fn compose(main: &Rc<File>, files: &[Result<Rc<File>, ConfigErrors>], manner: &Manner<'_>) -> Option<(Config, Merged)> {
    let Manner { environment, is_traced, former, .. } = *manner;
    let table = main.parse();
    let nothing = DeTable::new();
    let mut root = Fields::new(main.name(), main, None, table.get_ref());
    let mut merged = Merged::default();
    let mut section = |key: &'static str| {
        let name = format!("[{key}]");
        let found = root.raw(key).and_then(|raw| Fields::of(name.clone(), raw));
        found.unwrap_or_else(|| Fields::new(name, main, None, &nothing)).traced(is_traced)
    };

    let mut fields = section("xmpp");
    let xmpp = if table.get_ref().contains_key("xmpp") { sections::xmpp(&mut fields) } else { None };
    merged.add("[xmpp]".to_owned(), fields.finish());
    let account = xmpp.as_ref().map(|xmpp| xmpp.jid.to_string()).unwrap_or_default();

    let mut fields = section("defaults");
    let defaults = Defaults::read(&mut fields, &account);
    let layer = fields.layer();
    merged.add("[defaults]".to_owned(), fields.finish());

    let mut fields = section("http");
    let http = sections::http(&mut fields);
    merged.add("[http]".to_owned(), fields.finish());

    let mut fields = section("store");
    let store = sections::store(&mut fields, &main.path, environment);
    merged.add("[store]".to_owned(), fields.finish());

    let mut fields = section("web");
    let web = sections::web(&mut fields);
    merged.add("[web]".to_owned(), fields.finish());

    let mut fields = section("reload");
    let is_watched = fields.or("watch", &false);
    merged.add("[reload]".to_owned(), fields.finish());

    let route_nodes = Arc::new(defaults.nodes.settled(true));
    let mut fields = section("log");
    let health = sections::log(&mut fields, &defaults.nodes, &route_nodes);
    merged.add("[log]".to_owned(), fields.finish());

    let (defaults, layer, account) = (&defaults, &layer, &*account);
    let common = Common { defaults, layer, account, allow_file: http.allow_file, is_traced, former };
    let mut feeds = Feeds::new(common, merged);
    let (routes, routed) = match root.raw("route") {
        Some(list) => route::routes(list, &defaults.nodes, &route_nodes, &mut feeds, is_traced),
        None => (Vec::new(), Vec::new()),
    };
    files.iter().flatten().for_each(|file| feeds.read_file(file));
    let (feeds, merged) = feeds.finish(&routed);

    refuse_feeds(&mut root, table.get_ref());
    root.finish();
    if !table.get_ref().contains_key("xmpp") {
        let hint = "[xmpp]\njid = \"feeds@example.org\"\npassword-file = \"password\"";
        main.complain(None, "there is no [xmpp] section".to_owned(), Some(hint.to_owned()));
    }
    let (path, routes) = (main.path.clone(), Arc::new(routes));
    let route_targets = routed.into_iter().map(|(target, _)| target).collect();
    let xmpp = xmpp?;
    let config = Config { path, xmpp, store, http, web, feeds, routes, route_targets, route_nodes, is_watched, health };
    Some((config, merged))
}

/// Feeds stand in files of their own.
fn refuse_feeds(root: &mut Fields<'_>, table: &DeTable<'_>) {
    for (key, value) in table {
        if value.get_ref().as_table().is_some_and(|table| table.contains_key("url")) {
            root.refuse(
                key.get_ref(),
                "is a feed, and feeds stand in feeds.d",
                "move it into feeds.d/feeds.toml beside this file",
            );
        }
    }
}
