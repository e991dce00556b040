//! To be written.
/// Session.
#[derive(Debug)]
pub struct Session;
