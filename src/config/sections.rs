//! The sections of tidings.toml that one module each is interested in.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use url::Url;
use xmpp_parsers::jid::BareJid;

use crate::deliver::NodeSettings;
use crate::feed::Destination;
use crate::xmpp::{Password, Tls};
use crate::{source, store, web, xmpp};

use super::Environment;
use super::Target;
use super::address::is_loopback;
use super::fields::Fields;
use super::settings::Nodes;
use super::value::Secret;

/// `[xmpp]`.
pub(super) fn xmpp(fields: &mut Fields<'_>) -> Option<xmpp::Config> {
    let jid = fields.need("jid", "the account that publishes: jid = \"feeds@example.org\"");
    let password = password(fields);
    let server: Option<String> = fields.get("server");
    if server.as_ref().is_some_and(|server| !xmpp::is_server(server)) {
        let hint = "such as \"xmpp.example.org\", \"127.0.0.1:5222\" or \"[::1]:5222\"";
        fields.wrong("server", "`server` is not host or host:port".to_owned(), hint);
    }
    let tls = fields.or("tls", &Tls::StartTls);
    if tls == Tls::None && !server.as_deref().is_some_and(is_loopback) {
        let hint = "set server = \"127.0.0.1\" when it runs on this machine; else leave `tls` out";
        fields.wrong("tls", "`tls = \"none\"` is for a `server` on a loopback address only".to_owned(), hint);
    }
    let ca_file = fields.get("ca-file");
    let allow_plain = fields.or("allow-plain", &false);
    let settle = fields.get("settle");
    fields.later("component");
    Some(xmpp::Config { jid: jid?, password, server, tls, ca_file, allow_plain, settle })
}

/// The password's file is not looked at: `check` works without it.
fn password(fields: &mut Fields<'_>) -> Password {
    let (literal, file): (Option<Secret>, Option<PathBuf>) = (fields.get("password"), fields.get("password-file"));
    if let Some(raw) = fields.raw("password") {
        if raw.file.is_public {
            let hint = format!("chmod o-r {}, or name a file that holds it: password-file", raw.file.path.display());
            raw.wrong::<()>("the password stands in a file that everyone can read", hint);
        }
        if file.is_some() {
            raw.wrong::<()>("both `password` and `password-file` are set", "keep one of them");
        }
    }
    match (literal, file) {
        (_, Some(path)) => Password::File(path),
        (Some(Secret(text)), None) => Password::Literal(text),
        (None, None) => Password::Environment,
    }
}

/// `[http]`.
pub(super) fn http(fields: &mut Fields<'_>) -> source::Config {
    let contact: Option<String> = fields.get("contact");
    if contact
        .as_ref()
        .is_some_and(|contact| !contact.bytes().all(|byte| byte.is_ascii_graphic() && !b"()".contains(&byte)))
    {
        let hint = "a web address or a mail address, in ASCII and without spaces";
        fields.wrong("contact", "`contact` cannot stand in a User-Agent".to_owned(), hint);
    }
    let proxy: Option<Url> = fields.get("proxy");
    if proxy.as_ref().is_some_and(|proxy| !["http", "https", "socks5", "socks5h"].contains(&proxy.scheme())) {
        fields.wrong(
            "proxy",
            "no such kind of proxy".to_owned(),
            "http://…, https://…, socks5://… and socks5h://… are known",
        );
    }
    source::Config {
        contact,
        proxy: proxy.map(String::from),
        host_interval: fields.or("host-interval", &Duration::from_secs(1)),
        per_host: fields.or("per-host", &1),
        concurrency: fields.or("concurrency", &64),
        allow_file: fields.or("allow-file", &false),
    }
}

/// `[store]`. Without a path: the service's folder for the service and for whoever uses its configuration, else the
/// user's.
pub(super) fn store(fields: &mut Fields<'_>, config: &Path, environment: Environment<'_>) -> store::Config {
    let folder = |name: &str| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // systemd.exec(5): several folders are separated by colons.
    let first = |folders: PathBuf| folders.to_str().and_then(|text| text.split(':').next()).map(PathBuf::from);
    let of_service = folder("STATE_DIRECTORY")
        .and_then(first)
        .or_else(|| config.starts_with("/etc/tidings").then(|| PathBuf::from("/var/lib/tidings")));
    let of_user =
        || folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state"))).map(|at| at.join("tidings"));
    let default = of_service.or_else(of_user).map(|folder| folder.join("state.redb"));
    if default.is_none() && !fields.has("path") {
        fields
            .complain("there is no place for the state: HOME is not set".to_owned(), "[store]\npath = \"state.redb\"");
    }
    store::Config { path: fields.or("path", &default).unwrap_or_default() }
}

/// `[web]`.
pub(super) fn web(fields: &mut Fields<'_>) -> web::Config {
    web::Config { listen: fields.get("listen") }
}

/// `[log]`: where the operator is told of feeds. A node there is kept like those of routes.
pub(super) fn log(fields: &mut Fields<'_>, nodes: &Nodes, settings: &Arc<NodeSettings>) -> Vec<Target> {
    let (node, chat): (Option<String>, Option<BareJid>) = (fields.get("health-node"), fields.get("health-chat"));
    let service = nodes.service.as_ref().map(|service| service.0.clone());
    let node = node.map(|node| Destination::Node { service, node });
    let chat = chat.map(|jid| Destination::Chat { jid: jid.to_string() });
    let target = |destination| Target { destination, backfill: None, settings: settings.clone() };
    node.into_iter().chain(chat).map(target).collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::super::load::{Manner, load};

    /// Where the state of a configuration at a path is, with these variables.
    fn state(variables: &[(&str, &str)]) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tidings.toml");
        std::fs::write(&path, "[xmpp]\njid = \"feeds@example.org\"\n").unwrap();
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        let loaded = load(Some(&path), Manner::new(&|name| -> Option<OsString> { value(name) }));
        let said = |text: String| text.replace(&format!("{}/", folder.path().display()), "");
        loaded.map(|(config, _)| config.store.path.display().to_string()).map_err(|errors| said(errors.to_string()))
    }

    #[test]
    fn the_state_has_a_place_of_its_own_in_every_surrounding() {
        let home = ("HOME", "/home/romeo");
        let service = ("STATE_DIRECTORY", "/var/lib/tidings:/var/lib/other");
        for (variables, path) in [
            (&[home, service][..], "/var/lib/tidings/state.redb"),
            (&[home], "/home/romeo/.local/state/tidings/state.redb"),
            (&[home, ("XDG_STATE_HOME", "/state")], "/state/tidings/state.redb"),
            (&[home, ("XDG_STATE_HOME", "")], "/home/romeo/.local/state/tidings/state.redb"),
        ] {
            assert_eq!(state(variables).as_deref(), Ok(path));
        }
    }

    #[test]
    fn a_state_without_a_place_is_an_error() {
        insta::assert_snapshot!(state(&[]).unwrap_err(), @r#"
        error: there is no place for the state: HOME is not set
         --> tidings.toml
          hint: [store]
                path = "state.redb"
        "#);
    }
}
