//! What a gateway answers other verbs over the control socket: an arm a question.

use std::sync::Arc;

use futures::FutureExt;

use crate::control::{self, Answer, Answerer, Holder, Question};
use crate::feed::{Clock, FeedId};
use crate::store::Store;

use super::presence::Presence;

/// What answers are made of.
pub(super) struct Answers {
    pub(super) holder: Holder,
    pub(super) store: Arc<dyn Store>,
    pub(super) presence: Arc<Presence>,
    pub(super) clock: Clock,
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
            Question::Who => Answer::Who(self.holder.clone()),
            Question::Status { feed } => self.status(feed.as_deref()).await,
        }
    }

    async fn status(&self, feed: Option<&str>) -> Answer {
        let feed = match feed.map(FeedId::new).transpose() {
            Ok(feed) => feed,
            Err(error) => return Answer::Error { message: error.to_string() },
        };
        let (holder, session) = (Some(self.holder.clone()), self.presence.session());
        match control::collect(&*self.store, holder, session, feed.as_ref(), (self.clock)()).await {
            Ok(status) => Answer::Status(Box::new(status)),
            Err(error) => Answer::Error { message: error.to_string() },
        }
    }
}
