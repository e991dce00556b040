//! What `init` needs to know: from options, else by asking on a terminal.

use std::fs;
use std::io::{self, BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use console::Term;
use xmpp_parsers::jid::BareJid;

use super::super::exit::{Exit, Failure};
use super::{Init, must_be_free};

/// What is known.
pub(super) struct Answers {
    pub(super) jid: BareJid,
    /// To be written into a file; `None`: one is there.
    pub(super) password: Option<String>,
    pub(super) password_file: PathBuf,
    pub(super) server: Option<String>,
    pub(super) tls: Option<String>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) service: Option<String>,
    pub(super) feed: Option<String>,
}

impl Init {
    /// Asks for what was not said. The password's file, when it is not named, is `own`, relative to the folder.
    pub(super) fn ask(self, folder: &Path, own: &Path) -> Result<Answers, Failure> {
        let terminal = Some(Term::stderr()).filter(|term| term.is_term() && io::stdin().is_terminal());
        let terminal = terminal.as_ref();
        let jid = match self.jid {
            Some(jid) => jid,
            None => asked_jid(terminal)?,
        };
        if jid.node().is_none() {
            return Err(missing(&format!("`{jid}` names no account"), "it looks like feeds@example.org"));
        }
        let place = folder.join(own);
        let (password, password_file) = match self.password_file {
            Some(file) => (None, there(&file)?),
            None if self.password_stdin => (Some(from_stdin()?), own.to_owned()),
            // Somebody put it there already.
            None if place.is_file() => (None, own.to_owned()),
            None => (Some(asked_password(terminal, &jid)?), own.to_owned()),
        };
        if password.is_some() {
            must_be_free(&place, "to use it leave --password-stdin away")?;
        }
        let feed = match (self.feed, terminal) {
            (None, Some(terminal)) => {
                answer(terminal, "A first feed, or a page that links to one (may be left empty)")?
            }
            (feed, _) => feed,
        };
        let ca_file = self.ca_file.as_deref().map(there).transpose()?;
        let (server, tls, service) = (self.server, self.tls, self.service);
        Ok(Answers { jid, password, password_file, server, tls, ca_file, service, feed })
    }
}

/// A file that is to be named in a configuration elsewhere.
fn there(file: &Path) -> Result<PathBuf, Failure> {
    fs::canonicalize(file).map_err(|error| missing(&format!("{}: {error}", file.display()), ""))
}

fn asked_jid(terminal: Option<&Term>) -> Result<BareJid, Failure> {
    let nobody = || missing("nobody said which account publishes", "--jid feeds@example.org");
    let terminal = terminal.ok_or_else(nobody)?;
    loop {
        let text = answer(terminal, "The account that publishes, such as feeds@example.org")?.ok_or_else(nobody)?;
        match BareJid::new(&text) {
            Ok(jid) if jid.node().is_some() => return Ok(jid),
            Ok(_) => terminal.write_line("  it has a name before an @")?,
            Err(error) => terminal.write_line(&format!("  that is no address: {error}"))?,
        }
    }
}

fn asked_password(terminal: Option<&Term>, jid: &BareJid) -> Result<String, Failure> {
    let nothing = || missing("nobody said the password", "--password-file FILE, or --password-stdin");
    let terminal = terminal.ok_or_else(nothing)?;
    terminal.write_str(&format!("The password of {jid} (not shown): "))?;
    let password = terminal.read_secure_line()?;
    if password.is_empty() { Err(nothing()) } else { Ok(password) }
}

/// A line of the terminal; `None` when it is blank.
fn answer(terminal: &Term, question: &str) -> io::Result<Option<String>> {
    terminal.write_str(&format!("{question}: "))?;
    let line = terminal.read_line()?;
    Ok(Some(line.trim().to_owned()).filter(|line| !line.is_empty()))
}

fn from_stdin() -> Result<String, Failure> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let password = line.trim_end_matches(['\n', '\r']).to_owned();
    if password.is_empty() {
        Err(missing("standard input holds no password", "its first line is taken"))
    } else {
        Ok(password)
    }
}

fn missing(what: &str, hint: &str) -> Failure {
    Failure::new(Exit::Usage, what, hint)
}
