//! The rows of one table while a batch is folded.

use std::collections::{BTreeMap, btree_map::Entry};

use sqlx::error::BoxDynError;

use crate::{Changes, Comparison, LoadPart, Owner, Row, Statement};

/// The rows of one table that belong to the streams at hand.
#[derive(Clone, Debug)]
pub struct Table<R: Row> {
    rows: BTreeMap<R::Key, Place<R>>,
    /// What the table has and should not have.
    removed: BTreeMap<R::Key, R>,
}

/// A row, and what becomes of it.
#[derive(Clone, Debug)]
struct Place<R> {
    row: R,
    /// Whether the table has a row with this key.
    loaded: bool,
    changed: bool,
}

impl<R: Row> Default for Table<R> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), removed: BTreeMap::new() }
    }
}

impl<R: Row> Table<R> {
    /// The row with this key.
    #[must_use]
    pub fn get(&self, key: &R::Key) -> Option<&R> {
        self.rows.get(key).map(|place| &place.row)
    }

    /// The rows whose keys lie in a range, in order.
    pub fn range(&self, keys: impl std::ops::RangeBounds<R::Key>) -> impl Iterator<Item = &R> {
        self.rows.range(keys).map(|(_, place)| &place.row)
    }

    /// All rows at hand, in order.
    pub fn iter(&self) -> impl Iterator<Item = &R> {
        self.rows.values().map(|place| &place.row)
    }

    /// Puts a row in place of the one with its key.
    pub fn put(&mut self, row: R) {
        match self.rows.entry(row.key()) {
            Entry::Occupied(mut there) => {
                let place = there.get_mut();
                (place.row, place.changed) = (row, true);
            }
            Entry::Vacant(free) => {
                let loaded = !self.removed.is_empty() && self.removed.remove(free.key()).is_some();
                free.insert(Place { row, loaded, changed: true });
            }
        }
    }

    /// Changes the row with this key, if there is one.
    pub fn update(&mut self, key: &R::Key, change: impl FnOnce(&mut R)) {
        if let Some(place) = self.rows.get_mut(key) {
            change(&mut place.row);
            place.changed = true;
        }
    }

    /// Takes the row with this key away. What came and went within the batch was never there.
    pub fn remove(&mut self, key: &R::Key) {
        if let Some(Place { row, loaded: true, .. }) = self.rows.remove(key) {
            self.removed.insert(key.clone(), row);
        }
    }
}

impl<R: Row> Changes for Table<R> {
    fn table(&self) -> &'static str {
        R::TABLE
    }

    fn owner(&self) -> Option<Owner> {
        Some(Owner { category: R::CATEGORY, column: R::OWNER })
    }

    fn load(&self) -> Option<LoadPart> {
        R::LOADED.then_some(LoadPart {
            category: R::CATEGORY,
            table: R::TABLE,
            owner: R::OWNER,
            columns: [R::KEY, R::REST],
        })
    }

    fn accept(&mut self, row: &str) -> Result<(), serde_json::Error> {
        let row: R = serde_json::from_str(row)?;
        self.rows.insert(row.key(), Place { row, loaded: true, changed: false });
        Ok(())
    }

    fn loaded(&mut self) {}

    fn clear(&mut self) {
        let loaded = std::mem::take(&mut self.rows).into_iter().filter(|(_, place)| place.loaded);
        self.removed.extend(loaded.map(|(key, place)| (key, place.row)));
    }

    fn write(&self, statement: &mut Statement) -> Result<(), BoxDynError> {
        statement.delete(&self.removed.values().collect::<Vec<_>>())?;
        // The positions hold still from the read to the write, so what was not there then is new:
        // a plain insert costs a third less than one that looks for a conflict.
        let changed = |loaded: bool| -> Vec<&R> {
            let changed = self.rows.values().filter(|place| place.changed);
            changed.filter(|place| place.loaded == loaded).map(|place| &place.row).collect()
        };
        statement.insert(&changed(false))?;
        statement.update(&changed(true))
    }

    fn compare(&self, comparison: &mut Comparison) -> Result<(), BoxDynError> {
        comparison.rows(&self.iter().collect::<Vec<_>>())
    }

    fn strays(&self) -> Option<String> {
        Some(Comparison::strays::<R>())
    }
}
