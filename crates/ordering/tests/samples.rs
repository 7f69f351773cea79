//! Events are for ever: one stored sample of each event type and schema version, pinned.
//!
//! A sample is never edited. An event whose shape changes gets a new schema version, a new sample
//! beside the old one, and an upcast that reads the old one.

use std::{fmt::Debug, fs, path::Path};

use ordering::{
    CartCheckedOut, CartEvent, CartId, CartOpened, Cents, Currency, CustomerErased, CustomerEvent,
    CustomerId, CustomerRegistered, Email, EmailChanged, EmailClaimEvent, EmailClaimed,
    EmailReleased, Event, ItemQuantitySet, ItemRemoved, ItemsReturned, NewCustomer, OrderCancelled,
    OrderDelivered, OrderEvent, OrderId, OrderImported, OrderLine, OrderPaid, OrderPlaced,
    OrderShipped, PriceChanged, ProductAdded, ProductDiscontinued, ProductEvent, Quantity,
    RecordedEvent, ReturnedLine, Sku, Status, StockCounted, StockGivenBack, StockReceived,
    StockTaken, Text, Timestamp, Undecodable,
};

fn text<const MOST: usize>(text: &str) -> Text<MOST> {
    text.to_owned().try_into().expect("a sound text")
}

fn sku(text: &str) -> Sku {
    text.parse().expect("a sku")
}

fn cents(cents: i64) -> Cents {
    Cents::new(cents).expect("an amount")
}

fn pieces(pieces: i64) -> Quantity {
    Quantity::new(pieces).expect("a quantity")
}

fn email(text: &str) -> Email {
    text.to_owned().try_into().expect("an address")
}

fn customer_id() -> CustomerId {
    "0190c5a0-0000-7000-8000-000000000001".parse().expect("a uuid")
}

fn cart_id() -> CartId {
    "0190c5a0-0000-7000-8000-000000000002".parse().expect("a uuid")
}

