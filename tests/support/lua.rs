//! Prosody's configuration in Lua.

use std::path::Path;

use super::prosody::{Options, Storage};

/// All of `prosody.cfg.lua`; `s2s`: the port for other servers, if there are any.
pub fn configuration(options: &Options, folder: &Path, c2s: u16, tls: u16, s2s: Option<u16>) -> String {
    let Options { domain, max_items, is_tls_required, extra, extra_host, extra_pubsub, .. } = options;
    let folder = folder.display();
    let when = |is_wanted: bool, lua: &'static str| if is_wanted { lua } else { "" };
    let admins: Vec<String> = options.admins.iter().map(|jid| format!("{jid:?}")).collect();
    let limits = options.rate.as_ref().map(|rate| format!("limits = {{ c2s = {{ rate = \"{rate}\" }} }}"));
    format!(
        r#"pidfile = "{folder}/prosody.pid"; data_path = "{folder}/data"; plugin_paths = {{ "{folder}/plugins" }}
interfaces = {{ "127.0.0.1" }}; local_interfaces = {{ "127.0.0.1" }}; component_interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {c2s} }}; c2s_direct_tls_ports = {{ {tls} }}; s2s_ports = {{ {s2s} }}; s2s_direct_tls_ports = {{ }}
component_ports = {{ }}; http_ports = {{ }}; https_ports = {{ }}
modules_enabled = {{ "roster", "saslauth", "tls", "disco", "pep", "ping", "time", {with_s2s} {with_limits} }}
modules_disabled = {{ {without_s2s} }}
run_as_root = {is_root}; authentication = "internal_plain"
c2s_require_encryption = {is_tls_required}; allow_unencrypted_plain_auth = true; s2s_secure_auth = true
{storage}
{limits}
{mechanisms}
ssl = {{ key = "{folder}/server.key", certificate = "{folder}/server.crt", cafile = "{folder}/ca.crt" }}
c2s_direct_tls_ssl = {{ key = "{folder}/server.key", certificate = "{folder}/server.crt" }}
log = {{ {{ levels = {{ min = "info" }}, to = "file", filename = "{folder}/prosody.log" }} }}
{extra}
VirtualHost "{domain}"
  {extra_host}
Component "pubsub.{domain}" "pubsub"
  admins = {{ {admins} }}
  pubsub_max_items = {max_items}
  {extra_pubsub}
Component "muc.{domain}" "muc"
  muc_room_locking = false
"#,
        s2s = s2s.map_or(String::new(), |port| port.to_string()),
        with_s2s = when(s2s.is_some(), r#""dialback", "fixed_peers","#),
        with_limits = when(limits.is_some(), r#""limits","#),
        without_s2s = when(s2s.is_none(), r#""s2s""#),
        is_root = is_root(),
        storage = storage(options.storage),
        limits = limits.as_deref().unwrap_or_default(),
        mechanisms = when(
            options.has_only_plain,
            r#"disable_sasl_mechanisms = { "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS" }"#
        ),
        admins = admins.join(", "),
    )
}

/// Keys of `storage` are names of stores; a wrong one is ignored without a word.
fn storage(storage: Storage) -> &'static str {
    match storage {
        Storage::Memory => {
            r#"storage = { pubsub_data = "memory", pubsub_nodes = "memory", pep_data = "memory", pep = "memory" }"#
        }
        Storage::Sqlite => {
            r#"storage = { pubsub_data = "sql", pubsub_nodes = "sql", pep_data = "sql", pep = "sql" }
sql = { driver = "SQLite3", database = "prosody.sqlite" }"#
        }
        Storage::Internal => "",
    }
}

/// A module that resolves the given domains, and what is below them, to local ports.
pub fn fixed_peers(peers: &[(String, u16)]) -> String {
    let peers: String = peers.iter().map(|(domain, port)| format!("[{domain:?}] = {port}; ")).collect();
    format!(
        r#"module:set_global();
local peers = {{ {peers} }};
local manual, service = require "net.resolvers.manual", require "net.resolvers.service";
local by_dns = service.new;
function service.new(hostname, ...)
	local _, conn_type, extra = ...;
	for domain, port in pairs(peers) do
		if hostname == domain or hostname:sub(-#domain - 1) == "." .. domain then
			return manual.new({{ {{ "tcp4", "127.0.0.1", port, extra }} }}, conn_type, extra);
		end
	end
	return by_dns(hostname, ...);
end
"#
    )
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0
}
