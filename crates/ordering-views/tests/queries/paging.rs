//! Paging while the shop goes on.

use std::collections::BTreeSet;

use ordering_views::{
    Limit,
    order_history::{self, OrderFilter, OrderSort},
};

use crate::{
    model::{Dice, Model, order_happens},
    stage::Stage,
};

#[tokio::test]
async fn no_order_is_skipped_or_seen_twice_while_others_are_added() {
    let sorts = [
        OrderSort::NewestFirst,
        OrderSort::OldestFirst,
        OrderSort::LargestFirst,
        OrderSort::SmallestFirst,
    ];
    let mut stage = Stage::set().await;
    let mut model = Model::grow(9, 120);
    model.happens_on(&mut stage).await;
    let mut dice = Dice(10);
    for round in 0..12 {
        let sort = sorts[round % sorts.len()];
        let limit: Limit = (1 + dice.below(30)).to_string().parse().unwrap();
        let there: BTreeSet<_> = model.orders.iter().map(|order| order.id.0).collect();
        let (mut seen, mut after) = (Vec::new(), None);
        let filter = OrderFilter::default();
        loop {
            let page = order_history::list(&stage.pool, &filter, sort, (after, limit)).await;
            let page = page.unwrap();
            seen.extend(page.items.iter().map(|order| order.id));
            let Some(next) = page.next else { break };
            after = Some(next);
            for _ in 0..dice.below(3) {
                let reference = format!("late-{}", model.orders.len());
                let order = model.order(&mut dice, &reference);
                order_happens(&mut stage, &order);
                model.orders.push(order);
            }
            stage.project().await;
        }
        let each: BTreeSet<_> = seen.iter().copied().collect();
        assert_eq!(each.len(), seen.len(), "seen twice, {sort:?}");
        assert!(there.is_subset(&each), "skipped, {sort:?}");
    }
}

#[tokio::test]
async fn the_last_page_says_that_it_is_the_last() {
    let mut stage = Stage::set().await;
    Model::grow(11, 6).happens_on(&mut stage).await;
    let page = async |limit: &str| {
        let (filter, limit) = (OrderFilter::default(), limit.parse().unwrap());
        order_history::list(&stage.pool, &filter, OrderSort::default(), (None, limit))
            .await
            .unwrap()
    };
    assert!(page("5").await.next.is_some());
    assert!(page("6").await.next.is_none());
    assert!(page("7").await.next.is_none());
}
