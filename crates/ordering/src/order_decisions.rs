//! What an order answers to each command. One function a command.

use std::collections::BTreeMap;

use crate::{
    Cents, Currency, Import, ItemsReturned, KnownOrder, Order, OrderCancelled, OrderDelivered,
    OrderEvent, OrderImported, OrderLine, OrderPaid, OrderPlaced, OrderShipped, Origin, Payment,
    Place, Quantity, Rejection, Return, ReturnedLine, Sku, Status,
};

type Decision = Result<Vec<OrderEvent>, Rejection>;

/// Placing what is placed yields no event: the cart that determined this order became it once.
pub(crate) fn place(order: &Order, place: Place) -> Decision {
    let Place { customer_id, cart_id, lines } = place;
    let total_cents = total(&lines)?;
    match order {
        Order::Known(_) => Ok(vec![]),
        Order::Unknown => Ok(vec![
            OrderPlaced { customer_id, cart_id, lines, total_cents, currency: Currency::Usd }
                .into(),
        ]),
    }
}

/// The same order twice is one order; another one under its reference is refused.
pub(crate) fn import(order: &Order, import: Import) -> Decision {
    let Import { reference, customer_id, placed_at, status, lines } = import;
    let total_cents = total(&lines)?;
    let Order::Known(known) = order else {
        let currency = Currency::Usd;
        return Ok(vec![
            OrderImported {
                reference,
                customer_id,
                placed_at,
                status,
                lines,
                total_cents,
                currency,
            }
            .into(),
        ]);
    };
    let same = known.customer_id == customer_id
        && known.origin == Origin::Import { placed_at, status }
        && known.lines.iter().map(|(line, _)| line).eq(&lines);
    if same { Ok(vec![]) } else { Err(Rejection::ReferenceTaken) }
}

/// Paying with the same payment again yields no event: the provider may tell us twice.
pub(crate) fn pay(order: &KnownOrder, payment: Payment) -> Decision {
    let Payment { payment_reference, amount_cents } = payment;
    match order.status {
        Status::Cancelled => Err(Rejection::OrderCancelled),
        Status::Placed if amount_cents != order.total_cents => {
            Err(Rejection::AmountDiffers { due: order.total_cents, offered: amount_cents })
        }
        Status::Placed => {
            let currency = Currency::Usd;
            Ok(vec![OrderPaid { payment_reference, amount_cents, currency }.into()])
        }
        Status::Paid | Status::Shipped | Status::Delivered => {
            let same = order.payment_reference.as_ref() == Some(&payment_reference)
                && order.total_cents == amount_cents;
            if same { Ok(vec![]) } else { Err(Rejection::AlreadyPaid) }
        }
    }
}

/// Shipping the same parcel again yields no event.
pub(crate) fn ship(order: &KnownOrder, parcel: OrderShipped) -> Decision {
    match order.status {
        Status::Cancelled => Err(Rejection::OrderCancelled),
        Status::Placed => Err(Rejection::NotPaid),
        Status::Paid => Ok(vec![parcel.into()]),
        Status::Shipped | Status::Delivered if order.parcel.as_ref() == Some(&parcel) => Ok(vec![]),
        Status::Shipped | Status::Delivered => Err(Rejection::AlreadyShipped),
    }
}

/// Delivering twice yields no event.
pub(crate) fn deliver(order: &KnownOrder) -> Decision {
    match order.status {
        Status::Cancelled => Err(Rejection::OrderCancelled),
        Status::Placed | Status::Paid => Err(Rejection::NotShipped),
        Status::Shipped => Ok(vec![OrderDelivered {}.into()]),
        Status::Delivered => Ok(vec![]),
    }
}

/// Cancels an order that has not been shipped.
///
/// Cancelling twice yields no event: the gateway retries a timed-out request, and the second
/// answer must match the first.
pub(crate) fn cancel(order: &KnownOrder, cancel: OrderCancelled) -> Decision {
    match order.status {
        Status::Placed | Status::Paid => Ok(vec![cancel.into()]),
        Status::Shipped | Status::Delivered => Err(Rejection::AlreadyShipped),
        Status::Cancelled => Ok(vec![]),
    }
}

/// Takes pieces back, from the first line of their product on. The goods do not go back on the
/// shelf: whoever inspects them books them in with a count.
pub(crate) fn take_back(order: &KnownOrder, command: Return) -> Decision {
    match order.status {
        Status::Cancelled => return Err(Rejection::OrderCancelled),
        Status::Placed | Status::Paid | Status::Shipped => return Err(Rejection::NotDelivered),
        Status::Delivered => {}
    }
    let mut wanted: BTreeMap<Sku, u64> = BTreeMap::new();
    for (sku, quantity) in command.items {
        *wanted.entry(sku).or_default() += u64::from(quantity.get());
    }
    let mut lines = Vec::new();
    for (sku, wanted) in wanted {
        lines.extend(lines_back(order, &sku, wanted)?);
    }
    if lines.is_empty() {
        return Err(Rejection::ReturnEmpty);
    }
    let refund_cents =
        lines.iter().try_fold(Cents::ZERO, |sum, line| sum.plus(line.refund_cents))?;
    Ok(vec![ItemsReturned { lines, refund_cents, reason: command.reason }.into()])
}

/// Spreads `wanted` pieces of a product over the lines that hold it.
fn lines_back(order: &KnownOrder, sku: &Sku, wanted: u64) -> Result<Vec<ReturnedLine>, Rejection> {
    let of_sku = || (1..).zip(&order.lines).filter(|(_, (line, _))| line.sku == *sku);
    if of_sku().next().is_none() {
        return Err(Rejection::NotInOrder(sku.clone()));
    }
    let left = |(line, returned): &(OrderLine, u32)| line.quantity.get().saturating_sub(*returned);
    let all_left = of_sku().map(|(_, line)| u64::from(left(line))).sum();
    if wanted > all_left {
        return Err(Rejection::ReturnTooLarge { sku: sku.clone(), left: all_left, wanted });
    }
    let mut open = wanted;
    let mut lines = Vec::new();
    for (line_no, line) in of_sku() {
        let pieces = open.min(u64::from(left(line)));
        open -= pieces;
        let Ok(quantity) = Quantity::new(i64::try_from(pieces).unwrap_or(i64::MAX)) else {
            continue; // nothing left of this line, or nothing wanted any more
        };
        let refund_cents = line.0.unit_price_cents.times(quantity)?;
        lines.push(ReturnedLine { line_no, sku: sku.clone(), quantity, refund_cents });
    }
    Ok(lines)
}

fn total(lines: &[OrderLine]) -> Result<Cents, Rejection> {
    if lines.is_empty() {
        return Err(Rejection::OrderEmpty);
    }
    lines
        .iter()
        .try_fold(Cents::ZERO, |sum, line| sum.plus(line.unit_price_cents.times(line.quantity)?))
}
