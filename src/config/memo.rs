//! Settings that are written alike are kept once: a hundred thousand feeds share a handful of them.

use std::collections::HashMap;
use std::sync::Arc;

use super::fields::Fields;

/// Settings by what they are built on and how they are written.
pub(super) struct Memo<T>(HashMap<(usize, String), Arc<T>>);

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Memo<T> {
    /// Reads settings over `base`, which must outlive the memo, and returns the ones that are kept for them.
    pub(super) fn share<'f, B>(
        &mut self,
        fields: &mut Fields<'f>,
        base: &Arc<B>,
        read: impl FnOnce(&mut Fields<'f>, &B) -> T,
    ) -> Arc<T> {
        let mark = fields.mark();
        let settings = read(fields, base);
        let key = (Arc::as_ptr(base) as usize, fields.written_since(mark));
        self.0.entry(key).or_insert_with(|| Arc::new(settings)).clone()
    }
}
