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

/// Runs both by turns, each as often first as the other, a few times unmeasured before.
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
        // Whoever comes second finds what the first has just read.
        let (took, others_took) = if round.is_multiple_of(2) {
            let took = micros(one(round)).await?;
            (took, micros(other(round)).await?)
        } else {
            let others_took = micros(other(round)).await?;
            (micros(one(round)).await?, others_took)
        };
        if round >= warm {
            ones.push(took);
            others.push(others_took);
        }
    }
    ones.sort_by(f64::total_cmp);
    others.sort_by(f64::total_cmp);
    Ok((Times(ones), Times(others)))
}

async fn micros(run: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<f64> {
    let start = Instant::now();
    run.await?;
    Ok(start.elapsed().as_secs_f64() * 1e6)
}
