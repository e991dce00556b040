//! After a change of feeds.d: a running gateway takes it over at once.

use crate::config::Config;
use crate::control::{Answer, Question};

use super::ask::{ask_gateway, misunderstood};
use super::exit::{Exit, Failure};
use super::terminal::say;

/// Has a running gateway read the configuration again; nothing when none runs.
pub(super) async fn take_over(config: &Config) -> Result<(), Failure> {
    let state = &config.store.path;
    match ask_gateway(state, &Question::Who).await? {
        // It ends soon, and has read what it needs.
        Some(Answer::Who(holder)) if holder.verb != "run" => return Ok(()),
        None => return Ok(()),
        Some(_) => {}
    }
    match ask_gateway(state, &Question::Reload).await? {
        Some(Answer::Reloaded(reloaded)) => say(&format!("the running gateway took it over: {reloaded}")),
        Some(Answer::Kept { why }) => {
            say(&why);
            let hint = "correct it, then: tidings reload";
            return Err(Failure::new(Exit::Config, "the running gateway did not take it over", hint));
        }
        Some(_) => return Err(misunderstood()),
        None => {}
    }
    Ok(())
}
