//! A little shop in memory: it answers as the command function does, with no store and no clock.

pub(crate) mod asks;
pub(crate) mod events;

use std::collections::BTreeMap;

use ordering::{
    Cart, CartCommand, CartEvent, Checkout, Commit, Customer, CustomerCommand, CustomerEvent,
    CustomerId, Decider, Email, EmailClaim, EmailClaimCommand, EmailClaimEvent, EmailDigest, Event,
    Folded, Metadata, NewCustomer, Order, OrderCommand, OrderEvent, OrderId, Payment, Product,
    ProductEvent, Rejection, Request, Restock, Sku, StreamId, checkout, restock,
};

use asks::Ask;

/// One stream: its commits, and what is remembered of them.
#[derive(Debug)]
pub(crate) struct Stream<D: Decider> {
    pub(crate) commits: Vec<Commit>,
    pub(crate) folded: Folded<D>,
}

/// All streams of a kind.
#[derive(Debug)]
pub(crate) struct Streams<D: Decider>(pub(crate) BTreeMap<StreamId, Stream<D>>);

impl<D: Decider> Default for Streams<D> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<D: Decider> Streams<D> {
    pub(crate) fn state(&self, stream: &StreamId) -> D {
        self.0.get(stream).map(|stream| stream.folded.state.clone()).unwrap_or_default()
    }

    pub(crate) fn states(&self) -> impl Iterator<Item = &D> {
        self.0.values().map(|stream| &stream.folded.state)
    }

    fn commits(&self) -> usize {
        self.0.values().map(|stream| stream.commits.len()).sum()
    }

    fn accepted(&self, stream: &StreamId, key: &str) -> bool {
        self.0
            .get(stream)
            .is_some_and(|stream| stream.folded.may_have_accepted(key).next().is_some())
    }

    /// Appends one commit, as a store does: without an event there is none.
    fn append(&mut self, write: Write<D::Event>, addressed: &StreamId, key: &str) {
        let (id, events) = write;
        if events.is_empty() {
            return;
        }
        let stream = self
            .0
            .entry(id.clone())
            .or_insert_with(|| Stream { commits: vec![], folded: Folded::default() });
        let request = (id == *addressed).then(|| Request {
            key: key.to_owned(),
            fingerprint: String::new(),
            answer: String::new(),
        });
        let commit = Commit {
            stream: id,
            version: stream.folded.version.next(),
            recorded_at: "2026-01-01T00:00:00Z".parse().expect("a time"),
            events: events.iter().map(Event::record).collect(),
            metadata: Metadata { request, ..Metadata::default() },
        };
        stream.folded = std::mem::take(&mut stream.folded).advance(&commit, &events);
        stream.commits.push(commit);
    }
}

/// Events for a stream.
type Write<E> = (StreamId, Vec<E>);

/// What one command writes: all of it, or nothing.
#[derive(Debug, Default)]
struct Changes {
    products: Vec<Write<ProductEvent>>,
    customers: Vec<Write<CustomerEvent>>,
    claims: Vec<Write<EmailClaimEvent>>,
    carts: Vec<Write<CartEvent>>,
    orders: Vec<Write<OrderEvent>>,
}

/// Everything that ever happened in the shop.
#[derive(Debug, Default)]
pub(crate) struct Shop {
    pub(crate) products: Streams<Product>,
    pub(crate) customers: Streams<Customer>,
    pub(crate) claims: Streams<EmailClaim>,
    pub(crate) carts: Streams<Cart>,
    pub(crate) orders: Streams<Order>,
}

impl Shop {
    /// How many commits there are: commits are only ever added, so as many are the same ones.
    pub(crate) fn commits(&self) -> usize {
        self.products.commits()
            + self.customers.commits()
            + self.claims.commits()
            + self.carts.commits()
            + self.orders.commits()
    }

    /// Decides a request, unless it is remembered. Answers how many commits that made.
    pub(crate) fn send(&mut self, ask: &Ask, key: &str) -> Result<usize, Rejection> {
        let addressed = ask.stream();
        let before = self.commits();
        if !self.accepted(&addressed, key) {
            let changes = self.decide(ask)?;
            self.commit(changes, &addressed, key);
        }
        Ok(self.commits() - before)
    }

    fn accepted(&self, stream: &StreamId, key: &str) -> bool {
        self.products.accepted(stream, key)
            || self.customers.accepted(stream, key)
            || self.claims.accepted(stream, key)
            || self.carts.accepted(stream, key)
            || self.orders.accepted(stream, key)
    }

