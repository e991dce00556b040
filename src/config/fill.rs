//! Pure: sets keys in the text of a TOML file, and keeps every other byte.

use toml::de::DeTable;
use toml::{Table, Value};

use super::quoted_toml;

/// The text with a key of a section set; where a comment shows how the key would look (`#key = …`), in its place. `None`: it
/// is so written that no line can be put in.
pub(super) fn set(text: &str, section: &str, key: &str, value: &str) -> Option<String> {
    let set = set_somewhere(text, section, key, &quoted_toml(value))?;
    let mut expected = text.parse::<Table>().ok()?;
    let table = expected.entry(section).or_insert_with(|| Value::Table(Table::new())).as_table_mut()?;
    table.insert(key.to_owned(), Value::String(value.to_owned()));
    (set.parse::<Table>().ok()? == expected).then_some(set)
}

fn set_somewhere(text: &str, section: &str, key: &str, value: &str) -> Option<String> {
    let parsed = DeTable::parse(text).ok()?;
    let Some(table) = parsed.get_ref().get(section) else {
        let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        return Some(format!("{text}{gap}\n[{section}]\n{key} = {value}\n"));
    };
    if let Some(former) = table.get_ref().as_table()?.get(key) {
        let span = former.span();
        return Some(format!("{}{value}{}", &text[..span.start], &text[span.end..]));
    }
    // Lines of the section: from the one below its header to the next header.
    let below = text[table.span().start..].find('\n').map_or(text.len(), |end| table.span().start + end + 1);
    let mut at = below;
    for line in text[below..].split_inclusive('\n') {
        let bare = line.trim_end_matches(['\r', '\n']);
        if bare.trim_start().starts_with('[') {
            break;
        }
        if is_example(bare, key) {
            return Some(format!("{}{key} = {value}{}", &text[..at], &text[at + bare.len()..]));
        }
        at += line.len();
    }
    let end = if text[..below].ends_with("\r\n") { "\r\n" } else { "\n" };
    let gap = if text[..below].ends_with('\n') { "" } else { "\n" };
    Some(format!("{}{gap}{key} = {value}{end}{}", &text[..below], &text[below..]))
}

/// Whether a line is `#key = …`.
fn is_example(line: &str, key: &str) -> bool {
    let setting = line.trim_start().strip_prefix('#').map(str::trim_start);
    setting.and_then(|setting| setting.strip_prefix(key)).is_some_and(|rest| rest.trim_start().starts_with('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_account(text: &str) -> Option<String> {
        set(text, "xmpp", "jid", "feeds@a.test")
    }

    #[test]
    fn an_example_becomes_the_setting_and_every_other_byte_stays() {
        let text = "# Hello.\r\n[xmpp]  # who\r\n# The jid = account.\r\n  # jid = \"x\"\r\nsettle = '1s'\r\n\r\n[http]\r\n#jid = 1";
        assert_eq!(with_account(text).unwrap(), text.replace("  # jid = \"x\"", "jid = \"feeds@a.test\""));
    }

    #[test]
    fn without_an_example_it_stands_below_the_header() {
        let line = "jid = \"feeds@a.test\"";
        for (text, expected) in [
            ("[xmpp]\r\nsettle = '1s'", format!("[xmpp]\r\n{line}\r\nsettle = '1s'")),
            ("[http]\n[xmpp]", format!("[http]\n[xmpp]\n{line}\n")),
            ("[xmpp]\n[http]\n#jid = 1\n", format!("[xmpp]\n{line}\n[http]\n#jid = 1\n")),
            ("#[xmpp]\n#jid = 1", format!("#[xmpp]\n#jid = 1\n\n[xmpp]\n{line}\n")),
            ("", format!("\n[xmpp]\n{line}\n")),
            ("[xmpp]\njid = 'old@a.test' # us\n", format!("[xmpp]\n{line} # us\n")),
        ] {
            assert_eq!(with_account(text).as_deref(), Some(expected.as_str()), "{text:?}");
        }
    }

    #[test]
    fn what_is_written_otherwise_is_left_alone() {
        for text in ["xmpp = { settle = '1s' }\n", "xmpp.settle = '1s'\n", "xmpp = 1\n", "[[xmpp]]\n", "[xmpp\n"] {
            assert_eq!(with_account(text), None, "{text:?}");
        }
    }
}
