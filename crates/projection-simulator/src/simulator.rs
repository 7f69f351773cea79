//! A plan carried out.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use anyhow::{Context, anyhow, bail};
use futures::{FutureExt, future::try_join_all};
use projection::{Delivery, Engine, StreamId, Verifier};
use sqlx::{PgPool, postgres::PgPoolOptions};

use crate::{
    Domain, EventTable, Failure, Plan, Summary,
    conductor::Conductor,
    lane::Lane,
    plan::{AfterFailure, Invocation, Step},
    rows::{Rows, Tables},
};

/// How many projectors there are; most plans use one.
pub(crate) const LANES: usize = 4;

/// A plan takes a fraction of a second. What takes this long hangs.
const DEADLINE: Duration = Duration::from_secs(60);

/// Carries out plans: a read model, its database, and projectors that things happen to.
#[derive(Debug)]
pub struct Simulator<D: Domain> {
    pub(crate) domain: D,
    pub(crate) control: PgPool,
    pub(crate) table: EventTable,
    /// A projector that nothing happens to.
    pub(crate) engine: Engine<D::Model, EventTable>,
    pub(crate) verifier: Verifier<D::Model, EventTable>,
    tables: Tables,
    lanes: Vec<Lane<D::Model>>,
    /// Whether several projectors take turns, so that a plan replays exactly.
    conducted: bool,
}

impl<D: Domain> Simulator<D> {
    /// A simulator on a database that has the tables of the read model and no rows. It is for
    /// this simulator alone: whatever rows it has are deleted for each seed.
    ///
    /// # Errors
    /// When the database is away, or has rows.
    pub async fn new(domain: D, url: &str) -> anyhow::Result<Self> {
        let most = u32::try_from(2 * LANES + 2)?;
        let control = PgPoolOptions::new()
            .max_connections(most)
            .test_before_acquire(false)
            .connect(url)
            .await;
        let control = control.context("connecting to the database of the simulation")?;
        let tables = Tables::find::<D::Model>(&control, domain.beside_the_rows()).await?;
        let table = EventTable::default();
        let lane =
            |_| Lane::open(url, domain.model(), &table, (control.clone(), tables.lock.clone()));
        let lanes = (0..LANES).map(lane).collect::<anyhow::Result<_>>()?;
        let engine = Engine::new(control.clone(), domain.model(), table.clone());
        let verifier = Verifier::new(control.clone(), domain.model(), table.clone());
        Ok(Self { domain, control, table, engine, verifier, tables, lanes, conducted: true })
    }

    /// Lets several projectors run truly at once, locks and all. How they interleave is the
    /// machine's then: of a plan that fails, the next run may come out well.
    #[must_use]
    pub fn at_once(self) -> Self {
        Self { conducted: false, ..self }
    }

    /// Carries out the plan of a seed.
    ///
    /// # Errors
    /// [`Failure`] when anything came out otherwise than it must, with the smallest plan that
    /// was found to fail, too.
    pub async fn run(&self, seed: u64) -> Result<Summary, Box<Failure>> {
        let plan = Plan::draw(&self.domain, seed);
        match self.try_out(&plan).await {
            Ok(summary) => Ok(summary),
            Err(reason) => {
                let (plan, reason) = self.shrink(plan, reason).await;
                Err(Box::new(Failure { seed, reason, plan }))
            }
        }
    }