fn order_id() -> OrderId {
    "0190c5a0-0000-7000-8000-000000000003".parse().expect("a uuid")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn line(item: &str, quantity: i64, price: i64) -> OrderLine {
    OrderLine { sku: sku(item), quantity: pieces(quantity), unit_price_cents: cents(price) }
}

/// The samples of one stream's events. A kind of event without one does not compile.
macro_rules! pinned {
    ($test:ident: $event:ident { $($variant:ident($payload:expr) = $file:literal,)+ }) => {
        #[test]
        fn $test() {
            let sample = |event: &$event| match event {
                $( $event::$variant(_) => {
                    ($file, include_str!(concat!("samples/", $file, ".json")))
                } )+
            };
            for event in [$( $event::$variant($payload) ),+] {
                let (file, stored) = sample(&event);
                assert_pinned(file, stored, &event);
            }
        }
    };
}

/// Expects that `stored` reads as `event`, and that `event` is written as `stored` to the byte.
#[track_caller]
fn assert_pinned<E: Event + Debug + PartialEq>(file: &str, stored: &str, event: &E) {
    let recorded: RecordedEvent = serde_json::from_str(stored).expect("a sample is an event");
    assert_eq!(file, format!("{}.v{}", recorded.name, recorded.schema_version));
    assert_eq!(event.name(), recorded.name);
    assert_eq!(E::read(&recorded).as_ref(), Ok(event), "{file}");
    assert_eq!(as_stored(event), stored, "{file}");
}

fn as_stored<E: Event>(event: &E) -> String {
    let recorded = serde_json::to_string_pretty(&event.record()).expect("an event serialises");
    recorded + "\n"
}

pinned!(what_happens_to_a_product_is_stored_as_ever: ProductEvent {
    Added(ProductAdded {
        sku: sku("P-1"),
        name: text("JALAPEÑO \"hot\" salsa"),
        department: text("Grocery"),
        category: Some(text("Salsa & dips")),
        brand: Some(text("National")),
        unit_price_cents: cents(250),
    }) = "ProductAdded.v1",
    PriceChanged(PriceChanged { unit_price_cents: cents(i64::MAX) }) = "PriceChanged.v1",
    StockReceived(StockReceived { quantity: pieces(1_000_000) }) = "StockReceived.v1",
    StockCounted(StockCounted { counted: u32::MAX }) = "StockCounted.v1",
    StockTaken(StockTaken { order_id: order_id(), quantity: pieces(2) }) = "StockTaken.v1",
    StockGivenBack(StockGivenBack { order_id: order_id(), quantity: pieces(2) })
        = "StockGivenBack.v1",
    Discontinued(ProductDiscontinued {}) = "ProductDiscontinued.v1",
});

pinned!(what_happens_to_a_customer_is_stored_as_ever: CustomerEvent {
    Registered(CustomerRegistered::from(NewCustomer {
        name: text("Ann Ångström"),
        email: email("Ann@Example.com"),
        reference: Some(text("household 7")),
    })) = "CustomerRegistered.v2",
    EmailChanged(EmailChanged::from(email("ANN@example.org"))) = "EmailChanged.v2",
    Erased(CustomerErased {}) = "CustomerErased.v1",
});

pinned!(what_happens_to_an_address_is_stored_as_ever: EmailClaimEvent {
    Claimed(EmailClaimed { customer_id: customer_id() }) = "EmailClaimed.v1",
    Released(EmailReleased {}) = "EmailReleased.v1",
});

pinned!(what_happens_to_a_cart_is_stored_as_ever: CartEvent {
    Opened(CartOpened { customer_id: customer_id() }) = "CartOpened.v1",
    ItemQuantitySet(ItemQuantitySet { sku: sku("P-1"), quantity: pieces(3) })
        = "ItemQuantitySet.v1",
    ItemRemoved(ItemRemoved { sku: sku("P-1") }) = "ItemRemoved.v1",
    CheckedOut(CartCheckedOut { order_id: order_id() }) = "CartCheckedOut.v1",
});

pinned!(what_happens_to_an_order_is_stored_as_ever: OrderEvent {
    Placed(OrderPlaced {
        customer_id: customer_id(),
        cart_id: cart_id(),
        lines: vec![line("P-1", 3, 250), line("P-2", 1, 1_000)],
        total_cents: cents(1_750),
        currency: Currency::Usd,
    }) = "OrderPlaced.v1",
    Imported(OrderImported {
        reference: text("basket 7"),
        customer_id: customer_id(),
        placed_at: at("2017-01-31T10:15:30.123Z"),
        status: Status::Delivered,
        lines: vec![line("P-1", 3, 250)],
        total_cents: cents(750),
        currency: Currency::Usd,
    }) = "OrderImported.v1",
    Paid(OrderPaid {
        payment_reference: text("pay-1"),
        amount_cents: cents(1_750),
        currency: Currency::Usd,
    }) = "OrderPaid.v2",
    Shipped(OrderShipped { carrier: text("UPS"), tracking_number: text("1Z-1") })
        = "OrderShipped.v1",
    Delivered(OrderDelivered {}) = "OrderDelivered.v1",
    Cancelled(OrderCancelled { reason: text("too late") }) = "OrderCancelled.v1",
    Returned(ItemsReturned {
        lines: vec![ReturnedLine {
            line_no: 1,
            sku: sku("P-1"),
            quantity: pieces(2),
            refund_cents: cents(500),
        }],
        refund_cents: cents(500),
        reason: text("stale"),
    }) = "ItemsReturned.v1",
});

/// Also those of a schema version that nothing writes any more.
#[test]
fn every_sample_is_read_by_one_kind_of_stream() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    for entry in fs::read_dir(samples).unwrap() {
        let recorded = serde_json::from_str(&fs::read_to_string(entry.unwrap().path()).unwrap());
        let recorded: RecordedEvent = recorded.unwrap();
        let readers = [
            ProductEvent::read(&recorded).is_ok(),
            CustomerEvent::read(&recorded).is_ok(),
            EmailClaimEvent::read(&recorded).is_ok(),
            CartEvent::read(&recorded).is_ok(),
            OrderEvent::read(&recorded).is_ok(),
        ];
        assert_eq!(readers.iter().filter(|read| **read).count(), 1, "{}", recorded.name);
    }
}

#[test]
fn what_a_product_does_not_have_is_not_stored() {
    let plain = r#"{"sku":"P-1","name":"Salsa","department":"Grocery","unit_price_cents":250}"#;
    let event = ProductEvent::read(&recorded("ProductAdded", 1, plain)).unwrap();
    assert_eq!(event.record().data, plain);
}

