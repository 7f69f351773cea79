//! The whole read model: which events go to which view.

use std::{fmt::Display, str::FromStr};

use ordering::{
    Cart, CartEvent, Customer, CustomerEvent, Decider, EmailClaim, EmailClaimEvent, Order,
    OrderEvent, Product, ProductEvent, Undecodable,
};
use projection::{Changes, Commit, ReadModel, Table, View};

use crate::{
    Happened,
    audit_trail::{self, AuditRow},
    cart::{self, CartTables},
    customer::{self, CustomerRow},
    order_history::{self, OrderTables},
    product::{self, ProductRow},
};

/// The shop's read model.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shop;

/// All its tables.
#[derive(Debug, Default)]
pub struct ShopTables {
    /// Products.
    pub product: Table<ProductRow>,
    /// Customers.
    pub customer: Table<CustomerRow>,
    /// Carts.
    pub cart: CartTables,
    /// Orders.
    pub order: OrderTables,
    /// The audit trail.
    pub audit: Table<AuditRow>,
}

impl ReadModel for Shop {
    const VIEWS: &'static [View] = &[
        View { name: "products", category: Some(Product::CATEGORY), tables: &["product"] },
        View { name: "customers", category: Some(Customer::CATEGORY), tables: &["customer"] },
        View { name: "carts", category: Some(Cart::CATEGORY), tables: &["cart", "cart_line"] },
        View {
            name: "orders",
            category: Some(Order::CATEGORY),
            tables: &[
                "order_history",
                "order_line",
                "order_timeline",
                "order_refund",
                "product_sales",
                "product_sales_waiting",
            ],
        },
        View { name: "audit_trail", category: None, tables: &["audit_trail"] },
    ];

    type Tables = ShopTables;

    fn each(tables: &mut ShopTables) -> Vec<&mut dyn Changes> {
        vec![
            &mut tables.product,
            &mut tables.customer,
            &mut tables.cart.cart,
            &mut tables.cart.line,
            &mut tables.order.order,
            &mut tables.order.line,
            &mut tables.order.timeline,
            &mut tables.order.refund,
            &mut tables.order.sales,
            &mut tables.audit,
        ]
    }

    /// Everything is read before anything is folded, so that a commit counts whole or not at all.
    fn evolve(&self, tables: &mut ShopTables, commit: &Commit) -> Result<(), Undecodable> {
        match commit.stream.category() {
            Product::CATEGORY => {
                let sku = id(commit)?;
                for happened in Happened::<ProductEvent>::read(commit)? {
                    product::evolve(&mut tables.product, &sku, &happened);
                }
                product::as_of(&mut tables.product, &sku, commit.version);
            }
            Customer::CATEGORY => {
                let customer = id(commit)?;
                let all = Happened::<CustomerEvent>::read(commit)?;
                if all.iter().any(|happened| customer::is_sealed(&happened.event)) {
                    let (name, detail) =
                        (commit.stream.to_string(), "nobody revealed it".to_owned());
                    return Err(Undecodable::BadPayload { name, detail });
                }
                for happened in all {
                    customer::evolve(&mut tables.customer, customer, &happened);
                }
                customer::as_of(&mut tables.customer, customer, commit.version);
            }
            Cart::CATEGORY => {
                let cart = id(commit)?;
                for happened in Happened::<CartEvent>::read(commit)? {
                    cart::evolve(&mut tables.cart, cart, &happened);
                }
                cart::as_of(&mut tables.cart, cart, commit.version);
            }
            Order::CATEGORY => {
                let order = id(commit)?;
                for happened in Happened::<OrderEvent>::read(commit)? {
                    order_history::evolve(&mut tables.order, order, &happened);
                }
                order_history::as_of(&mut tables.order, order, commit.version);
            }
            EmailClaim::CATEGORY => {
                // A claim has no row: it is the write side's lock, and shows in the audit trail.
                Happened::<EmailClaimEvent>::read(commit)?;
            }
            other => return Err(Undecodable::UnknownType(format!("of a stream of {other:?}"))),
        }
        audit_trail::evolve(&mut tables.audit, commit);
        Ok(())
    }

    fn count(tables: &mut ShopTables) {
        order_history::count(&mut tables.order);
    }
}

/// The id that a stream is named by, in the one way of writing it that we write: two streams
/// never own one row.
fn id<I>(commit: &Commit) -> Result<I, Undecodable>
where
    I: FromStr<Err: Display> + Display,
{
    let bad = |detail: String| Undecodable::BadPayload { name: commit.stream.to_string(), detail };
    let id: I = commit.stream.id().parse().map_err(|error: I::Err| bad(error.to_string()))?;
    if id.to_string() == commit.stream.id() {
        Ok(id)
    } else {
        Err(bad(format!("the id is written {id}")))
    }
}
