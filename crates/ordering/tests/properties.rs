//! What holds in the shop whatever is asked of it, in whatever order.

mod shop;

use std::fmt::Debug;

use ordering::{
    Cart, CartCommand, CartEvent, CartOpened, Cents, Commit, Customer, CustomerId, Decider,
    EmailClaim, Event, Folded, ItemQuantitySet, KnownOrder, Order, Origin, Product, ProductEvent,
    Sku, Status,
};
use proptest::{collection::vec, prelude::*, test_runner::TestCaseResult};

use shop::{
    Shop, Stream, Streams,
    asks::{Ask, asks, pieces, sku, some_pieces},
    events,
};

/// The shop after all that was asked of it, each request with a key of its own.
fn shop_after(asks: &[Ask]) -> Shop {
    let mut shop = Shop::default();
    for (number, ask) in asks.iter().enumerate() {
        // A refusal is an answer too.
        let _ = shop.send(ask, &number.to_string());
    }
    shop
}

fn known_orders(shop: &Shop) -> impl Iterator<Item = &KnownOrder> {
    shop.orders.states().filter_map(|order| order.known().ok())
}

/// A stream read from its commits is what was remembered while they were written; so it is from
/// a snapshot that was put away on the way.
fn refolds<D: Decider + Debug + PartialEq>(streams: &Streams<D>) -> TestCaseResult {
    for Stream { commits, folded } in streams.0.values() {
        let (first, rest) = commits.split_at(commits.len() / 2);
        let halfway = fold(Folded::<D>::default(), first);
        let snapshot = serde_json::to_string(&halfway).expect("a state serialises");
        let thawed = serde_json::from_str(&snapshot).expect("a snapshot is read");
        prop_assert_eq!(&fold(halfway, rest), folded);
        prop_assert_eq!(&fold(thawed, rest), folded);
        let events = commits.iter().flat_map(|commit| &commit.events);
        let state = events.fold(D::default(), |state, recorded| {
            state.evolve(&D::Event::read(recorded).expect("what was written is read"))
        });
        prop_assert_eq!(&state, &folded.state);
    }
    Ok(())
}

fn fold<D: Decider>(folded: Folded<D>, commits: &[Commit]) -> Folded<D> {
    commits
        .iter()
        .fold(folded, |folded, commit| folded.fold(commit).expect("what was written is read"))
}

fn folds<D: Decider>(history: &[D::Event]) -> D {
    history.iter().fold(D::default(), D::evolve)
}

/// Pieces that came in, were given back, and were taken.
fn pieces_moved(stream: &Stream<Product>) -> [i64; 3] {
    let mut moved = [0; 3];
    for recorded in stream.commits.iter().flat_map(|commit| &commit.events) {
        let (way, quantity) = match ProductEvent::read(recorded).expect("what was written is read")
        {
            ProductEvent::StockReceived(received) => (0, received.quantity),
            ProductEvent::StockGivenBack(given) => (1, given.quantity),
            ProductEvent::StockTaken(taken) => (2, taken.quantity),
            ProductEvent::Added(_)
            | ProductEvent::PriceChanged(_)
            | ProductEvent::StockCounted(_)
            | ProductEvent::Discontinued(_) => continue,
        };
        moved[way] += i64::from(quantity.get());
    }
    moved
}

/// Pieces of a product in the orders that took stock and were not cancelled.
fn pieces_ordered(shop: &Shop, sku: &Sku) -> i64 {
    known_orders(shop)
        .filter(|order| order.origin == Origin::Cart && order.status != Status::Cancelled)
        .flat_map(|order| &order.lines)
        .filter(|(line, _)| line.sku == *sku)
        .map(|(line, _)| i64::from(line.quantity.get()))
        .sum()
}

fn refund_is_sound(order: &KnownOrder) -> TestCaseResult {
    prop_assert!(order.refund_cents <= order.total_cents);
    let mut refund = 0;
    for (line, returned) in &order.lines {
        prop_assert!(*returned <= line.quantity.get());
        refund += i128::from(line.unit_price_cents.get()) * i128::from(*returned);
    }
    prop_assert_eq!(i128::from(order.refund_cents.get()), refund);
    let refunded = order.refund_cents > Cents::ZERO;
    prop_assert!(
        !refunded || order.status == Status::Delivered,
        "only what was paid for comes back"
    );
    Ok(())
}

/// A cart with `items` different products.
fn filled_cart(items: usize) -> Cart {
    let opened: CartEvent = CartOpened { customer_id: CustomerId::derived("ann") }.into();
    let number = |item| i64::try_from(item).expect("a cart has few items");
    let set = |item| ItemQuantitySet { sku: sku(number(item)), quantity: pieces(1) }.into();
    folds(&[opened].into_iter().chain((0..items).map(set)).collect::<Vec<_>>())
}

