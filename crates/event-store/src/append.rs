//! Writing commits: one is a conditional put, several are one transaction.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{Put, TransactWriteItem, builders::PutBuilder},
};
use decider::Commit;

use crate::{
    EventStore, StoreError,
    error::{by_code, by_meaning},
    item::{Item, Rewritten, commit_item},
};

/// DynamoDB's limit on one transaction.
const MOST_ACTIONS: usize = 100;

/// The lock: nobody has been at this place of the stream.
const NOT_THERE: &str = "attribute_not_exists(version)";

/// What is rewritten must be what was read: neither redacted meanwhile nor taken out of the table.
const AS_READ: &str = "#rewritten = :as_read";

impl EventStore {
    /// Appends these commits, all or none, each to a stream of its own.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when one of the places is taken; otherwise what the table said.
    pub async fn append(&self, commits: &[Commit]) -> Result<(), StoreError> {
        let mut commits = commits.to_vec();
        self.seal(&mut commits).await?;
        let items = commits.iter().map(|commit| commit_item(commit, None));
        self.write(items.collect(), Vec::new()).await
    }

    /// Puts the `new` items, all or none, each at a place that must be free, and in the same
    /// transaction the `rewritten` ones, each in the place of what must still be as it was read.
    ///
    /// Of the `rewritten` ones, what is beyond one transaction is put before, in others. The first
    /// and the last ones wait for the last transaction: they hold what is in force.
    pub(crate) async fn write(
        &self,
        mut new: Vec<Item>,
        mut rewritten: Vec<Rewritten>,
    ) -> Result<(), StoreError> {
        let room = MOST_ACTIONS.checked_sub(new.len()).ok_or(StoreError::TooLarge)?;
        let beyond = rewritten.len().saturating_sub(room);
        if beyond > 0 {
            rewritten.rotate_left(1);
        }
        let mut before = rewritten.drain(..beyond).peekable();
        while before.peek().is_some() {
            let some = before.by_ref().take(MOST_ACTIONS).collect();
            self.transact(Vec::new(), some).await?;
        }
        drop(before);
        match (new.len(), rewritten.len()) {
            (0, 0) => Ok(()),
            (1, 0) => self.put(new.remove(0)).await,
            _ => self.transact(new, rewritten).await,
        }
    }

    async fn put(&self, item: Item) -> Result<(), StoreError> {
        let put = self.client.put_item().table_name(&self.table);
        put.set_item(Some(item))
            .condition_expression(NOT_THERE)
            .send()
            .await
            .map(drop)
            .map_err(|error| by_meaning(&error))
    }

    async fn transact(&self, new: Vec<Item>, rewritten: Vec<Rewritten>) -> Result<(), StoreError> {
        let put = || Put::builder().table_name(&self.table);
        let new =
            new.into_iter().map(|item| put().set_item(Some(item)).condition_expression(NOT_THERE));
        let rewritten = rewritten.into_iter().map(|rewritten| {
            put()
                .set_item(Some(rewritten.item))
                .condition_expression(AS_READ)
                .expression_attribute_names("#rewritten", rewritten.attribute)
                .expression_attribute_values(":as_read", rewritten.as_read)
        });
        let puts = new.chain(rewritten).map(action);
        self.client
            .transact_write_items()
            .set_transact_items(Some(puts.collect()))
            .send()
            .await
            .map(drop)
            .map_err(|error| cancelled(&error).unwrap_or_else(|| by_meaning(&error)))
    }
}

fn action(put: PutBuilder) -> TransactWriteItem {
    let put = put.build().expect("a put with a table and an item is complete");
    TransactWriteItem::builder().put(put).build()
}

/// Why a transaction was cancelled. A lost race outranks a throttle: loading again settles both.
fn cancelled<R>(error: &SdkError<TransactWriteItemsError, R>) -> Option<StoreError> {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) =
        error.as_service_error()?
    else {
        return None;
    };
    let mut reasons: Vec<StoreError> = cancelled
        .cancellation_reasons()
        .iter()
        .filter_map(|reason| {
            by_code(reason.code().unwrap_or_default(), reason.message().unwrap_or_default())
        })
        .collect();
    let lost = reasons.iter().position(|reason| matches!(reason, StoreError::Conflict));
    match lost {
        Some(_) => Some(StoreError::Conflict),
        None => reasons.pop(),
    }
}
