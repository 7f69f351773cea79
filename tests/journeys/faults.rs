//! Records that the stream loses.

use journeys::Shop;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_record_heals_with_the_next_one() -> anyhow::Result<()> {
    let shop = Shop::with_faults("lose=0.3,twice=0.2,seed=3").await?;
    let staff = &shop.staff;
    staff.stocked("TEA", 250, 1).await?;
    let mut last = None;
    for _ in 0..60 {
        let received = json!({"received": 1});
        last = Some(staff.post("/products/TEA/stock", received).await?.expect(200)?);
    }
    // whichever records were lost: one that comes heals all before it
    while let Some(written) = last.take() {
        let seen = staff.get_within(2, &written, "/products/TEA").await?;
        if seen.status == 503 {
            let received = json!({"received": 1});
            last = Some(staff.post("/products/TEA/stock", received).await?.expect(200)?);
            continue;
        }
        let seen = seen.expect(200)?.body;
        let (stock, version) = (seen["stock"].as_i64(), seen["version"].as_i64());
        assert_eq!(stock.map(|stock| stock + 1), version, "a product, and a piece a commit");
    }
    shop.stack.stop().await;
    Ok(())
}
