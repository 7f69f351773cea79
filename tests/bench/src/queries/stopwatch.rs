//! Two ways in turn, so that what disturbs one disturbs the other.

use std::time::Instant;

/// How long each run took, in microseconds, sorted.
pub(crate) struct Times(Vec<f64>);

impl Times {
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0[rank - 1]
    }
}

/// Runs both by turns, a few times unmeasured first.
pub(crate) async fn by_turns<A, B>(
    rounds: usize,
    mut one: A,
    mut other: B,
) -> anyhow::Result<(Times, Times)>
where
    A: AsyncFnMut(usize) -> anyhow::Result<()>,
    B: AsyncFnMut(usize) -> anyhow::Result<()>,
{
    let warm = (rounds / 10).max(1);
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    for round in 0..rounds + warm {
        let start = Instant::now();
        one(round).await?;
        let middle = Instant::now();
        other(round).await?;
        if round >= warm {
            ones.push((middle - start).as_secs_f64() * 1e6);
            others.push(middle.elapsed().as_secs_f64() * 1e6);
        }
    }
    ones.sort_by(f64::total_cmp);
    others.sort_by(f64::total_cmp);
    Ok((Times(ones), Times(others)))
}
