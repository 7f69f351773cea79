//! From a seed to a plan.

use std::cmp::Reverse;

use rand::{
    RngExt, SeedableRng,
    rngs::StdRng,
    seq::{IndexedRandom, SliceRandom},
};

use crate::{
    Domain, Fault, Plan,
    plan::{AfterFailure, Invocation, Planned, Poison, Step, WayOut},
};

/// One in so many plans runs several invocations at a time.
const PARALLEL_EVERY: u64 = 4;

/// One in so many plans is compared with its commits applied one by one, and verified with its
/// tallies. The others are compared with all of them in one batch, which takes less time.
const THOROUGH_EVERY: u64 = 5;

/// How this plan is bad. Drawn once a plan: a plan in which everything is a little bad finds less
/// than one in which something is very bad ("swarm testing", Groce et al., 2012).
struct Mood {
    lost: f64,
    twice: f64,
    /// How far a record can move from its place.
    displaced: u32,
    largest_batch: usize,
    faulty: f64,
    faults: Vec<Fault>,
}

impl Mood {
    fn draw(random: &mut StdRng) -> Self {
        let mut faults = Fault::ALL.to_vec();
        faults.shuffle(random);
        faults.truncate(random.random_range(1..=6));
        let share = |random: &mut StdRng, most: f64| {
            if random.random_bool(0.4) { 0.0 } else { random.random_range(0.0..most) }
        };
        Self {
            lost: share(random, 0.5),
            twice: share(random, 0.6),
            displaced: *[0, 0, 2, 6, 1000].choose(random).unwrap_or(&0),
            largest_batch: *[2, 4, 8, 16].choose(random).unwrap_or(&2),
            faulty: share(random, 0.7),
            faults,
        }
    }
}

impl Plan {
    /// The plan of a seed: the same one every time, as long as neither the generators nor the
    /// source of random numbers change.
    pub fn draw(domain: &impl Domain, seed: u64) -> Self {
        let history = domain.history(seed);
        let mut random = StdRng::seed_from_u64(seed);
        let mut mood = Mood::draw(&mut random);
        let lanes = if seed % PARALLEL_EVERY == PARALLEL_EVERY - 1 {
            // What overlaps in time has to last.
            mood.faults.extend([Fault::Slow; 4]);
            mood.faulty = mood.faulty.max(0.4);
            random.random_range(2..=crate::LANES)
        } else {
            1
        };
        let thorough = seed.is_multiple_of(THOROUGH_EVERY);
        let (poison, steps, turns) = (Vec::new(), Vec::new(), random.random());
        let mut plan = Self { history, poison, lanes, turns, steps, thorough };
        if random.random_bool(0.4) {
            plan.poison(domain, &mut random);
        }
        let records = under_way(plan.history.len(), &mood, &mut random);
        plan.batch(&records, &mood, &mut random);
        plan
    }

    /// Makes some commits into something that cannot be applied.
    fn poison(&mut self, domain: &impl Domain, random: &mut StdRng) {
        let mut places: Vec<usize> = (0..self.history.len()).collect();
        places.shuffle(random);
        places.truncate(random.random_range(1..=3));
        let poison = places.into_iter().map(|place| Poison {
            place,
            form: domain.poison(&self.history[place], random.random()),
            way_out: if random.random_bool(0.3) { WayOut::Skipped } else { WayOut::Mended },
        });
        self.poison = poison.collect();
    }

    /// Cuts what is under way into batches, each with its faults.
    fn batch(&mut self, records: &[usize], mood: &Mood, random: &mut StdRng) {
        let (mut rest, mut written) = (records, 0);
        while !rest.is_empty() {
            let size = random.random_range(1..=mood.largest_batch).min(rest.len());
            let (batch, later) = rest.split_at(size);
            rest = later;
            let newest = batch.iter().max().map_or(0, |place| place + 1);
            let ahead = newest + random.random_range(0..=3);
            written = ahead.max(written).min(self.history.len());
            self.steps.push(Step::Deliver(Invocation {
                records: batch.to_vec(),
                written,
                faults: faults(mood, random),
                after_failure: after_failure(random),
            }));
            match random.random_range(0..40) {
                0 => self.steps.push(Step::Sweep),
                1 => self.steps.push(Step::Redrive),
                2 => self.steps.push(Step::Verify),
                _ => {}
            }
        }
    }
}

/// The records of a history in the order in which they come, without those that never do.
fn under_way(commits: usize, mood: &Mood, random: &mut StdRng) -> Vec<usize> {
    let mut coming = Vec::new();
    for (moment, place) in (0_u32..).zip(0..commits) {
        if random.random_bool(mood.lost) {
            continue;
        }
        coming.push((moment + random.random_range(0..=mood.displaced), place));
        while random.random_bool(mood.twice) {
            let later = 1 + mood.displaced.saturating_mul(2).max(8);
            coming.push((moment + random.random_range(0..=later), place));
        }
    }
    // Of two that come at the same moment the newer one comes first.
    coming.sort_by_key(|(moment, place)| (*moment, Reverse(*place)));
    coming.into_iter().map(|(_, place)| place).collect()
}

fn faults(mood: &Mood, random: &mut StdRng) -> Vec<Planned> {
    let mut faults = Vec::new();
    while faults.len() < 3 && random.random_bool(mood.faulty) {
        let fault = *mood.faults.choose(random).unwrap_or(&Fault::CrashBeforeCommit);
        let statement = *[1, 2, 2, 2, 2, 2, 3, 4, 6].choose(random).unwrap_or(&2);
        faults.push(Planned { fault, statement });
    }
    faults
}

fn after_failure(random: &mut StdRng) -> AfterFailure {
    match random.random_range(0..10) {
        0 => AfterFailure::GivesUp,
        1..=3 => AfterFailure::Halves,
        _ => AfterFailure::Again,
    }
}
