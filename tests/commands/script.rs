//! Every command of the API once, in an order in which each of them holds.

use anyhow::Context;
use futures::{FutureExt, future::BoxFuture};
use journeys::{Desk, Order, Said};
use serde_json::{Value, json};

/// One command: its route, and what was sent and answered.
pub struct Step {
    /// The route, for example `POST /carts/{id}/items`.
    pub route: &'static str,
    /// The request, under a key of its own.
    pub order: Order,
    /// The same under the same key, but something else.
    pub another: Order,
    /// What was answered.
    pub said: Said,
}

/// Who sends a command, and how often.
pub type Sender<'a> = dyn Fn(Order) -> BoxFuture<'a, anyhow::Result<Said>> + Sync + 'a;

/// The script while it is played.
pub struct Script<'a> {
    send: &'a Sender<'a>,
    steps: Vec<Step>,
}

impl<'a> Script<'a> {
    /// Sends one command of each kind.
    pub async fn play(desk: &Desk) -> anyhow::Result<Vec<Step>> {
        let send = |order: Order| {
            let desk = desk.clone();
            async move { desk.send(&order).await }.boxed()
        };
        Script::play_by(&send).await
    }

    /// The same, sent as somebody else likes to.
    pub async fn play_by(send: &'a Sender<'a>) -> anyhow::Result<Vec<Step>> {
        let mut script = Self { send, steps: Vec::new() };
        script.products().await?;
        let customer = script.customers().await?;
        let order = script.cart(&customer).await?;
        script.order(&order).await?;
        script.others(&customer).await?;
        Ok(script.steps)
    }

    /// Sends `body` to `path`, and keeps it with `another` body that it must not be taken for.
    async fn step(
        &mut self,
        route: &'static str,
        path: &str,
        (body, another): (Value, Value),
    ) -> anyhow::Result<String> {
        let (method, _) = route.split_once(' ').context("a method and a path")?;
        let key = format!("key of {route} {}", self.steps.len());
        let order = Order::new(method, path, &body).once(&key);
        let another = Order::new(method, path, &another).once(&key);
        let said = (self.send)(order.clone()).await?;
        anyhow::ensure!(matches!(said.status, 200 | 201), "{route}: {}", said.body);
        let id = said.id()?;
        self.steps.push(Step { route, order, another, said });
        Ok(id)
    }

    async fn products(&mut self) -> anyhow::Result<()> {
        let product = |name: &str| json!({"sku": "TEA", "name": name, "department": "D", "unit_price_cents": 100});
        self.step("POST /products", "/products", (product("Tea"), product("Coffee"))).await?;
        let price = |cents: i64| json!({"unit_price_cents": cents});
        let path = "/products/TEA/price";
        self.step("POST /products/{sku}/price", path, (price(250), price(251))).await?;
        let stock = (json!({"received": 9}), json!({"counted": 9}));
        self.step("POST /products/{sku}/stock", "/products/TEA/stock", stock).await?;
        Ok(())
    }

    async fn customers(&mut self) -> anyhow::Result<String> {
        let customer = |name: &str| json!({"name": name, "email": "ann@example.com"});
        let bodies = (customer("Ann"), customer("Anna"));
        let ann = self.step("POST /customers", "/customers", bodies).await?;
        let email = |email: &str| json!({"email": email});
        let path = format!("/customers/{ann}/email");
        let bodies = (email("ann@example.org"), email("anna@example.org"));
        self.step("POST /customers/{id}/email", &path, bodies).await?;
        Ok(ann)
    }

    /// Gives the id of the order that the cart became.
    async fn cart(&mut self, customer: &str) -> anyhow::Result<String> {
        let nobody = "00000000-0000-4000-8000-000000000000";
        let bodies = (json!({"customer_id": customer}), json!({"customer_id": nobody}));
        let cart = self.step("POST /carts", "/carts", bodies).await?;
        let items = format!("/carts/{cart}/items");
        let item = |quantity: u32| json!({"sku": "TEA", "quantity": quantity});
        self.step("POST /carts/{id}/items", &items, (item(1), item(2))).await?;
        let (path, quantity) = (format!("{items}/TEA"), |of: u32| json!({"quantity": of}));
        let bodies = (quantity(3), quantity(4));
        self.step("PUT /carts/{id}/items/{sku}", &path, bodies).await?;
        self.step("DELETE /carts/{id}/items/{sku}", &path, (json!(null), json!(null))).await?;
        self.step("POST /carts/{id}/items", &items, (item(2), item(3))).await?;
        let path = format!("/carts/{cart}/checkout");
        self.step("POST /carts/{id}/checkout", &path, (json!(null), json!(null))).await?;
        let said = &self.steps.last().context("it was checked out")?.said;
        Ok(said.body["order_id"].as_str().context("no order")?.to_owned())
    }

    async fn order(&mut self, order: &str) -> anyhow::Result<()> {
        let path = |what: &str| format!("/orders/{order}/{what}");
        let paid = |by: &str| json!({"payment_reference": by, "amount_cents": 500});
        self.step("POST /orders/{id}/pay", &path("pay"), (paid("P1"), paid("P2"))).await?;
        let parcel = |number: &str| json!({"carrier": "C", "tracking_number": number});
        let bodies = (parcel("1"), parcel("2"));
        self.step("POST /orders/{id}/ship", &path("ship"), bodies).await?;
        let nothing = (json!(null), json!(null));
        self.step("POST /orders/{id}/deliver", &path("deliver"), nothing).await?;
        let back = |why: &str| json!({"lines": [{"sku": "TEA", "quantity": 1}], "reason": why});
        let bodies = (back("stale"), back("cold"));
        self.step("POST /orders/{id}/return", &path("return"), bodies).await?;
        Ok(())
    }

    async fn others(&mut self, customer: &str) -> anyhow::Result<()> {
        let old = |cents: i64| {
            json!({
                "reference": "R1", "customer_id": customer, "status": "placed",
                "placed_at": "2020-02-02T02:02:02Z",
                "lines": [{"sku": "TEA", "quantity": 1, "unit_price_cents": cents}],
            })
        };
        let bodies = (old(100), old(101));
        let imported = self.step("POST /orders/import", "/orders/import", bodies).await?;
        let path = format!("/orders/{imported}/cancel");
        let bodies = (json!({"reason": "late"}), json!({"reason": "early"}));
        self.step("POST /orders/{id}/cancel", &path, bodies).await?;
        let path = "/products/TEA/discontinue";
        self.step("POST /products/{sku}/discontinue", path, (json!(null), json!(null))).await?;
        let path = format!("/customers/{customer}/erase");
        self.step("POST /customers/{id}/erase", &path, (json!(null), json!(null))).await?;
        Ok(())
    }
}
