//! `--rebuild`: the way out of a lost state.

use std::path::Path;

use crate::gateway;

use super::exit::Failure;
use super::terminal::say;

/// Puts a new state in the place of a lost one, when that is asked for; one that is sound stays.
pub(super) fn rebuild(is_asked_for: bool, state: &Path) -> Result<(), Failure> {
    if !is_asked_for {
        return Ok(());
    }
    say(&match gateway::rebuild(state)? {
        true => format!("the state {} was lost: made a new one, what was left is beside it as .lost", state.display()),
        false => format!("the state {} is sound, or never was: there is nothing to rebuild", state.display()),
    });
    Ok(())
}
