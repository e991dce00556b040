//! Child processes that die with the test, and ports that no other test takes.

use std::fs::File;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, OnceLock, mpsc};

/// Below the ports that the system hands out for outgoing connections.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A port of 127.0.0.1 that belongs to this test until it is dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    /// Keeps other tests off the number, also while no server listens on it.
    _lock: UdpSocket,
}

impl Port {
    /// Takes a free port.
    pub fn take() -> Self {
        for _ in 0..1000 {
            let number = fastrand::u16(PORTS);
            let Ok(lock) = UdpSocket::bind(("127.0.0.1", number)) else { continue };
            if TcpListener::bind(("127.0.0.1", number)).is_ok() {
                return Self { number, _lock: lock };
            }
        }
        panic!("no free port between {} and {}", PORTS.start, PORTS.end);
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }
}

/// A child that is killed when it is dropped, or when the test process dies in whatever way.
#[derive(Debug)]
pub struct Process(Child);

type Spawn = Box<dyn FnOnce() + Send>;

/// The signal at the parent's death is sent when the *thread* ends that started the child: so one that never ends does it.
fn on_lasting_thread(spawn: Spawn) {
    static SPAWNER: OnceLock<Mutex<mpsc::Sender<Spawn>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, jobs) = mpsc::channel::<Spawn>();
        std::thread::spawn(move || jobs.into_iter().for_each(|spawn| spawn()));
        Mutex::new(sender)
    });
    spawner.lock().unwrap().send(spawn).unwrap();
}

impl Process {
    /// Starts `command`; `package` is named when the program is not there. Its output goes into `log`, or else must be taken
    /// by [`Process::output`].
    pub fn start(command: &Command, package: &str, log: Option<&Path>) -> Self {
        let program = command.get_program().to_owned();
        let mut wrapped = Command::new("setpriv");
        wrapped.args(["--pdeathsig", "KILL", "--"]).arg(&program).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => wrapped.env(name, value),
                None => wrapped.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            wrapped.current_dir(folder);
        }
        assert!(is_installed(program.to_str().unwrap()), "{program:?} is missing: apt-get install {package}");
        assert!(is_installed("setpriv"), "setpriv is missing: apt-get install util-linux");
        match log {
            Some(log) => {
                let log = File::options().create(true).append(true).open(log).unwrap();
                wrapped.stdout(log.try_clone().unwrap()).stderr(log);
            }
            None => {
                wrapped.stdout(Stdio::piped()).stderr(Stdio::piped());
            }
        }
        wrapped.stdin(Stdio::null());
        let (sender, child) = mpsc::channel();
        on_lasting_thread(Box::new(move || sender.send(wrapped.spawn()).unwrap()));
        Self(child.recv().unwrap().unwrap())
    }

    /// What it prints; can be taken once.
    pub fn output(&mut self) -> (std::process::ChildStdout, std::process::ChildStderr) {
        (self.0.stdout.take().unwrap(), self.0.stderr.take().unwrap())
    }

    /// Sends a signal by its name, as in `TERM`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.0.id().to_string()).status();
        assert!(status.unwrap().success(), "cannot send {name} to {}", self.0.id());
    }

    /// Kills it at once, and collects it.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// How it ended; `None`: it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    program.contains('/') && std::path::Path::new(program).exists()
        || std::env::split_paths(&path).chain(["/usr/sbin".into()]).any(|folder| folder.join(program).exists())
}
