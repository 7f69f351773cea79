//! The rows of the order history.

use ordering::{Cents, Currency, CustomerId, OrderId, Status, Timestamp};
use projection::row;
use uuid::Uuid;

row! {
    /// An order.
    pub struct OrderRow: loaded from "order_history", owned by "order" through id: "uuid";
    key {
        /// Which order.
        id: Uuid = "uuid",
    }
    rest {
        /// What another system calls it.
        reference: Option<String> = "text",
        /// How far it has come, see [`Status`].
        status: String = "text",
        /// Who bought.
        customer_id: Uuid = "uuid",
        /// What it costs.
        total_cents: i64 = "bigint",
        /// What was refunded so far.
        refund_cents: i64 = "bigint",
        /// ISO 4217.
        currency: String = "text",
        /// When it was placed.
        placed_at: Timestamp = "timestamptz",
        /// When it was paid here.
        paid_at: Option<Timestamp> = "timestamptz",
        /// When it was shipped from here.
        shipped_at: Option<Timestamp> = "timestamptz",
        /// When its arrival was booked here.
        delivered_at: Option<Timestamp> = "timestamptz",
        /// When it was called off.
        cancelled_at: Option<Timestamp> = "timestamptz",
        /// Who carries it.
        carrier: Option<String> = "text",
        /// What the carrier calls it.
        tracking_number: Option<String> = "text",
        /// Pieces in it; empty in a row of a build that did not count them.
        units: Option<i64> = "bigint",
        /// Lines with a product that an earlier line has, too; empty as above.
        repeated_lines: Option<i64> = "bigint",
        /// What a search finds it by, beside its products and its customer.
        words: String = "text",
        /// The commit that this is as of.
        version: i64 = "bigint",
    }
}

row! {
    /// A line of an order.
    pub struct OrderLineRow: loaded from "order_line", owned by "order" through order_id: "uuid";
    key {
        /// Which order.
        order_id: Uuid = "uuid",
        /// Its place there, from 1.
        line_no: i64 = "bigint",
    }
    rest {
        /// Which product.
        sku: String = "text",
        /// Pieces bought.
        quantity: i64 = "bigint",
        /// Pieces that came back.
        returned_quantity: i64 = "bigint",
        /// What a piece cost.
        unit_price_cents: i64 = "bigint",
        /// What the line cost.
        total_cents: i64 = "bigint",
    }
}

row! {
    /// Something that happened to an order.
    pub struct OrderTimelineRow: logged from "order_timeline",
        owned by "order" through order_id: "uuid";
    key {
        /// Which order.
        order_id: Uuid = "uuid",
        /// The commit.
        version: i64 = "bigint",
        /// The place in the commit, from 0.
        index: i64 = "bigint",
    }
    rest {
        /// The event's name.
        event_type: String = "text",
        /// When it happened.
        at: Timestamp = "timestamptz",
        /// The event's payload, as JSON.
        data: String = "jsonb",
    }
}

row! {
    /// What came back of one line in one return.
    pub struct OrderRefundRow: logged from "order_refund",
        owned by "order" through order_id: "uuid";
    key {
        /// Which order.
        order_id: Uuid = "uuid",
        /// The commit of the return.
        version: i64 = "bigint",
        /// The line.
        line_no: i64 = "bigint",
    }
    rest {
        /// Which product.
        sku: String = "text",
        /// Pieces.
        quantity: i64 = "bigint",
        /// What was refunded for them.
        refund_cents: i64 = "bigint",
        /// When.
        returned_at: Timestamp = "timestamptz",
    }
}

impl OrderRow {
    /// An order that has just been placed.
    pub(crate) fn placed(
        id: OrderId,
        customer_id: CustomerId,
        total: Cents,
        currency: Currency,
        placed_at: Timestamp,
    ) -> Self {
        Self {
            id: id.0,
            reference: None,
            status: Status::Placed.as_str().to_owned(),
            customer_id: customer_id.0,
            total_cents: total.get(),
            refund_cents: 0,
            currency: currency.code().to_owned(),
            placed_at,
            paid_at: None,
            shipped_at: None,
            delivered_at: None,
            cancelled_at: None,
            carrier: None,
            tracking_number: None,
            units: None,
            repeated_lines: None,
            words: String::new(),
            version: 0,
        }
    }
}
