//! Sequences: documents as fetched one after the other, and what is published after each.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod contact;
mod corpus;
mod policy;
mod properties;
mod routing;
mod simulation;
mod sixteen;
mod wild;