    fn commit(&mut self, changes: Changes, addressed: &StreamId, key: &str) {
        changes.products.into_iter().for_each(|write| self.products.append(write, addressed, key));
        changes
            .customers
            .into_iter()
            .for_each(|write| self.customers.append(write, addressed, key));
        changes.claims.into_iter().for_each(|write| self.claims.append(write, addressed, key));
        changes.carts.into_iter().for_each(|write| self.carts.append(write, addressed, key));
        changes.orders.into_iter().for_each(|write| self.orders.append(write, addressed, key));
    }

    fn decide(&self, ask: &Ask) -> Result<Changes, Rejection> {
        match ask {
            Ask::Product(sku, command) => {
                let stream = sku.stream();
                let events = self.product(sku).decide((sku.clone(), command.clone()))?;
                Ok(Changes { products: vec![(stream, events)], ..Changes::default() })
            }
            Ask::Register(id, customer) => self.register(*id, customer),
            Ask::Move(id, email) => self.change_email(*id, email),
            Ask::Cart(id, command) => {
                self.may_change_cart(command)?;
                let events = self.carts.state(&id.stream()).decide(command.clone())?;
                Ok(Changes { carts: vec![(id.stream(), events)], ..Changes::default() })
            }
            Ask::CheckOut(id) => {
                let products = self.products.states().filter_map(Product::listing);
                let products = products
                    .map(|listing| (listing.sku.clone(), Product::Listed(listing.clone())))
                    .collect();
                let done = checkout(*id, &self.carts.state(&id.stream()), &products)?;
                Ok(checked_out(id.stream(), id.order(), done))
            }
            Ask::Order(id, command) => self.order(*id, command.clone()),
            Ask::PayInFull(id, payment_reference) => {
                let order = self.orders.state(&id.stream());
                let amount_cents = order.known()?.total_cents;
                let payment_reference = payment_reference.clone();
                self.order(*id, OrderCommand::Pay(Payment { payment_reference, amount_cents }))
            }
        }
    }

    fn product(&self, sku: &Sku) -> Product {
        self.products.state(&sku.stream())
    }

    fn may_change_cart(&self, command: &CartCommand) -> Result<(), Rejection> {
        match command {
            CartCommand::Open(customer) => {
                self.customers.state(&customer.stream()).registered().map(|_| ())
            }
            CartCommand::AddItem(sku, _) | CartCommand::SetQuantity(sku, _) => {
                self.product(sku).sold(sku).map(|_| ())
            }
            CartCommand::RemoveItem(_) | CartCommand::CheckOut(_) => Ok(()),
        }
    }

    fn register(&self, id: CustomerId, customer: &NewCustomer) -> Result<Changes, Rejection> {
        let register = CustomerCommand::Register(customer.clone());
        let events = self.customers.state(&id.stream()).decide(register)?;
        let claim = self.claim(&customer.email.digest(), EmailClaimCommand::Claim(id))?;
        let customers = vec![(id.stream(), events)];
        Ok(Changes { customers, claims: vec![claim], ..Changes::default() })
    }

    fn change_email(&self, id: CustomerId, email: &Email) -> Result<Changes, Rejection> {
        let customer = self.customers.state(&id.stream());
        let events = customer.decide(CustomerCommand::ChangeEmail(email.clone()))?;
        let old = &customer.registered()?.email;
        let mut claims = vec![];
        let new = &email.digest();
        if old.claim_stream() != new.claim_stream() {
            claims.push(self.claim(old, EmailClaimCommand::Release(id))?);
            claims.push(self.claim(new, EmailClaimCommand::Claim(id))?);
        }
        Ok(Changes { customers: vec![(id.stream(), events)], claims, ..Changes::default() })
    }

    fn claim(
        &self,
        email: &EmailDigest,
        command: EmailClaimCommand,
    ) -> Result<Write<EmailClaimEvent>, Rejection> {
        let stream = email.claim_stream();
        let events = self.claims.state(&stream).decide(command)?;
        Ok((stream, events))
    }

    /// Also gives back what an order took, if this is what cancels it.
    fn order(&self, id: OrderId, command: OrderCommand) -> Result<Changes, Rejection> {
        let order = self.orders.state(&id.stream());
        let events = order.decide(command)?;
        let mut products = vec![];
        if events.iter().any(|event| matches!(event, OrderEvent::Cancelled(_))) {
            for Restock { sku, command } in restock(id, order.known()?) {
                let given_back = self.product(&sku).decide((sku.clone(), command))?;
                products.push((sku.stream(), given_back));
            }
        }
        Ok(Changes { products, orders: vec![(id.stream(), events)], ..Changes::default() })
    }
}

fn checked_out(cart: StreamId, order: OrderId, checkout: Checkout) -> Changes {
    let products = checkout.stock.into_iter().map(|(sku, events)| (sku.stream(), events)).collect();
    Changes {
        products,
        carts: vec![(cart, checkout.cart)],
        orders: vec![(order.stream(), checkout.order)],
        ..Changes::default()
    }
}
