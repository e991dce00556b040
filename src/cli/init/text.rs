//! Pure: the first tidings.toml, and what goes into one that waits for an account.

use std::path::Path;

use crate::config::quoted_toml;

use super::answers::Answers;

/// What the answers set, each a section, a key and a text.
pub(super) fn settings(answers: &Answers) -> Vec<(&'static str, &'static str, String)> {
    let path = |path: &Path| path.display().to_string();
    let Answers { jid, password_file, server, tls, ca_file, service, .. } = answers;
    let all = [
        ("xmpp", "jid", Some(jid.to_string())),
        ("xmpp", "password-file", Some(path(password_file))),
        ("xmpp", "server", server.clone()),
        ("xmpp", "tls", tls.clone()),
        ("xmpp", "ca-file", ca_file.as_deref().map(path)),
        ("defaults", "service", service.clone()),
    ];
    all.into_iter().filter_map(|(section, key, value)| Some((section, key, value?))).collect()
}

/// The text of the file; `has_state` when the state is to stand beside it.
pub(super) fn main(answers: &Answers, has_state: bool) -> String {
    let path = |path: &Path| path.display().to_string();
    let line = |key: &str, value: Option<String>, example: &str| match value {
        Some(value) => format!("{key} = {}", quoted_toml(&value)),
        None => format!("#{key} = {}", quoted_toml(example)),
    };
    let Answers { jid, password_file, server, tls, ca_file, service, .. } = answers;
    let store = if has_state { "path = \"state.redb\"" } else { "#path = \"/var/lib/tidings/state.redb\"" };
    format!(
        "# The configuration of Tidings. Feeds stand in feeds.d/ beside it: tidings feeds add URL\n\
         # After an edit: tidings check && tidings reload\n\
         \n\
         [xmpp]\n\
         # The account that publishes.\n\
         {jid}\n\
         # A file that holds its password and nothing else.\n\
         {password}\n\
         # Where the server is, host or host:port; without it DNS knows.\n\
         {server}\n\
         # \"starttls\", \"direct\" (TLS from the first byte), or \"none\" for a server on a loopback address.\n\
         {tls}\n\
         # A further trust root, for a server with a certificate of its own making.\n\
         {ca_file}\n\
         \n\
         # What holds for every feed that does not say otherwise.\n\
         [defaults]\n\
         # The pubsub service; without it the account's server is asked.\n\
         {service}\n\
         # How often a feed is asked for news.\n\
         every = \"30m\"\n\
         # How many of its entries a new feed starts with; 0, or \"all\".\n\
         backfill = 20\n\
         \n\
         # More nodes for the entries that match; here those of every feed with the tag \"xmpp\".\n\
         #[[route]]\n\
         #match = {{ tag = \"xmpp\" }}\n\
         #to = [{{ node = \"about-xmpp\" }}]\n\
         \n\
         [http]\n\
         # Who to write to when a poll bothers somebody: a mail or web address, sent with every request.\n\
         #contact = \"admin@example.org\"\n\
         \n\
         [store]\n\
         # The state: what is known of entries, and what waits to be sent. Keep it.\n\
         {store}\n",
        jid = line("jid", Some(jid.to_string()), ""),
        password = line("password-file", Some(path(password_file)), ""),
        server = line("server", server.clone(), "127.0.0.1:5222"),
        tls = line("tls", tls.clone(), "starttls"),
        ca_file = line("ca-file", ca_file.as_deref().map(path), "ca.pem"),
        service = line("service", service.clone(), "pubsub.example.org"),
    )
}
