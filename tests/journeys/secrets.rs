//! What the logs must not hold: names, addresses, tokens, passwords, keys.

use anyhow::ensure;
use journeys::{EVERYTHING, StackProcess};
use serde_json::json;
use tempfile::TempDir;

const NAME: &str = "Zebulon Quartermaine";
const EMAIL: &str = "zebulon@quartermaine.example";
const NEW_EMAIL: &str = "z.quartermaine@elsewhere.example";
const REASON: &str = "Quartermaine was not at home";
const KEY: &str = "a-key-that-only-the-client-knows";

#[tokio::test(flavor = "multi_thread")]
async fn the_logs_hold_no_secret_and_no_personal_datum() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let (data, log) = (folder.path().join("data"), folder.path().join("log"));
    let stack = StackProcess::start_logging(&data, &log)?;
    let staff = stack.caller(&data, EVERYTHING)?;
    let customer = json!({"name": NAME, "email": EMAIL, "reference": "quartermaine-1"});
    let registered = staff.post_once(KEY, "/customers", customer.clone()).await?.expect(201)?;
    let id = registered.id()?;
    staff.post("/customers", customer.clone()).await?.refused(409, "email-taken")?;
    staff.post("/customers", json!({"name": NAME, "mail": EMAIL})).await?.expect(400)?;
    let moved = staff.post(&format!("/customers/{id}/email"), json!({"email": NEW_EMAIL})).await?;
    staff.stocked("TEA", 100, 10).await?;
    let cart = staff.cart(&id, &[("TEA", 1)]).await?;
    let placed = staff.post(&format!("/carts/{cart}/checkout"), json!({})).await?.expect(201)?;
    let order = placed.text("order_id")?;
    let cancel = json!({"reason": REASON});
    staff.post(&format!("/orders/{order}/cancel"), cancel).await?.expect(200)?;
    staff.get_after(&moved.expect(200)?, &format!("/customers/{id}")).await?.expect(200)?;
    staff.get("/orders?q=Quartermaine").await?.expect(200)?;
    staff.get(&format!("/customers/{NAME}")).await?.expect(404)?;
    staff.get(&format!("/streams/customer-{id}/events")).await?.expect(200)?;
    let token = staff.token().to_owned();
    ensure!(stack.terminate()?, "SIGTERM ends it cleanly");

    let logged = std::fs::read_to_string(&log)?;
    ensure!(logged.contains("answered") && logged.contains("refused"), "it logs: {logged}");
    let signature = token.rsplit('.').next().unwrap_or_default();
    let environment = std::fs::read_to_string(data.join("env")).unwrap_or_default();
    let secrets = environment.lines().filter_map(|line| line.split_once('='));
    let secrets = secrets.filter(|(name, _)| name.contains("KEY") || name.contains("URL"));
    let passwords = secrets.map(|(_, value)| value).filter(|value| value.len() > 10);
    let mut forbidden: Vec<&str> = passwords.filter(|value| !value.starts_with("http")).collect();
    forbidden.extend([NAME, "Quartermaine", "quartermaine", EMAIL, NEW_EMAIL, REASON, KEY]);
    forbidden.extend([token.as_str(), signature]);
    for secret in forbidden {
        let line = logged.lines().find(|line| line.contains(secret));
        ensure!(line.is_none(), "{secret} is in the log: {}", line.unwrap_or_default());
    }
    Ok(())
}
