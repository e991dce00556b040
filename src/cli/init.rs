//! `tidings init`: from nothing, or from a file without an account, to a configuration that `run` takes. Nothing that somebody
//! wrote is ever overwritten.

mod answers;
mod text;

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use clap::Args;
use xmpp_parsers::jid::BareJid;

use crate::config::{Blank, Config};

use super::doctor::Doctor;
use super::exit::{Exit, Failure};
use super::feeds::Add;
use super::terminal::say;

/// Writes a first configuration and looks whether it works
///
/// Asks what it is not told, on a terminal; elsewhere --jid and a password are needed. Writes tidings.toml, or fills in one
/// that has no account yet, a password file that nobody else can read, and feeds.d/, then does what `doctor` does.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidings init
  tidings init --jid feeds@example.org --feed https://planet.jabber.org/
  pass xmpp/feeds | tidings --config ./tidings.toml init \\
      --jid feeds@example.org --password-stdin

Written to --config, else to /etc/tidings/tidings.toml by root and to
~/.config/tidings/tidings.toml by others.

Exit codes: 0 all is well, 1 written, and `doctor` found a failure; 64 something
was not said, 73 a configuration with an account is there already, or a file
cannot be written, 78 an option would not do.")]
pub struct Init {
    /// The account that publishes
    #[arg(long)]
    jid: Option<BareJid>,
    /// A file that holds the account's password, used where it is
    #[arg(long, value_name = "FILE", conflicts_with = "password_stdin")]
    password_file: Option<PathBuf>,
    /// Read the password from standard input, its first line
    #[arg(long)]
    password_stdin: bool,
    /// Where the server is, host or host:port; without it DNS knows
    #[arg(long, value_name = "HOST")]
    server: Option<String>,
    /// starttls, direct, or none on a loopback address
    #[arg(long)]
    tls: Option<String>,
    /// A further trust root, for a server with a certificate of its own making
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// The pubsub service; without it the account's server is asked
    #[arg(long)]
    service: Option<String>,
    /// A first feed, or a page that links to one
    #[arg(long, value_name = "URL")]
    feed: Option<String>,
    /// Its host has an address of the local network
    #[arg(long, requires = "feed")]
    allow_private: bool,
}

impl Init {
    /// Asks, writes, looks.
    pub async fn run(self, config: Option<&Path>, out: &mut impl Write) -> Result<Exit, Failure> {
        let (path, is_usual) = place(config)?;
        let blank = blank(&path)?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let allow_private = self.allow_private;
        let password_file = blank.as_ref().and_then(|blank| blank.password_file.clone());
        let answers = self.ask(&folder, &password_file.unwrap_or_else(|| PathBuf::from("password")))?;
        let unwritable = |at: &Path| {
            let shown = at.display().to_string();
            move |error: io::Error| {
                Failure::new(Exit::CannotCreate, format!("{shown}: {error}"), "name another place: --config FILE")
            }
        };
        let text = match &blank {
            Some(blank) => blank.filled(&text::settings(&answers)).map_err(unwritable(&path))?,
            None => text::main(&answers, !is_usual),
        };
        if let Err(errors) = Config::check_draft(&path, text.clone()) {
            say("nothing is written, for this would not do:");
            return Err(errors.into());
        }
        let feeds = folder.join("feeds.d");
        DirBuilder::new().recursive(true).mode(0o755).create(&feeds).map_err(unwritable(&feeds))?;
        if let Some(password) = &answers.password {
            let file = folder.join(&answers.password_file);
            write_new(&file, 0o600, &format!("{password}\n")).map_err(unwritable(&file))?;
            writeln!(out, "written: {}, readable by you alone", file.display())?;
        }
        let done = match blank {
            Some(blank) => blank.replace(&text).map(|()| "filled in"),
            None => write_new(&path, 0o644, &text).map(|()| "written"),
        };
        writeln!(out, "{}: {}", done.map_err(unwritable(&path))?, path.display())?;
        if let Some(url) = answers.feed
            && let Err(failure) = Add::of(url, allow_private).run(Some(&path), out).await
        {
            say(&failure.render(false));
            say("later: tidings feeds add URL");
        }
        writeln!(out)?;
        let exit = Doctor::default().run(Some(&path), out).await?;
        if exit == Exit::Ok {
            let named = if is_usual { String::new() } else { format!(" --config {}", path.display()) };
            writeln!(out, "\nAll is well. Next: tidings{named} run")?;
        }
        Ok(exit)
    }
}

/// Where the configuration is to be, and whether it is found there without being named.
fn place(named: Option<&Path>) -> Result<(PathBuf, bool), Failure> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = named.map(Path::to_owned).or_else(|| variable("TIDINGS_CONFIG")) {
        let is_usual = path.starts_with("/etc/tidings");
        return Ok((path, is_usual));
    }
    if rustix::process::geteuid().is_root() {
        return Ok((PathBuf::from("/etc/tidings/tidings.toml"), true));
    }
    let folder = variable("XDG_CONFIG_HOME").or_else(|| Some(variable("HOME")?.join(".config")));
    let nowhere = || {
        Failure::new(Exit::Usage, "there is no place for the configuration: HOME is not set", "name one: --config FILE")
    };
    Ok((folder.ok_or_else(nowhere)?.join("tidings/tidings.toml"), true))
}

/// The file that is there and waits for an account; `None`: there is none. Any other is left alone.
fn blank(path: &Path) -> Result<Option<Blank>, Failure> {
    let hint = "edit it and run `tidings doctor`; or write another one: --config FILE";
    must_be_free(path, hint).map(|()| None).or_else(|taken| Blank::read(path).map(Some).ok_or(taken))
}

fn must_be_free(path: &Path, hint: &str) -> Result<(), Failure> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => Err(Failure::new(Exit::CannotCreate, format!("{} is there already", path.display()), hint)),
    }
}

fn write_new(path: &Path, mode: u32, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
