//! What a gateway answers other verbs over the control socket: what only it can, and what stands in the state.

use std::sync::Arc;

use futures::FutureExt;
use tokio::sync::{Notify, oneshot};

use crate::control::{self, Answer, Answerer, Holder, Live, Order, Question};
use crate::feed::{Clock, FeedId};
use crate::source::{Poller, Which};
use crate::store::Store;

use super::presence::Presence;
use super::reload::Requests;

/// What answers are made of.
pub(super) struct Answers {
    pub(super) holder: Holder,
    pub(super) store: Arc<dyn Store>,
    pub(super) poller: Arc<Poller>,
    pub(super) presence: Arc<Presence>,
    pub(super) clock: Clock,
    /// Whom to ask for a reload; `once` does none.
    pub(super) reloads: Option<Requests>,
    /// Tells of rows that may be sent.
    pub(super) wake: Arc<Notify>,
}

impl Answers {
    /// Answers from now on.
    pub(super) fn answerer(self) -> Answerer {
        let answers = Arc::new(self);
        Arc::new(move |question| {
            let answers = Arc::clone(&answers);
            async move { answers.answer(question).await }.boxed()
        })
    }

    async fn answer(&self, question: Question) -> Answer {
        match question {
            Question::Poll { feeds, wait } => self.poll(feeds, wait).await,
            Question::Reload => self.reload().await,
            other => {
                let may_be_sent = matches!(other, Question::Outbox { order: Order::Retry, .. });
                let (session, flights) = (self.presence.session(), self.presence.flights());
                let live = Live { holder: Some(self.holder.clone()), session, flights };
                let answer = control::answer(&*self.store, other, live, (self.clock)()).await;
                if may_be_sent {
                    self.wake.notify_one();
                }
                answer
            }
        }
    }

    async fn reload(&self) -> Answer {
        let (asker, answer) = oneshot::channel();
        let asked = match &self.reloads {
            Some(reloads) => reloads.send(asker).await.is_ok(),
            None => return Answer::error("`tidings once` has read the configuration, and ends soon"),
        };
        match answer.await {
            Ok(answer) if asked => answer,
            _ => Answer::error("the gateway is about to end"),
        }
    }

    /// The polls go on when nobody waits for them any more.
    async fn poll(&self, feeds: Vec<FeedId>, wait: bool) -> Answer {
        let poller = self.poller.clone();
        let polls = tokio::spawn(async move { poller.poll_all(Which::These(feeds)).await });
        if !wait {
            return Answer::Polled { feeds: Vec::new() };
        }
        match polls.await {
            Ok(Ok(feeds)) => Answer::Polled { feeds },
            Ok(Err(error)) => Answer::error(error),
            Err(_panic) => Answer::error("a poll crashed; the log of the gateway says where"),
        }
    }
}
