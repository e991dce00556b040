//! The unix socket by which other verbs reach a running gateway: one JSON line asks, one JSON line answers.
//!
//! A verb that finds nobody there opens the state itself; the answer is the same.

mod desk;
mod line;
mod outbox;
mod reload;
mod status;

use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use crate::feed::{FeedId, Time};
use crate::source::Polled;

pub use self::desk::answer;
pub use self::line::FeedLine;
pub use self::outbox::{Done, Held, Order, Outbox, Queue, QueuedRow, Selection, outbox};
pub use self::reload::Reloaded;
pub use self::status::{DestinationStatus, FeedStatus, Live, SessionStatus, Status, Told, collect};

/// An answer comes within this time, or the gateway is taken to hang.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same for polls that are waited for: a host may be slow, or be polled already.
const LONGEST_POLL: Duration = Duration::from_secs(240);
/// The same for what waits for other hosts: a reload may have to log in anew.
const LONG_PATIENCE: Duration = Duration::from_secs(60);
/// The longest path that fits into a socket's address on every system.
const LONGEST_PATH: usize = 100;
/// A question is one short line.
const LONGEST_QUESTION: u64 = 64 * 1024;

/// What a verb asks of a running gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "ask")]
pub enum Question {
    /// Who holds the state?
    Who,
    /// How is everything, or one feed?
    Status {
        /// Id of the one feed.
        feed: Option<FeedId>,
        /// Whether a line a feed is enough.
        #[serde(default)]
        is_brief: bool,
    },
    /// Pause a feed, or end its pause.
    Pause {
        /// Its id.
        feed: FeedId,
        /// Whether it is to be paused.
        is_paused: bool,
    },
    /// Poll these feeds now, unconditionally.
    Poll {
        /// Their ids.
        feeds: Vec<FeedId>,
        /// Whether the answer waits for the end of the polls.
        wait: bool,
    },
    /// Read the configuration anew.
    Reload,
    /// What waits and what was given up: to be told, sent again or forgotten.
    Outbox {
        /// What is to be done.
        order: Order,
        /// With which rows.
        selection: Selection,
    },
}

impl Question {
    fn patience(&self) -> Duration {
        match self {
            Self::Poll { wait: true, .. } => LONGEST_POLL,
            Self::Reload => LONG_PATIENCE,
            _ => PATIENCE,
        }
    }
}

/// Who holds a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// `run` or `once`.
    pub verb: String,
    /// Since when.
    pub since: Time,
}

/// What a gateway answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "answer")]
pub enum Answer {
    /// To [`Question::Who`].
    Who(Holder),
    /// To [`Question::Status`].
    Status(Box<Status>),
    /// To [`Question::Pause`].
    Paused {
        /// Whether the state has such a feed.
        is_known: bool,
    },
    /// To [`Question::Poll`]: how each poll ended, when the answer waited for that.
    Polled {
        /// Feeds, those that share an address with them among them.
        feeds: Vec<(FeedId, Polled)>,
    },
    /// To [`Question::Reload`]: it was taken over.
    Reloaded(Reloaded),
    /// To [`Question::Reload`]: the configuration of before holds on.
    Kept {
        /// Every error, as text of some lines.
        why: String,
    },
    /// To [`Question::Outbox`].
    Outbox {
        /// What came of it.
        outcome: Outbox,
    },
    /// What went wrong.
    Error {
        /// For the user.
        message: String,
    },
}

impl Answer {
    /// What went wrong.
    pub fn error(message: impl std::fmt::Display) -> Self {
        Self::Error { message: message.to_string() }
    }
}

/// Where the socket of a state is: `STATE.sock` beside it, in the runtime folder when that path is too long.
pub fn socket_path(state: &Path) -> PathBuf {
    let beside = PathBuf::from(format!("{}.sock", state.display()));
    if beside.as_os_str().len() <= LONGEST_PATH {
        return beside;
    }
    let folder = ["RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"].iter().find_map(std::env::var_os).map(PathBuf::from);
    let digest = Sha256::digest(state.as_os_str().as_encoded_bytes());
    let name = data_encoding::HEXLOWER.encode(&digest[..8]);
    folder.unwrap_or_else(std::env::temp_dir).join(format!("tidings-{name}.sock"))
}

/// Asks the gateway that holds `state`; `None` when none runs.
pub async fn ask(state: &Path, question: &Question) -> io::Result<Option<Answer>> {
    let stream = match UnixStream::connect(socket_path(state)).await {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let answer = timeout(question.patience() + PATIENCE, exchange(stream, question)).await;
    answer
        .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "the running gateway does not answer")))
        .map(Some)
}

async fn exchange(mut stream: UnixStream, question: &Question) -> io::Result<Answer> {
    let mut line = serde_json::to_vec(question)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(serde_json::from_slice(&answer)?)
}

/// Answers one question.
pub type Answerer = std::sync::Arc<dyn Fn(Question) -> BoxFuture<'static, Answer> + Send + Sync>;

/// The listening socket, mode 0600; gone when it is dropped.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
}

impl Server {
    /// Listens for the state that this process holds; what a dead process left there is replaced.
    pub fn bind(state: &Path) -> io::Result<Self> {
        let path = socket_path(state);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path })
    }

    /// Answers until it is dropped.
    pub async fn serve(&self, answerer: Answerer) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(serve_one(stream, answerer.clone()))),
                // Out of descriptors: the one who asks tries again.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn serve_one(mut stream: UnixStream, answerer: Answerer) -> io::Result<()> {
    let mut line = String::new();
    timeout(PATIENCE, BufReader::new((&mut stream).take(LONGEST_QUESTION)).read_line(&mut line)).await??;
    let answer = match serde_json::from_str::<Question>(&line) {
        Ok(question) => {
            let busy = |_| Answer::error("it is too busy to answer in time; try again");
            timeout(question.patience(), answerer(question)).await.unwrap_or_else(busy)
        }
        Err(error) => Answer::error(format!("not understood: {error}")),
    };
    let stream = stream.into_std()?;
    tokio::task::spawn_blocking(move || tell(stream, &answer)).await?
}

/// Writes an answer piece by piece: of very many feeds it is very long.
fn tell(stream: std::os::unix::net::UnixStream, answer: &Answer) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut out = io::BufWriter::with_capacity(64 * 1024, stream);
    serde_json::to_writer(&mut out, answer)?;
    out.flush()
}
