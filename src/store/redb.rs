//! To be written.
/// The default store.
#[derive(Debug)]
pub struct RedbStore;
