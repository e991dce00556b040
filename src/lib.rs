//! Tidings turns feeds into followable XMPP streams.
//!
//! The modules are the journey of an entry: [`source`] → [`ingest`] → [`store`] → [`deliver`] → [`xmpp`]. They speak in the
//! words of [`feed`]; [`gateway`] puts them together. ARCHITECTURE.md walks one entry through.

pub mod atom;
pub mod cli;
pub mod config;
pub mod control;
pub mod deliver;
pub mod feed;
pub mod gateway;
pub mod ingest;
pub mod opml;
pub mod source;
pub mod store;
pub mod tally;
pub mod web;
pub mod xmpp;