#[test]
fn what_a_customer_does_not_have_is_not_stored() {
    let plain = r#"{"name":"Ann","email":"ann@example.com"}"#;
    let event = CustomerEvent::read(&recorded("CustomerRegistered", 1, plain)).unwrap();
    let stored = event.record().data;
    assert!(stored.starts_with(plain.trim_end_matches('}')) && !stored.contains("reference"));
}

#[test]
fn the_words_for_how_far_an_order_has_come_are_stored_as_ever() {
    for (status, word) in [
        (Status::Placed, "placed"),
        (Status::Paid, "paid"),
        (Status::Shipped, "shipped"),
        (Status::Delivered, "delivered"),
        (Status::Cancelled, "cancelled"),
    ] {
        assert_eq!(serde_json::to_value(status).unwrap(), word);
        assert_eq!(status.as_str(), word);
    }
}

fn recorded(name: &str, schema_version: u32, data: &str) -> RecordedEvent {
    RecordedEvent {
        name: name.to_owned(),
        schema_version,
        data: data.into(),
        ..RecordedEvent::default()
    }
}

fn unknown_schema(name: &str, found: u32) -> Undecodable {
    Undecodable::UnknownSchema { name: name.to_owned(), found, known: 1 }
}

#[track_caller]
fn assert_bad_payload<E: Event + Debug>(name: &str, data: &str, hint: &str) {
    match E::read(&recorded(name, 1, data)) {
        Err(Undecodable::BadPayload { name: named, detail }) => {
            assert_eq!(named, name);
            assert!(detail.contains(hint), "{detail:?} should tell of {hint:?}");
        }
        other => panic!("{data} should not be read, but gave {other:?}"),
    }
}

#[test]
fn an_event_that_nobody_knows_is_not_read() {
    let unknown = Undecodable::UnknownType("OrderTeleported".to_owned());
    assert_eq!(OrderEvent::read(&recorded("OrderTeleported", 1, "{}")), Err(unknown));
}

#[test]
fn an_event_of_another_kind_of_stream_is_not_read() {
    let stray = CartEvent::from(ItemRemoved { sku: sku("P-1") }).record();
    let unknown = Undecodable::UnknownType("ItemRemoved".to_owned());
    assert_eq!(OrderEvent::read(&stray), Err(unknown));
}

#[test]
fn an_event_of_a_later_build_is_not_read() {
    let later = recorded("OrderDelivered", 2, "{}");
    assert_eq!(OrderEvent::read(&later), Err(unknown_schema("OrderDelivered", 2)));
}

#[test]
fn an_event_from_before_the_first_version_is_not_read() {
    let never = recorded("OrderDelivered", 0, "{}");
    assert_eq!(OrderEvent::read(&never), Err(unknown_schema("OrderDelivered", 0)));
}

#[test]
fn an_event_that_is_not_json_is_not_read() {
    assert_bad_payload::<CartEvent>("ItemRemoved", "", "EOF");
    assert_bad_payload::<CartEvent>("ItemRemoved", r#"{"sku":"P-1"} and more"#, "trailing");
}

#[test]
fn an_event_that_lacks_a_field_is_not_read() {
    assert_bad_payload::<CartEvent>("ItemQuantitySet", r#"{"sku":"P-1"}"#, "quantity");
}

#[test]
fn an_event_with_a_field_that_nobody_knows_is_not_read() {
    assert_bad_payload::<CartEvent>("ItemRemoved", r#"{"sku":"P-1","why":"dear"}"#, "why");
    assert_bad_payload::<OrderEvent>("OrderDelivered", r#"{"by":"drone"}"#, "by");
}

#[test]
fn an_event_with_a_value_that_cannot_be_is_not_read() {
    let nothing = r#"{"sku":"P-1","quantity":0}"#;
    assert_bad_payload::<CartEvent>("ItemQuantitySet", nothing, "a quantity is from 1");
    let below_zero = r#"{"unit_price_cents":-1}"#;
    assert_bad_payload::<ProductEvent>("PriceChanged", below_zero, "not negative");
    assert_bad_payload::<CartEvent>("ItemRemoved", r#"{"sku":"P 1"}"#, "letters");
    assert_bad_payload::<CustomerEvent>("EmailChanged", r#"{"email":"ann"}"#, "address");
}
