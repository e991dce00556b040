//! Every example of a configuration loads, and every `tidings …` line is one that the program understands.

use std::fs;

use clap::Parser;
use tidings::cli::Cli;
use tidings::config::Config;

use super::pages::pages;

/// What an example of tidings.toml leaves out.
const ACCOUNT: &str = "[xmpp]\njid = \"feeds@example.org\"\n";

#[test]
fn every_toml_example_is_a_configuration() {
    let blocks = pages().iter().flat_map(|page| page.blocks("toml")).collect::<Vec<_>>();
    assert!(blocks.len() > 2);
    for block in blocks {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("feeds.d")).unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        // The first line says which file it is: "# feeds.d/planet.toml; further words".
        let first = block.text.lines().next().unwrap_or_default().trim_start_matches("# ");
        let name = first.split([';', ' ', ':']).next().unwrap_or_default();
        match name {
            "tidings.toml" if block.text.contains("[xmpp]") => write("tidings.toml", &block.text),
            "tidings.toml" => write("tidings.toml", &format!("{}{ACCOUNT}", block.text)),
            feeds if feeds.starts_with("feeds.d/") => {
                write(feeds, &block.text);
                write("tidings.toml", ACCOUNT);
            }
            _ => panic!("{}: the example does not begin with the name of its file, # tidings.toml", block.place),
        }
        let loaded = Config::load(Some(&folder.path().join("tidings.toml")));
        let errors = loaded.err().map(|errors| errors.to_string()).unwrap_or_default();
        assert!(errors.is_empty(), "{}:\n{errors}", block.place);
    }
}

#[test]
fn every_command_line_is_understood() {
    let mut count = 0;
    for page in pages() {
        for block in page.blocks("sh") {
            let text = block.text.replace("\\\n", " ");
            // A comment, a pipe and a redirection are the shell's.
            let commands =
                text.lines().flat_map(|line| line.split(" #").next().unwrap_or_default().split(['|', '>', ';', '&']));
            for words in commands.filter_map(our_words) {
                let error = Cli::try_parse_from(&words).err().filter(|error| error.use_stderr());
                assert!(error.is_none(), "{}: {}\n{}", block.place, words.join(" "), error.unwrap());
                count += 1;
            }
        }
    }
    assert!(count > 3);
}

/// The words of `tidings …`, also behind `sudo`, `sudo -u NAME` and a crontab's five fields.
fn our_words(command: &str) -> Option<Vec<&str>> {
    let mut words = command.split_whitespace().skip_while(|word| word.starts_with('*')).peekable();
    if words.next_if_eq(&"sudo").is_some() && words.next_if_eq(&"-u").is_some() {
        words.next();
    }
    words
        .peek()
        .is_some_and(|word| *word == "tidings")
        .then(|| words.map(|word| word.trim_matches(['"', '\''])).collect())
}
