//! README.md and docs/ say what is so: their examples load, their commands exist, their links lead somewhere.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

mod examples;
mod faults;
mod keys;
mod messages;
mod pages;
