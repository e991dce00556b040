//! Answers what the state alone can answer: the same whether a gateway runs or a verb opened the state itself.

use crate::feed::Time;
use crate::store::{Store, StoreError};

use super::{Answer, Holder, Question, SessionStatus, collect};

/// Answers a question out of a store. `gateway` and `session` are those of the gateway that holds it.
pub async fn answer(
    store: &dyn Store,
    question: Question,
    gateway: Option<Holder>,
    session: Option<SessionStatus>,
    now: Time,
) -> Answer {
    let answered = from_store(store, question, gateway, session, now).await;
    answered.unwrap_or_else(Answer::error)
}

async fn from_store(
    store: &dyn Store,
    question: Question,
    gateway: Option<Holder>,
    session: Option<SessionStatus>,
    now: Time,
) -> Result<Answer, StoreError> {
    Ok(match question {
        Question::Status { feed } => {
            Answer::Status(Box::new(collect(store, gateway, session, feed.as_ref(), now).await?))
        }
        Question::Pause { feed, is_paused } => Answer::Paused { is_known: store.set_paused(&feed, is_paused).await? },
        Question::Who => gateway.map_or_else(nobody, Answer::Who),
        Question::Poll { .. } | Question::Reload => nobody(),
    })
}

/// To what only a gateway can answer.
fn nobody() -> Answer {
    Answer::error("no gateway runs")
}
