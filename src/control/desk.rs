//! Answers what the state alone can answer: the same whether a gateway runs or a verb opened the state itself.

use crate::feed::Time;
use crate::store::{Store, StoreError};

use super::{Answer, Live, Question, Told, collect, outbox};

/// Answers a question out of a store. `live` is what the gateway knows that holds it.
pub async fn answer(store: &dyn Store, question: Question, live: Live, now: Time) -> Answer {
    let answered = from_store(store, question, live, now).await;
    answered.unwrap_or_else(Answer::error)
}

async fn from_store(store: &dyn Store, question: Question, live: Live, now: Time) -> Result<Answer, StoreError> {
    Ok(match question {
        Question::Status { feed, is_brief } => {
            let which = match (&feed, is_brief) {
                (Some(feed), _) => Told::One(feed),
                (None, true) => Told::Lines,
                (None, false) => Told::All,
            };
            Answer::Status(Box::new(collect(store, live, which, now).await?))
        }
        Question::Outbox { order, selection } => {
            Answer::Outbox { outcome: outbox(store, order, &selection, now).await? }
        }
        Question::Pause { feed, is_paused } => Answer::Paused { is_known: store.set_paused(&feed, is_paused).await? },
        Question::Who => live.holder.map_or_else(nobody, Answer::Who),
        Question::Poll { .. } | Question::Reload => nobody(),
    })
}

/// To what only a gateway can answer.
fn nobody() -> Answer {
    Answer::error("no gateway runs")
}