    /// Carries out a plan; a panic in a fold is a failure like any other.
    pub(crate) async fn try_out(&self, plan: &Plan) -> anyhow::Result<Summary> {
        let carried_out = AssertUnwindSafe(self.carry_out(plan)).catch_unwind();
        match tokio::time::timeout(DEADLINE, carried_out).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(anyhow!("a panic: {}", words(panic.as_ref()))),
            Err(_) => Err(anyhow!("not done after {DEADLINE:?}")),
        }
    }

    async fn carry_out(&self, plan: &Plan) -> anyhow::Result<Summary> {
        for lane in &self.lanes {
            lane.begin(None);
        }
        let expected = self.plain(plan).await.context("one by one, without any fault")?;
        self.begin().await?;
        let conductor = Arc::new(Conductor::new(plan.lanes, plan.turns));
        let lanes = self.lanes.iter().take(plan.lanes).enumerate();
        let at_once = lanes.map(|(number, lane)| {
            let conductor = Some(conductor.clone()).filter(|_| self.conducted);
            self.play(plan, (lane, number), conductor)
        });
        let mut summary = Summary { seeds: 1, ..Summary::default() };
        for done in try_join_all(at_once).await? {
            summary += done;
        }
        for lane in self.lanes.iter().take(plan.lanes) {
            lane.settle().await.context("when the dust settles")?;
        }
        summary.commits = plan.history.len() as u64;
        summary.order = conductor.order();
        self.settle(plan).await?;
        self.check(plan, &expected).await?;
        Ok(summary)
    }

    /// Takes those steps of a plan that are one lane's.
    async fn play(
        &self,
        plan: &Plan,
        (lane, number): (&Lane<D::Model>, usize),
        conductor: Option<Arc<Conductor>>,
    ) -> anyhow::Result<Summary> {
        lane.begin(conductor.clone().map(|conductor| (conductor, number)));
        let _seat = match &conductor {
            Some(conductor) => Some(conductor.take_a_seat(number).await),
            None => None,
        };
        let mut summary = Summary::default();
        for step in plan.steps.iter().skip(number).step_by(plan.lanes) {
            summary += self.step(lane, plan, step).await?;
        }
        Ok(summary)
    }

    async fn begin(&self) -> anyhow::Result<()> {
        self.table.clear();
        self.tables.empty(&self.control).await
    }

    pub(crate) async fn rows(&self) -> anyhow::Result<Rows> {
        self.tables.read(&self.control).await
    }

    /// The rows of the same commits in order, each once, with nothing in the way.
    async fn plain(&self, plan: &Plan) -> anyhow::Result<Rows> {
        self.begin().await?;
        let written: Vec<_> = (0..plan.history.len()).map(|place| plan.in_the_end(place)).collect();
        self.table.put(written.clone());
        let at_once = if plan.thorough { 1 } else { written.len().max(1) };
        for part in written.chunks(at_once) {
            self.engine.apply(part.to_vec()).await?;
        }
        while let Some((stream, version)) = self.parked().await? {
            if !plan.is_skipped(&stream, version) {
                bail!("{stream} {version} cannot be applied, and nobody poisoned it");
            }
            self.engine.skip(&stream, "as planned").await?;
        }
        self.rows().await
    }

    async fn step(
        &self,
        lane: &Lane<D::Model>,
        plan: &Plan,
        step: &Step,
    ) -> anyhow::Result<Summary> {
        let mut summary = Summary::default();
        match step {
            Step::Deliver(invocation) => {
                summary = self.deliver(lane, plan, invocation).await?;
            }
            Step::Sweep => {
                self.engine.sweep(&self.table.newest()).await.context("a sweep")?;
            }
            Step::Redrive => self.redrive().await?,
            Step::Verify => {
                let streams: Vec<StreamId> = self.table.newest().into_keys().collect();
                let checked = self.verifier.verify(&streams).await.context("in between")?;
                told(&checked).context("in between")?;
            }
        }
        Ok(summary)
    }

    /// Delivers a batch until it is through, or nobody tries any more.
    async fn deliver(
        &self,
        lane: &Lane<D::Model>,
        plan: &Plan,
        invocation: &Invocation,
    ) -> anyhow::Result<Summary> {
        self.table.put((0..invocation.written).map(|place| plan.written(place)));
        let mut summary = Summary::default();
        let mut faults = invocation.faults.iter().copied();
        let mut waiting = vec![invocation.records.as_slice()];
        while let Some(records) = waiting.pop() {
            let fault = faults.next();
            let batch: Vec<Delivery> = records.iter().map(|place| plan.written(*place)).collect();
            let attempt = lane.attempt(batch, fault).await;
            let struck = fault.filter(|_| attempt.struck).map(|planned| planned.fault);
            summary.count(struck, attempt.result.as_ref().ok());
            if (self.conducted || plan.lanes == 1) && attempt.struck {
                lane.settle().await?;
            }
            match attempt.result {
                Ok(_) => {}
                Err(_) if attempt.struck => match invocation.after_failure {
                    AfterFailure::Again => waiting.push(records),
                    AfterFailure::Halves if records.len() > 1 => {
                        let (first, second) = records.split_at(records.len() / 2);
                        waiting.extend([second, first]);
                    }
                    AfterFailure::Halves => waiting.push(records),
                    AfterFailure::GivesUp => {}
                },
                Err(error) => return Err(error.context("an invocation that nothing happened to")),
            }
        }
        Ok(summary)
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}

/// Turns differences into an error.
pub(crate) fn told(checked: &projection::Checked) -> anyhow::Result<()> {
    if checked.agrees() {
        return Ok(());
    }
    let differences = checked.differences.iter().map(ToString::to_string);
    let told: Vec<_> =
        differences.chain(checked.unfolded.iter().map(ToString::to_string)).collect();
    bail!("the verifier says:\n{}", told.join("\n"))
}
