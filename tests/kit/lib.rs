//! The kit of the journeys: a whole stack of one's own, and callers with tokens.

mod caller;
mod desk;
mod fault;
mod log;
mod movements;
mod private;
mod process;
mod sandbox;
mod table;
mod terminal;
mod wire;

use std::{
    path::PathBuf,
    process::Output,
    sync::{Mutex, PoisonError},
    time::Duration,
};

pub use caller::{Answer, Caller};
pub use desk::{Desk, Order, Said};
pub use fault::{Fault, Gate};
use local_stack::{FaultPlan, Options, Stack};
use log::Log;
pub use movements::{dynamodb, product_moved_often};
pub use process::{StackProcess, binary};
pub use sandbox::Sandbox;
use serde_json::json;
pub use table::{TABLE, Table, cold_client, cold_store};
use tempfile::TempDir;
use terminal::Terminal;
use tokio::{
    process::{Child, Command},
    time::timeout,
};
pub use wire::{Call, Wire};
pub use witness::look_away;

/// Everybody who works in the shop.
pub const EVERYTHING: &str = "staff import analyst";

/// A stack in this process, on any free port, in a folder that goes with it.
pub struct Shop {
    /// The stack.
    pub stack: Stack,
    /// Somebody who may do anything.
    pub staff: Caller,
    logs: Logs,
    _folder: TempDir,
}

/// What is said beside what is logged: read at the end.
struct Logs {
    data_dir: PathBuf,
    /// What each `millrace` says that goes on by itself.
    millrace: Mutex<Vec<Log>>,
}

impl Shop {
    /// Opens a shop.
    ///
    /// # Errors
    /// When the stack does not start.
    pub async fn open() -> anyhow::Result<Self> {
        Self::with_faults("").await
    }

    /// Opens a shop whose stream has faults, see `local-stack dev --help`.
    ///
    /// # Errors
    /// When the stack does not start.
    pub async fn with_faults(faults: &str) -> anyhow::Result<Self> {
        witness::watch();
        let folder = TempDir::new()?;
        let faults: FaultPlan = faults.parse()?;
        let data_dir = folder.path().join("data");
        let stack = Stack::start(Options { port: 0, data_dir, template: None, faults }).await?;
        let staff = Caller::new(stack.url(), stack.token(EVERYTHING, None)?);
        private::note_keys(stack.data_dir());
        let logs = Logs { data_dir: stack.data_dir().to_owned(), millrace: Mutex::default() };
        Ok(Self { stack, staff, logs, _folder: folder })
    }

    /// Runs `millrace` in the environment of the stack's functions.
    ///
    /// # Errors
    /// When it was not built.
    pub async fn millrace(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        self.millrace_with(&[], arguments).await
    }

    /// As [`Shop::millrace`], with some variables otherwise.
    ///
    /// # Errors
    /// When it was not built.
    pub async fn millrace_with(
        &self,
        otherwise: &[(&str, &str)],
        arguments: &[&str],
    ) -> anyhow::Result<Output> {
        let mut command = self.millrace_command(arguments)?;
        let output = command.envs(otherwise.iter().copied()).output().await?;
        witness::read(&String::from_utf8_lossy(&output.stderr));
        witness::read(&String::from_utf8_lossy(&output.stdout));
        Ok(output)
    }

    /// Runs `millrace` on a terminal; gives what it showed there.
    ///
    /// # Errors
    /// When it fails, or there is no terminal to be had.
    pub async fn millrace_on_a_terminal(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let terminal = Terminal::open()?;
        let mut command = self.millrace_command(arguments)?;
        command.stdin(terminal.stdio()?).stdout(terminal.stdio()?).stderr(terminal.stdio()?);
        let mut running = command.env("TERM", "xterm").kill_on_drop(true).spawn()?;
        // It has the terminal's other end, too.
        drop(command);
        let shown = tokio::task::spawn_blocking(|| terminal.shown());
        let Ok(status) = timeout(Duration::from_secs(120), running.wait()).await else {
            running.kill().await?;
            anyhow::bail!("it does not end: {}", shown.await??);
        };
        let (status, shown) = (status?, shown.await??);
        witness::read(&shown);
        anyhow::ensure!(status.success(), "{status}: {shown}");
        Ok(shown)
    }

    fn millrace_command(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let environment = std::fs::read_to_string(self.stack.data_dir().join("env"))?;
        let variables = environment.lines().filter_map(|line| line.split_once('='));
        let mut command = Command::new(binary("millrace")?);
        command.args(arguments).envs(variables).env("RUST_LOG", witness::level());
        Ok(command)
    }

    /// Starts `millrace` in the environment of the stack's functions; it ends with its handle.
    ///
    /// # Errors
    /// When it was not built.
    pub fn millrace_process(&self, arguments: &[&str]) -> anyhow::Result<Child> {
        let mut command = self.millrace_command(arguments)?;
        let log = Log::new()?;
        command.stdout(log.stdio()?).stderr(log.stdio()?);
        self.logs.millrace.lock().unwrap_or_else(PoisonError::into_inner).push(log);
        Ok(command.kill_on_drop(true).spawn()?)
    }

    /// A customer's own token.
    ///
    /// # Errors
    /// When the issuer does not give one.
    pub fn shopper(&self, customer_id: &str) -> anyhow::Result<Caller> {
        Ok(Caller::new(self.stack.url(), self.stack.token("shop", Some(customer_id))?))
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        private::read_metrics(&self.data_dir);
    }
}

impl Caller {
    /// Puts a product on the shelf; gives its sku.
    ///
    /// # Errors
    /// When the shop refuses.
    pub async fn stocked(&self, sku: &str, price: i64, stock: u32) -> anyhow::Result<String> {
        let product = json!({
            "sku": sku, "name": format!("Product {sku}"), "department": "GROCERY",
            "unit_price_cents": price,
        });
        self.post("/products", product).await?.expect(201)?;
        let received = json!({"received": stock});
        self.post(&format!("/products/{sku}/stock"), received).await?.expect(200)?;
        Ok(sku.to_owned())
    }

    /// Registers a customer; gives their id.
    ///
    /// # Errors
    /// When the shop refuses.
    pub async fn customer(&self, name: &str) -> anyhow::Result<String> {
        let customer = json!({"name": name, "email": format!("{name}@example.com")});
        self.post("/customers", customer).await?.expect(201)?.id()
    }

    /// Opens a cart with these pieces in it; gives its id.
    ///
    /// # Errors
    /// When the shop refuses.
    pub async fn cart(&self, customer: &str, items: &[(&str, u32)]) -> anyhow::Result<String> {
        let opened = self.post("/carts", json!({"customer_id": customer})).await?;
        let cart = opened.expect(201)?.id()?;
        for (sku, quantity) in items {
            let item = json!({"sku": sku, "quantity": quantity});
            self.post(&format!("/carts/{cart}/items"), item).await?.expect(200)?;
        }
        Ok(cart)
    }
}
