//! One order, one customer, one cart, one stream.

use ordering::{
    CartCheckedOut, CartEvent, CartId, CartOpened, CustomerId, ItemQuantitySet, ItemRemoved, Status,
};
use ordering_views::{Limit, StreamId, audit_trail, cart, customer, order_history};
use uuid::Uuid;

use crate::{
    model::{Model, Product, pieces, product_happens},
    stage::{Stage, at},
};

#[tokio::test]
async fn an_order_comes_with_names_lines_and_all_that_happened_to_it() {
    let mut stage = Stage::set().await;
    let model = Model::grow(13, 40);
    model.happens_on(&mut stage).await;
    for expected in &model.orders {
        let found = order_history::find(&stage.pool, expected.id.0).await.unwrap().unwrap();
        let (order, timeline) = (found.order, found.timeline.0);
        assert_eq!(order.status, expected.status.as_str());
        assert_eq!(order.customer_name.as_deref(), model.name_of(expected.customer));
        assert_eq!((order.total_cents, order.refund_cents), (expected.total(), expected.refund()));
        assert_eq!(order.tracking_number, expected.tracking);
        assert_eq!(order.lines.0.len(), expected.lines.len());
        for (place, (line, expected)) in order.lines.0.iter().zip(&expected.lines).enumerate() {
            let product = model.product(&expected.sku);
            assert_eq!(line.line_no, place as i64 + 1);
            assert_eq!((&line.sku, line.quantity), (&expected.sku, expected.quantity));
            assert_eq!(line.product_name, product.map(|product| product.name.clone()));
            assert_eq!(line.department, product.map(|product| product.department.clone()));
            assert_eq!(line.returned_quantity, expected.returned);
            assert_eq!(line.total_cents, expected.quantity * expected.price);
        }
        let versions: Vec<_> = timeline.iter().map(|entry| entry.version).collect();
        assert_eq!(versions, (1..=order.version).collect::<Vec<_>>());
        assert_eq!(timeline[0].event_type, "OrderImported");
        assert!(timeline[0].data.0.get().contains(&expected.reference));
    }
    assert!(order_history::find(&stage.pool, Uuid::nil()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_customer_is_worth_what_they_bought_and_kept() {
    let mut stage = Stage::set().await;
    let model = Model::grow(14, 200);
    model.happens_on(&mut stage).await;
    for expected in &model.customers {
        let found = customer::find(&stage.pool, expected.id.0).await.unwrap().unwrap();
        let orders = model.orders.iter().filter(|order| order.customer == expected.id);
        let orders: Vec<_> = orders.filter(|order| order.status != Status::Cancelled).collect();
        let worth: i64 = orders.iter().map(|order| order.total() - order.refund()).sum();
        assert_eq!((found.order_count, found.lifetime_value_cents), (orders.len() as i64, worth));
        assert_eq!(found.first_order_at, orders.iter().map(|order| order.placed_at).min());
        assert_eq!(found.last_order_at, orders.iter().map(|order| order.placed_at).max());
    }
    let stranger = CustomerId::derived("nobody registered this one").0;
    assert_eq!(customer::find(&stage.pool, stranger).await.unwrap(), None);
    assert!(customer::is_known(&stage.pool, stranger).await.unwrap(), "there are orders");
    assert!(!customer::is_known(&stage.pool, Uuid::nil()).await.unwrap());
}

fn product(sku: &str, price: i64) -> Product {
    Product {
        sku: sku.to_owned(),
        name: format!("product {sku}"),
        department: "D".to_owned(),
        category: None,
        price,
        stock: 0,
        discontinued: false,
    }
}

#[tokio::test]
async fn a_cart_costs_what_its_products_cost_now() {
    let mut stage = Stage::set().await;
    let (id, customer_id) = (CartId::derived("c"), CustomerId::derived("c"));
    let (stream, now) = (id.stream(), at("2026-01-01T00:00:00Z"));
    stage.happens::<CartEvent>(&stream, now, CartOpened { customer_id });
    for (sku, quantity) in [("B", 2), ("A", 1), ("DEAR", 3), ("GONE", 1)] {
        let set = ItemQuantitySet { sku: sku.parse().unwrap(), quantity: pieces(quantity) };
        stage.happens::<CartEvent>(&stream, now, set);
    }
    stage.happens::<CartEvent>(&stream, now, ItemRemoved { sku: "GONE".parse().unwrap() });
    product_happens(&mut stage, &product("B", 150));
    stage.project().await;

    let found = cart::find(&stage.pool, id.0).await.unwrap().unwrap();
    let lines: Vec<_> = found.lines.iter().map(|l| (l.sku.as_str(), l.total_cents)).collect();
    assert_eq!(lines, [("A", None), ("B", Some(300)), ("DEAR", None)]);
    assert_eq!((found.total_cents, found.status.as_str()), (300, "open"));

    product_happens(&mut stage, &product("DEAR", i64::MAX));
    let order_id = id.order();
    stage.happens::<CartEvent>(&stream, now, CartCheckedOut { order_id });
    stage.project().await;
    let found = cart::find(&stage.pool, id.0).await.unwrap().unwrap();
    assert_eq!(found.total_cents, i64::MAX);
    assert_eq!((found.status.as_str(), found.order_id), ("checked_out", Some(order_id.0)));
    assert_eq!(
        (found.version, cart::owner(&stage.pool, id.0).await.unwrap()),
        (7, Some(customer_id.0))
    );
}

#[tokio::test]
async fn a_stream_tells_each_event_once_and_in_order() {
    let mut stage = Stage::set().await;
    let stream: StreamId = "product-A".parse().unwrap();
    let event = |quantity| {
        let received = ordering::StockReceived { quantity: pieces(quantity) };
        projection::Event::record(&ordering::ProductEvent::from(received))
    };
    product_happens(&mut stage, &product("A", 100));
    stage.commit(&stream, at("2026-01-01T00:00:00Z"), vec![event(1), event(2), event(3)]);
    stage.commit(&stream, at("2026-01-02T00:00:00Z"), vec![event(4)]);
    stage.project().await;

    let limit: Limit = "2".parse().unwrap();
    let (mut places, mut after) = (Vec::new(), None);
    loop {
        let page = audit_trail::list(&stage.pool, &stream, after, limit).await.unwrap();
        places.extend(page.items.iter().map(|event| (event.version, event.index)));
        let Some(next) = page.next else { break };
        after = Some(next);
    }
    assert_eq!(places, [(1, 0), (2, 0), (2, 1), (2, 2), (3, 0)]);
}
