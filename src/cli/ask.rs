//! Asks whoever holds the state: the running gateway, by its socket; when none runs, the state itself is opened. The answer is
//! the same.

use std::io;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::control::{self, Answer, Live, Question};
use crate::gateway;
use crate::store::RedbStore;

use super::exit::{Exit, Failure};

/// Where the state is. That can be told of a configuration that is broken elsewhere, and without reading its feeds.
pub(super) fn state(config: Option<&Path>) -> Result<PathBuf, Failure> {
    match Config::state_of(config) {
        Some(state) => Ok(state),
        None => Ok(Config::load(config)?.store.path),
    }
}

/// Asks, and never makes a state for that. What comes back is no [`Answer::Error`].
pub(super) async fn ask(state: &Path, question: &Question) -> Result<Answer, Failure> {
    look(state, question).await?.ok_or_else(|| {
        let hint = "`tidings run` or `tidings once` makes one";
        Failure::new(Exit::Failed, format!("there is no state at {}", state.display()), hint)
    })
}

/// The same; `None` when there is no state.
pub(super) async fn look(state: &Path, question: &Question) -> Result<Option<Answer>, Failure> {
    if let Some(answer) = ask_gateway(state, question).await? {
        return Ok(Some(answer));
    }
    let Some(store) = RedbStore::open_existing(state)? else { return Ok(None) };
    told(control::answer(&store, question.clone(), Live::default(), (gateway::clock())()).await).map(Some)
}

/// Asks the running gateway; `None` when none runs.
pub(super) async fn ask_gateway(state: &Path, question: &Question) -> Result<Option<Answer>, Failure> {
    let answer = control::ask(state, question).await;
    answer.map_err(|error| unanswered(state, &error))?.map(told).transpose()
}

fn told(answer: Answer) -> Result<Answer, Failure> {
    match answer {
        Answer::Error { message } => Err(Failure::new(Exit::TryAgain, message, "")),
        answer => Ok(answer),
    }
}

/// An answer to something else than was asked: the gateway that runs is of another release.
pub(super) fn misunderstood() -> Failure {
    Failure::new(Exit::TryAgain, "the running gateway answers something else", "restart it: it is of another release")
}

/// A gateway that is there and tells nothing.
fn unanswered(state: &Path, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => "ask as the user that the gateway runs as, or as root",
        _ => "it is busy or hangs: try again, look at its log, restart it",
    };
    let socket = control::socket_path(state);
    Failure::new(Exit::TryAgain, format!("the running gateway at {}: {error}", socket.display()), hint)
}
