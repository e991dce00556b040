//! Pure: what the answer to a request means for the row that asked (RFC 6120 §8.3, XEP-0060 §7.1.3).
//!
//! An answer that is not understood is retried: nothing is dropped for want of a rule.

use minidom::Element;
use xmpp_parsers::ns;

use crate::xmpp::{RequestError, describe};

/// What is to be done with a row, and with its destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The server has it.
    Delivered,
    /// The stream ended: nobody knows whether the server has it. The row stays in doubt until the node was asked, after
    /// the next bind.
    Lost(String),
    /// The service did not answer in time: in doubt too, while the stream lives.
    InDoubt(String),
    /// The node is not there: create it again.
    Configure(String),
    /// Too much or too strange for the server: the next rung of the ladder, then dead.
    Shrink(String),
    /// Refused for now: only its destination waits.
    Retry(String),
    /// The destination refuses us until somebody changes something.
    Pause(String),
    /// Preconditions were not met: once more without.
    WithoutPreconditions(String),
}

/// The parts of an `<error/>` that verdicts are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// `type` attribute: auth, cancel, continue, modify, wait.
    pub(crate) kind: String,
    /// Defined condition (RFC 6120 §8.3.3).
    pub(crate) condition: String,
    /// Text for humans, empty when there is none.
    pub(crate) text: String,
    /// Application condition of XEP-0060 (`precondition-not-met`, `payload-too-big` …), empty when there is none.
    pub(crate) pubsub: String,
}

impl Refusal {
    pub(crate) fn read(error: &Element) -> Self {
        let child = |namespace: &str, is_text: bool| {
            error.children().find(|child| child.ns() == namespace && (child.name() == "text") == is_text)
        };
        Self {
            kind: error.attr("type").unwrap_or_default().to_owned(),
            condition: child(ns::XMPP_STANZAS, false).map_or("undefined-condition", Element::name).to_owned(),
            text: child(ns::XMPP_STANZAS, true).map(|text| text.text().trim().to_owned()).unwrap_or_default(),
            pubsub: child(ns::PUBSUB_ERRORS, false).map(|found| found.name().to_owned()).unwrap_or_default(),
        }
    }
}

/// The verdict on the answer to a publish or retract.
pub(crate) fn verdict(answer: &Result<Option<Element>, RequestError>) -> Verdict {
    match answer {
        Ok(_) => Verdict::Delivered,
        Err(RequestError::Lost(reason)) => Verdict::Lost(reason.clone()),
        // Nothing went out, but the row is durably in doubt already: asking the node costs less than a second path.
        Err(RequestError::Offline) => Verdict::Lost("not connected".to_owned()),
        Err(RequestError::Refused(error)) => refused(&Refusal::read(error), describe(error)),
    }
}

/// The answer to a question: what the server said, `None` when it says that there is no such thing; else the verdict on
/// being unable to ask.
pub(crate) fn absence_or_answer(answer: Result<Option<Element>, RequestError>) -> Result<Option<Element>, Verdict> {
    match answer {
        Ok(answer) => Ok(answer),
        Err(RequestError::Refused(error)) if Refusal::read(&error).condition == "item-not-found" => Ok(None),
        Err(other) => Err(verdict(&Err(other))),
    }
}

fn refused(refusal: &Refusal, said: String) -> Verdict {
    if refusal.pubsub == "payload-too-big" || refusal.pubsub == "invalid-payload" {
        return Verdict::Shrink(said);
    }
    match refusal.condition.as_str() {
        "remote-server-timeout" => Verdict::InDoubt(said),
        "item-not-found" => Verdict::Configure(said),
        "conflict" if refusal.pubsub == "precondition-not-met" => Verdict::WithoutPreconditions(said),
        "not-acceptable" | "bad-request" => Verdict::Shrink(said),
        "forbidden" | "not-allowed" | "not-authorized" | "registration-required" => Verdict::Pause(said),
        "gone" | "jid-malformed" | "feature-not-implemented" => Verdict::Pause(said),
        _ => Verdict::Retry(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(kind: &str, condition: &str, pubsub: &str) -> Result<Option<Element>, RequestError> {
        let extra = match pubsub {
            "" => String::new(),
            name => format!("<{name} xmlns='{}'/>", ns::PUBSUB_ERRORS),
        };
        let xml = format!(
            "<error xmlns='jabber:client' type='{kind}'><{condition} xmlns='{}'/>{extra}</error>",
            ns::XMPP_STANZAS
        );
        Err(RequestError::Refused(xml.parse().unwrap()))
    }

    /// The table of the answers that servers give, and what each does to the row.
    #[test]
    fn every_answer_has_its_verdict() {
        let said = |text: &str| text.to_owned();
        let table = [
            (Ok(None), Verdict::Delivered),
            (Err(RequestError::Lost(said("silence"))), Verdict::Lost(said("silence"))),
            (Err(RequestError::Offline), Verdict::Lost(said("not connected"))),
            (answer("wait", "remote-server-timeout", ""), Verdict::InDoubt(said("remote-server-timeout"))),
            (answer("cancel", "item-not-found", ""), Verdict::Configure(said("item-not-found"))),
            (answer("wait", "resource-constraint", ""), Verdict::Retry(said("resource-constraint"))),
            (answer("wait", "internal-server-error", ""), Verdict::Retry(said("internal-server-error"))),
            (answer("cancel", "remote-server-not-found", ""), Verdict::Retry(said("remote-server-not-found"))),
            (answer("cancel", "service-unavailable", ""), Verdict::Retry(said("service-unavailable"))),
            (answer("wait", "recipient-unavailable", ""), Verdict::Retry(said("recipient-unavailable"))),
            (answer("modify", "not-acceptable", "payload-too-big"), Verdict::Shrink(said("not-acceptable"))),
            (answer("modify", "not-acceptable", ""), Verdict::Shrink(said("not-acceptable"))),
            (answer("modify", "bad-request", "invalid-payload"), Verdict::Shrink(said("bad-request"))),
            (answer("modify", "bad-request", ""), Verdict::Shrink(said("bad-request"))),
            (answer("auth", "forbidden", ""), Verdict::Pause(said("forbidden"))),
            (answer("cancel", "not-allowed", ""), Verdict::Pause(said("not-allowed"))),
            (answer("auth", "not-authorized", ""), Verdict::Pause(said("not-authorized"))),
            (answer("auth", "registration-required", ""), Verdict::Pause(said("registration-required"))),
            (answer("cancel", "gone", ""), Verdict::Pause(said("gone"))),
            (answer("modify", "jid-malformed", ""), Verdict::Pause(said("jid-malformed"))),
            (answer("cancel", "feature-not-implemented", ""), Verdict::Pause(said("feature-not-implemented"))),
            (answer("cancel", "conflict", "precondition-not-met"), Verdict::WithoutPreconditions(said("conflict"))),
            (answer("cancel", "something-new", ""), Verdict::Retry(said("something-new"))),
        ];
        for (answer, expected) in table {
            assert_eq!(verdict(&answer), expected, "{answer:?}");
        }
    }

    #[test]
    fn an_error_without_a_condition_is_retried() {
        let bare: Element = "<error xmlns='jabber:client' type='cancel'/>".parse().unwrap();
        let answer = Err(RequestError::Refused(bare));
        assert_eq!(verdict(&answer), Verdict::Retry("undefined-condition".to_owned()));
    }
}