fn item_command() -> impl Strategy<Value = CartCommand> {
    let item = || (0..120_i64).prop_map(sku);
    prop_oneof![
        4 => (item(), some_pieces()).prop_map(|(sku, more)| CartCommand::AddItem(sku, more)),
        4 => (item(), some_pieces()).prop_map(|(sku, now)| CartCommand::SetQuantity(sku, now)),
        1 => item().prop_map(CartCommand::RemoveItem),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_request_sent_twice_with_its_key_changes_nothing_more(asks in asks()) {
        let mut shop = Shop::default();
        let mut changed = vec![];
        for (number, ask) in asks.iter().enumerate() {
            let key = number.to_string();
            let first = shop.send(ask, &key);
            let again = shop.send(ask, &key);
            prop_assert_eq!(again.unwrap_or(0), 0, "{:?} again", ask);
            if first.is_ok_and(|commits| commits > 0) {
                changed.push((ask, key));
            }
        }
        for (ask, key) in changed {
            prop_assert_eq!(shop.send(ask, &key), Ok(0), "{:?} much later", ask);
        }
    }

    #[test]
    fn a_command_sent_twice_without_a_key_changes_nothing_more(asks in asks()) {
        let mut shop = Shop::default();
        for (number, ask) in asks.iter().enumerate() {
            let first = shop.send(ask, &format!("{number}, first"));
            let again = shop.send(ask, &format!("{number}, again"));
            if ask.adds_up() {
                continue;
            }
            prop_assert_eq!(again.as_ref().map_or(0, |commits| *commits), 0, "{:?} again", ask);
            prop_assert!(first.is_ok() || first == again, "{:?} was refused for another reason", ask);
        }
    }

    #[test]
    fn a_history_folds_to_what_was_remembered_of_it(asks in asks()) {
        let shop = shop_after(&asks);
        refolds(&shop.products)?;
        refolds(&shop.customers)?;
        refolds(&shop.claims)?;
        refolds(&shop.carts)?;
        refolds(&shop.orders)?;
    }

    #[test]
    fn no_history_whatever_breaks_a_fold(
        product in vec(events::product_event(), 0..40),
        customer in vec(events::customer_event(), 0..10),
        claim in vec(events::claim_event(), 0..10),
        cart in vec(events::cart_event(), 0..40),
        order in vec(events::order_event(), 0..40),
    ) {
        let _: Product = folds(&product);
        let _: Customer = folds(&customer);
        let _: EmailClaim = folds(&claim);
        let _: Cart = folds(&cart);
        let _: Order = folds(&order);
    }

    #[test]
    fn stock_is_never_negative(asks in asks()) {
        let mut shop = Shop::default();
        for (number, ask) in asks.iter().enumerate() {
            let _ = shop.send(ask, &number.to_string());
            for listing in shop.products.states().filter_map(Product::listing) {
                prop_assert!(listing.stock >= 0, "{:?} left {:?}", ask, listing);
            }
        }
    }

    #[test]
    fn stock_is_what_came_in_less_what_was_ordered(asks in asks()) {
        let uncounted: Vec<_> = asks.into_iter().filter(|ask| !ask.counts()).collect();
        let shop = shop_after(&uncounted);
        for stream in shop.products.0.values() {
            let Some(listing) = stream.folded.state.listing() else { continue };
            let [received, given_back, taken] = pieces_moved(stream);
            prop_assert_eq!(listing.stock, received + given_back - taken);
            prop_assert_eq!(listing.stock, received - pieces_ordered(&shop, &listing.sku));
        }
    }

    #[test]
    fn refunds_never_exceed_what_was_paid(asks in asks()) {
        let mut shop = Shop::default();
        for (number, ask) in asks.iter().enumerate() {
            let _ = shop.send(ask, &number.to_string());
            known_orders(&shop).try_for_each(refund_is_sound)?;
        }
    }

    #[test]
    fn every_address_is_held_by_the_customer_who_has_it(asks in asks()) {
        let shop = shop_after(&asks);
        let held = shop.claims.states().filter(|claim| **claim != EmailClaim::Free).count();
        let customers = shop.customers.0.iter().filter_map(|(stream, customer)| {
            Some((stream, customer.folded.state.registered().ok()?))
        });
        let customers: Vec<_> = customers.collect();
        prop_assert_eq!(held, customers.len());
        for (stream, customer) in customers {
            let claim = shop.claims.state(&customer.email.claim_stream());
            prop_assert!(matches!(claim, EmailClaim::Held(holder) if holder.stream() == *stream));
        }
    }

    #[test]
    fn a_cart_never_holds_more_than_a_transaction_writes(
        items in 0..=Cart::MOST_ITEMS,
        commands in vec(item_command(), 0..60),
    ) {
        let mut cart = filled_cart(items);
        for command in commands {
            let events = cart.decide(command).unwrap_or_default();
            cart = events.iter().fold(cart, Cart::evolve);
            prop_assert!(cart.open().is_ok_and(|open| open.items.len() <= Cart::MOST_ITEMS));
        }
    }
}
