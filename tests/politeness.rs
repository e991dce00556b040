//! The rules of politeness towards feed hosts, one by one: each test begins with the number of its rule and says what the
//! client does, given what the server did.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "politeness/catchup.rs"]
mod catchup;
#[path = "politeness/hosts.rs"]
mod hosts;
#[path = "politeness/limits.rs"]
mod limits;
#[path = "politeness/polls.rs"]
mod polls;
#[path = "politeness/requests.rs"]
mod requests;
#[path = "politeness/rules.rs"]
mod rules;
#[path = "politeness/server.rs"]
mod server;
