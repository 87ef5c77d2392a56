//! A read model: one tree of sled, folded from the journal, that says how far it has come.
//!
//! Owns the tree's keys. It is wiped and rebuilt when it reads badly, as everything in sled is.

use crate::entry::Offset;
use crate::snapshots::{SnapshotError, Snapshots, VALUE_BYTES_MAX};

const SEEN: &[u8] = b"\0seen";

/// One tree that is folded from the journal. Every batch stores the offset that it has seen, so a
/// restart goes on there and applies nothing twice.
#[derive(Clone)]
pub struct ReadModel {
    snapshots: Snapshots,
    tree: String,
}

/// Key and value.
pub type ModelEntry = (Vec<u8>, Vec<u8>);
/// One change of a read model: `None` removes.
pub type Change = (Vec<u8>, Option<Vec<u8>>);

impl ReadModel {
    pub(crate) fn new(snapshots: Snapshots, name: &str) -> ReadModel {
        ReadModel { snapshots, tree: format!("model/{name}") }
    }

    /// The offset up to which records are in the model; zero when it must be rebuilt.
    pub fn seen(&self) -> Result<Offset, SnapshotError> {
        let value = self.snapshots.with(&self.tree, |tree| Ok(tree.get(SEEN)?))?;
        let Some(value) = value else { return Ok(Offset::ZERO) };
        let bytes = value.as_ref().try_into();
        let bytes = bytes.map_err(|_| SnapshotError::Bad("the offset of a read model".into()))?;
        Ok(Offset::new(u64::from_le_bytes(bytes)))
    }

    /// Applies the changes and moves on to `seen`, all or nothing.
    pub fn apply(
        &self,
        changes: impl IntoIterator<Item = Change>,
        seen: Offset,
    ) -> Result<(), SnapshotError> {
        let mut batch = sled::Batch::default();
        for (key, value) in changes {
            let key = model_key(&key);
            match value {
                Some(value) if value.len() > VALUE_BYTES_MAX => {
                    return Err(SnapshotError::TooLarge(value.len()));
                }
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        batch.insert(SEEN, &seen.get().to_le_bytes());
        self.snapshots.with(&self.tree, |tree| Ok(tree.apply_batch(batch)?))
    }

    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, SnapshotError> {
        let key = model_key(key);
        self.snapshots.with(&self.tree, |tree| Ok(tree.get(key)?.map(|value| value.to_vec())))
    }

    /// At most `limit` entries whose keys start with `prefix` and come after `after`, in key order.
    pub fn range(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<ModelEntry>, SnapshotError> {
        use std::ops::Bound;
        let prefix = model_key(prefix);
        let start = match after {
            Some(after) => Bound::Excluded(model_key(after)),
            None => Bound::Included(prefix.clone()),
        };
        self.snapshots.with(&self.tree, |tree| {
            let mut found = Vec::new();
            for entry in tree.range((start, Bound::Unbounded)).take(limit) {
                let (key, value) = entry?;
                if !key.starts_with(&prefix) {
                    break;
                }
                found.push((key[1..].to_vec(), value.to_vec()));
            }
            Ok(found)
        })
    }

    /// Drops the whole tree, the cheapest retention there is.
    pub fn clear(&self) -> Result<(), SnapshotError> {
        let database = self.snapshots.database();
        if let Some(database) = database.as_ref() {
            database.drop_tree(&self.tree)?;
        }
        Ok(())
    }
}

/// Keys of the model never meet the offset's.
fn model_key(key: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(key.len() + 1);
    bytes.push(b'k');
    bytes.extend_from_slice(key);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const CACHE: u64 = 4 << 20;

    fn open(path: &Path) -> (Snapshots, Option<String>) {
        Snapshots::open(path, CACHE).unwrap()
    }

    #[test]
    fn a_read_model_moves_with_its_offset() {
        let directory = tempfile::tempdir().unwrap();
        let (snapshots, _) = open(directory.path());
        let model = snapshots.read_model("odds");
        assert_eq!(model.seen().unwrap(), Offset::ZERO);
        let put = |key: &str| (key.as_bytes().to_vec(), Some(key.as_bytes().to_vec()));
        model.apply([put("a1"), put("a2"), put("b1")], Offset::new(3)).unwrap();
        model.apply([(b"a1".to_vec(), None), put("a3")], Offset::new(4)).unwrap();
        snapshots.reopen().unwrap();
        assert_eq!(model.seen().unwrap(), Offset::new(4));
        assert_eq!(model.get(b"a1").unwrap(), None);
        let keys = |prefix: &[u8], after| {
            let found = model.range(prefix, after, 10).unwrap();
            found.into_iter().map(|it| String::from_utf8(it.0).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(keys(b"a", None), ["a2", "a3"]);
        assert_eq!(keys(b"a", Some(b"a2")), ["a3"]);
        assert_eq!(keys(b"", None), ["a2", "a3", "b1"]);
        let large = (b"x".to_vec(), Some(vec![0; VALUE_BYTES_MAX + 1]));
        assert!(matches!(model.apply([large], Offset::new(5)), Err(SnapshotError::TooLarge(_))));
        model.clear().unwrap();
        assert_eq!(model.seen().unwrap(), Offset::ZERO);
        assert_eq!(model.get(b"a2").unwrap(), None);
    }
}
