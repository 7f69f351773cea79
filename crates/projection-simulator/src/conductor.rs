//! Projectors that take turns: what overlaps in a plan overlaps in the same way in every run.
//!
//! One of them plays at a time, from one statement to the next. Each statement of a projector
//! commits by itself, so nobody who waits for a turn holds a lock, and nobody who plays waits for
//! one. Who plays next is drawn, of those who have more to play.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::sync::Notify;

/// A player's place. Who is dropped is through, however that came about.
#[derive(Debug)]
pub(crate) struct Seat<'a> {
    conductor: &'a Conductor,
    player: usize,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.conductor.leave(self.player);
    }
}

/// Whose turn it is.
#[derive(Debug)]
pub(crate) struct Conductor {
    score: Mutex<Score>,
    next: Notify,
}

#[derive(Debug)]
struct Score {
    random: StdRng,
    /// Those who are not through, and whether they wait for their turn.
    players: BTreeMap<usize, bool>,
    playing: Option<usize>,
    /// Tells one order of turns from another.
    order: u64,
}

impl Conductor {
    /// For so many players, who are numbered from 0. Nobody plays before all are there.
    pub(crate) fn new(players: usize, seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed);
        let players = (0..players).map(|player| (player, false)).collect();
        Self {
            score: Mutex::new(Score { random, players, playing: None, order: 0 }),
            next: Notify::new(),
        }
    }

    /// Waits for this player's first turn.
    pub(crate) async fn take_a_seat(&self, player: usize) -> Seat<'_> {
        let seat = Seat { conductor: self, player };
        self.turn(player).await;
        seat
    }

    /// A digest of who had a turn when.
    pub(crate) fn order(&self) -> u64 {
        self.score().order
    }

    /// Ends this player's turn, and waits for the next one. Who is through never waits.
    pub(crate) async fn turn(&self, player: usize) {
        self.rest(player, |players| {
            players.entry(player).and_modify(|waits| *waits = true);
        });
        loop {
            let mut changed = pin!(self.next.notified());
            changed.as_mut().enable();
            if self.may_play(player) {
                return;
            }
            changed.await;
        }
    }

    fn may_play(&self, player: usize) -> bool {
        let score = self.score();
        score.playing == Some(player) || !score.players.contains_key(&player)
    }

    /// The player is through.
    fn leave(&self, player: usize) {
        self.rest(player, |players| {
            players.remove(&player);
        });
    }

    fn rest(&self, player: usize, how: impl FnOnce(&mut BTreeMap<usize, bool>)) {
        let mut score = self.score();
        how(&mut score.players);
        if score.playing == Some(player) {
            score.playing = None;
        }
        if score.playing.is_none() && score.players.values().all(|waits| *waits) {
            score.give_a_turn();
        }
        drop(score);
        self.next.notify_waiters();
    }

    fn score(&self) -> MutexGuard<'_, Score> {
        self.score.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Score {
    fn give_a_turn(&mut self) {
        if self.players.is_empty() {
            return;
        }
        let drawn = self.random.random_range(0..self.players.len());
        if let Some((player, waits)) = self.players.iter_mut().nth(drawn) {
            *waits = false;
            self.playing = Some(*player);
            self.order = self.order.wrapping_mul(31).wrapping_add(1 + *player as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::future::join_all;

    use super::*;

    async fn played(seed: u64) -> Vec<usize> {
        let conductor = Arc::new(Conductor::new(3, seed));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let players = (0..3).map(|player| {
            let (conductor, heard) = (conductor.clone(), heard.clone());
            tokio::spawn(async move {
                let seat = conductor.take_a_seat(player).await;
                for _ in 0..10 * player {
                    heard.lock().unwrap_or_else(PoisonError::into_inner).push(player);
                    tokio::task::yield_now().await;
                    conductor.turn(player).await;
                }
                drop(seat);
                // Who is through waits for nobody.
                conductor.turn(player).await;
            })
        });
        join_all(players).await;
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.clone()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_same_seed_is_the_same_music() {
        for seed in 0..20 {
            let first = played(seed).await;
            assert_eq!(first.len(), 10 + 20);
            assert_eq!(first, played(seed).await, "{seed}");
        }
        assert_ne!(played(0).await, played(1).await);
    }
}
