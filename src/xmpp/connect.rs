//! To be written.
/// Why a login failed.
#[derive(Debug)]
pub struct LoginError;
