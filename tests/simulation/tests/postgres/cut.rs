//! Connections that break wherever they are.

use projection_simulator::Line;

use crate::load::Load;

/// How often all connections are cut while a history is delivered.
const CUTS: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_in_the_middle_of_statements_cost_no_row() -> anyhow::Result<()> {
    let database = local_postgres::test_database().await?;
    let line = Line::to(&database.url)?;
    let load = Load::on(line.options(), 800).await?;
    let cutting = async {
        for share in 0..CUTS {
            load.until(share, CUTS).await?;
            line.cut();
        }
        anyhow::Ok(())
    };
    let (delivered, cut) = futures::future::join(load.deliver(), cutting).await;
    cut?;
    let delivered = delivered?;
    assert!(delivered.failures >= CUTS / 2, "most cuts fail somebody: {delivered:?}");
    load.check().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_closed_for_a_while_costs_no_row() -> anyhow::Result<()> {
    let database = local_postgres::test_database().await?;
    let line = Line::to(&database.url)?;
    let load = Load::on(line.options(), 300).await?;
    let first = load.batches().next().map(<[_]>::to_vec).unwrap_or_default();
    line.close();
    assert!(load.apply(&first).await.is_err(), "nobody is there");
    line.open();
    load.deliver().await?;
    load.check().await
}
