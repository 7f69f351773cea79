//! Streams of which what is personal is no more.
//!
//! A fold cannot take back what earlier commits left in rows that only grow, such as an audit
//! trail. So a commit that erases is not folded on top of the rows: its whole stream is read again,
//! from a source that reveals nothing of it any more, and replaces all of its rows, together with
//! its position. Whatever brings such a commit, a delivery, a heal, a sweep, a rebuild or a redaction
//! beside it, comes through here, as the position does not pass it otherwise.

use decider::StreamId;

use crate::{ApplyError, CommitSource, Engine, ReadModel, failure::Patience, rebuild};

impl<M: ReadModel, S: CommitSource> Engine<M, S> {
    /// Takes the rows of streams that are erased out of the generation before the live one, where
    /// nobody would fold them: to be done before and after their rows are written. Before, as then a
    /// failure brings the commit again; and after, as a swap in between has made the rows that were
    /// live the previous ones. What comes once more was written, and needs it once.
    ///
    /// Only the live engine does: the next generation may be given up, and on the way back it is
    /// the live positions that tell what the previous one lacks.
    ///
    /// # Errors
    /// [`ApplyError`]: what brought the commit comes again, and then this is done again, whether the
    /// position has passed the commit or not.
    pub(crate) async fn leave_the_previous_generation(
        &self,
        streams: &[StreamId],
    ) -> Result<(), ApplyError> {
        if !self.writes_all() || streams.is_empty() {
            return Ok(());
        }
        let mut patience = Patience::default();
        loop {
            let mut connection = self.pool().acquire().await?;
            match rebuild::forget::<M>(&mut connection, streams).await {
                Err(error) if patience.lasts(&error) || rebuild::is_replaced(&error) => {
                    patience.pause().await;
                }
                settled => return settled,
            }
        }
    }
}
