//! The command line as scripts and people meet it: help, exit codes, what goes to stdout and what to stderr.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod configuration;
mod daemon;
mod doctor;
mod documents;
mod feeds;
mod help;
mod init;
mod lists;
mod output;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use insta::assert_snapshot;
use tempfile::TempDir;

/// The program in an empty folder, where nothing of the machine's configuration is found.
fn tidings(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
    command.args(arguments).current_dir(folder).env_clear();
    command.env("HOME", folder).env("PATH", "/usr/bin:/bin").env("COLUMNS", "80");
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    tidings(folder, arguments).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Exit code, stdout and stderr of a call.
fn told(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let plain = |bytes: &[u8]| text(bytes).replace(&folder.display().to_string(), "~");
    let (stdout, stderr) = (plain(&output.stdout), plain(&output.stderr));
    format!("exit {}\n--- stdout\n{stdout}--- stderr\n{stderr}", output.status.code().unwrap())
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("feeds.d")).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn read(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap()
}

const ACCOUNT: (&str, &str) = ("tidings.toml", "[xmpp]\njid = \"feeds@example.org\"\n");
const FEED: (&str, &str) = ("feeds.d/a.toml", "[a]\nurl = \"https://example.org/feed\"\n");

/// Nothing listens there: the gateway runs, and goes on trying.
const NO_SERVER: &str = "[xmpp]\njid = \"feeds@localhost\"\nserver = \"127.0.0.1:1\"\ntls = \"none\"\n";

/// A web server on loopback that answers each request for a path by its document, as long as the test lives.
fn site(pages: &[(&'static str, &'static str, String)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let pages: Vec<_> =
        pages.iter().map(|(path, kind, body)| (*path, *kind, body.replace("{site}", &address))).collect();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = String::new();
            BufReader::new(&stream).read_line(&mut asked).unwrap();
            let path = asked.split(' ').nth(1).unwrap_or_default();
            let (status, kind, body) = match pages.iter().find(|(known, ..)| *known == path) {
                Some((_, kind, body)) => ("200 OK", *kind, body.as_str()),
                None => ("404 Not Found", "text/plain", ""),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
            // The client closes first: what it has sent and nobody read would reset the connection.
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    address
}

/// An Atom document with one entry.
fn atom(title: &str) -> String {
    format!(
        "<feed xmlns='http://www.w3.org/2005/Atom'><title>{title}</title><id>urn:x</id><updated>2026-11-02T07:15:00Z</updated>\
         <entry><id>urn:x:1</id><title>The tide clock</title><updated>2026-11-02T07:15:00Z</updated></entry></feed>"
    )
}
