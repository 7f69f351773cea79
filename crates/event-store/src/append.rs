//! Writing commits: one is a conditional put, several are one transaction.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{Put, TransactWriteItem},
};
use decider::Commit;

use crate::{
    EventStore, StoreError,
    error::{by_code, by_meaning},
    item::{Item, commit_item},
};

/// DynamoDB's limit on one transaction.
const MOST_ACTIONS: usize = 100;

/// The lock: nobody has been at this place of the stream.
const NOT_THERE: &str = "attribute_not_exists(version)";

/// What is rewritten must not have been taken out of the table meanwhile.
const THERE: &str = "attribute_exists(version)";

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

    /// Puts these items, all or none: `new` ones each at a place that must be free, `rewritten`
    /// ones at a place that must not.
    pub(crate) async fn write(
        &self,
        mut new: Vec<Item>,
        rewritten: Vec<Item>,
    ) -> Result<(), StoreError> {
        match (new.len(), rewritten.len()) {
            (0, 0) => Ok(()),
            (1, 0) => self.put(new.remove(0)).await,
            (some, more) if some + more <= MOST_ACTIONS => self.transact(new, rewritten).await,
            _ => Err(StoreError::TooLarge),
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

    async fn transact(&self, new: Vec<Item>, rewritten: Vec<Item>) -> Result<(), StoreError> {
        let new = new.into_iter().map(|item| (item, NOT_THERE));
        let rewritten = rewritten.into_iter().map(|item| (item, THERE));
        let puts = new.chain(rewritten).map(|(item, condition)| {
            let put = Put::builder()
                .table_name(&self.table)
                .set_item(Some(item))
                .condition_expression(condition)
                .build()
                .expect("a put with a table and an item is complete");
            TransactWriteItem::builder().put(put).build()
        });
        self.client
            .transact_write_items()
            .set_transact_items(Some(puts.collect()))
            .send()
            .await
            .map(drop)
            .map_err(|error| cancelled(&error).unwrap_or_else(|| by_meaning(&error)))
    }
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
