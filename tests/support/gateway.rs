//! The program itself, as an operator runs it: a folder with its configuration, a process, its output, its exit.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tempfile::TempDir;
use tidings::xmpp::{Config, Tls};

use super::eventually;
use super::process::Process;

/// A configured gateway, running or not.
pub struct Gateway {
    /// Stands before the folder, so that it is dead when that is removed.
    process: Option<Process>,
    folder: TempDir,
    output: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
    variables: Vec<(String, String)>,
}

/// How a run ended, and what it printed in all.
#[derive(Debug)]
pub struct Exit {
    /// The exit code; `None`: a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Gateway {
    /// Writes `tidings.toml` for an account; `settings` are further tables of it.
    pub fn new(xmpp: &Config, settings: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("tidings-gateway-").tempdir().unwrap();
        let gateway =
            Self { folder, process: None, output: Arc::default(), readers: Vec::new(), variables: Vec::new() };
        std::fs::create_dir(gateway.path("feeds.d")).unwrap();
        gateway.write("password", "secret\n");
        std::fs::set_permissions(gateway.path("password"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        gateway.configure(xmpp, settings);
        gateway
    }

    /// Writes `tidings.toml` anew.
    pub fn configure(&self, xmpp: &Config, settings: &str) {
        let tls = match xmpp.tls {
            Tls::StartTls => "starttls",
            Tls::Direct => "direct",
            Tls::None => "none",
        };
        let mut toml = format!("[xmpp]\njid = \"{}\"\npassword-file = \"password\"\ntls = \"{tls}\"\n", xmpp.jid);
        if let Some(server) = &xmpp.server {
            toml += &format!("server = {server:?}\n");
        }
        if let Some(ca_file) = &xmpp.ca_file {
            toml += &format!("ca-file = {ca_file:?}\n");
        }
        if let Some(settle) = xmpp.settle {
            toml += &format!("settle = \"{}ms\"\n", settle.as_millis());
        }
        toml += &format!("\n[store]\npath = \"state.redb\"\n\n{settings}\n");
        self.write("tidings.toml", &toml);
    }

    /// Writes a feed of `feeds.d`; the text is what stands in its table.
    pub fn feed(&self, id: &str, text: &str) {
        self.write(&format!("feeds.d/{id}.toml"), &format!("[{id}]\n{text}\n"));
    }

    /// Writes any file of its folder.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// A file of its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The state's file.
    pub fn state(&self) -> PathBuf {
        self.path("state.redb")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(env!("CARGO_BIN_EXE_tidings"), self.folder.path(), arguments);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Sets a variable of its environment.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Starts a verb and lets it run. What it prints is kept in [`Gateway::output`].
    pub fn start(&mut self, arguments: &[&str]) {
        self.start_under(&[], arguments);
    }

    /// The same below another program, as in `["strace", "-f"]`.
    pub fn start_under(&mut self, wrapper: &[&str], arguments: &[&str]) {
        let command = match wrapper {
            [] => self.command(arguments),
            [program, before @ ..] => {
                let all: Vec<&str> = before.iter().copied().chain([env!("CARGO_BIN_EXE_tidings")]).collect();
                let own = self.command(arguments);
                let mut wrapped = command(program, self.folder.path(), &all);
                wrapped.args(own.get_args());
                wrapped
            }
        };
        let mut process = Process::start(&command, wrapper.first().unwrap_or(&"tidings"), None);
        let (stdout, stderr) = process.output();
        self.readers = vec![collect(stdout, self.output.clone()), collect(stderr, self.output.clone())];
        self.process = Some(process);
    }

    /// Runs a verb to its end.
    pub async fn call(&self, arguments: &[&str]) -> Exit {
        let mut process = Process::start(&self.command(arguments), "tidings", None);
        let (out, err) = process.output();
        let (stdout, stderr) = (Arc::default(), Arc::default());
        let readers = vec![collect(out, Arc::clone(&stdout)), collect(err, Arc::clone(&stderr))];
        let status = eventually(&format!("the end of tidings {arguments:?}"), async || process.ended()).await;
        all_read(readers).await;
        let text = |output: Arc<Mutex<String>>| output.lock().unwrap().clone();
        Exit { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// What the started process printed so far, both streams together.
    pub fn output(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    /// Waits until it printed something.
    pub async fn wait_for(&self, text: &str) {
        eventually(&format!("{text:?} in the gateway's output"), async || self.output().contains(text).then_some(()))
            .await;
    }

    /// The id of the started process.
    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("the gateway was not started").id()
    }

    /// Sends a signal, as in `TERM`.
    pub fn signal(&self, name: &str) {
        self.process.as_ref().expect("the gateway was not started").signal(name);
    }

    /// Has what it makes durable fail from now on, all of it or as `when` says, until what is returned is dropped.
    pub async fn spoil_disk(&self, when: &str) -> Process {
        let mut strace = Command::new("strace");
        let inject = format!("inject=fdatasync:error=EIO{when}");
        strace.args(["-f", "-e", "trace=fdatasync", "-e", &inject, "-p"]).arg(self.id().to_string());
        let log = self.path("strace.log");
        let _ = std::fs::remove_file(&log);
        let strace = Process::start(&strace, "strace", Some(&log));
        let is_attached = async || std::fs::read_to_string(&log).unwrap().contains("attached").then_some(());
        eventually("strace", is_attached).await;
        strace
    }

    /// Kills it at once.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Waits for its end, and for all that it printed.
    pub async fn exit(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("the gateway was not started");
        let status = eventually("the gateway's end", async || process.ended()).await;
        all_read(std::mem::take(&mut self.readers)).await;
        status
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.ended().is_none())
    }
}

/// A test that fails shows what the gateway said last.
impl Drop for Gateway {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let output = self.output();
            let lines: Vec<&str> = output.lines().collect();
            eprintln!("the gateway said at last:\n{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        }
    }
}

/// Nothing of the tester's own environment reaches the program.
fn command(program: &str, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env("HOME", folder).env("NO_COLOR", "1");
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("TIDINGS_") || name.starts_with("XDG_") || name == "CREDENTIALS_DIRECTORY" {
            command.env_remove(name);
        }
    }
    command
}

fn collect(from: impl Read + Send + 'static, to: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut lines = BufReader::new(from);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
            to.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    })
}

async fn all_read(readers: Vec<JoinHandle<()>>) {
    eventually("the end of the gateway's output", async || readers.iter().all(JoinHandle::is_finished).then_some(()))
        .await;
}
