//! Sends the files as commands, many at a time.

use std::collections::{BTreeMap, VecDeque};
use std::io::IsTerminal;
use std::path::Path;

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::baskets::{self, Line};
use super::client::{Accepted, Client};

/// Commands under way at once.
const AT_ONCE: usize = 16;

/// What a query must have seen to have seen everything: the stream keeps no order between two
/// streams, so the last write alone would not do.
const WATCHED_WRITES: usize = 8 * AT_ONCE;

/// What became of the files.
#[derive(Default)]
pub(super) struct Loaded {
    pub(super) new: usize,
    pub(super) already_there: usize,
    /// Consistency tokens.
    pub(super) last_writes: VecDeque<String>,
}

/// Loads customers, products and orders; customers first, for their ids.
pub(super) async fn everything(client: &Client, folder: &Path) -> Result<Loaded> {
    let customers = baskets::read(folder, "customers.ndjson")?;
    let products = baskets::read(folder, "products.ndjson")?;
    let mut orders = baskets::read(folder, "orders.ndjson")?;
    let total = customers.len() + products.len() + orders.len();
    let mut loading = Loading { client, progress: Progress::of(total), loaded: Loaded::default() };

    let accepted = loading.send("/customers", "reference", &customers).await?;
    let mut ids = BTreeMap::new();
    for (line, accepted) in customers.iter().zip(accepted) {
        ids.insert(line.text("reference")?.to_owned(), accepted.id);
    }
    loading.send("/products", "sku", &products).await?;
    for order in &mut orders {
        let reference = order.text("customer")?;
        let id = ids
            .get(reference)
            .with_context(|| format!("{}: there is no customer {reference}", order.place))?;
        order.fields.insert("customer_id".to_owned(), Value::from(id.clone()));
        order.fields.remove("customer");
    }
    loading.send("/orders/import", "reference", &orders).await?;
    loading.progress.finish();
    Ok(loading.loaded)
}

struct Loading<'a> {
    client: &'a Client,
    progress: Progress,
    loaded: Loaded,
}

impl Loading<'_> {
    /// Sends each line to `path`, with an idempotency key from its field `key`. The answers come
    /// in the order of the lines.
    async fn send(&mut self, path: &str, key: &str, lines: &[Line]) -> Result<Vec<Accepted>> {
        let client = self.client;
        let commands = lines.iter().map(|line| async move {
            let key = format!("demo-{}", line.text(key)?);
            client
                .command(path, &key, &line.fields)
                .await
                .with_context(|| format!("{}: POST {path}", line.place))
        });
        let mut accepted = Vec::with_capacity(lines.len());
        let mut answers = stream::iter(commands).buffered(AT_ONCE);
        while let Some(answer) = answers.try_next().await? {
            self.loaded.count(&answer);
            self.progress.step();
            accepted.push(answer);
        }
        Ok(accepted)
    }
}

impl Loaded {
    fn count(&mut self, answer: &Accepted) {
        if answer.replayed {
            self.already_there += 1;
        } else {
            self.new += 1;
        }
        self.last_writes.push_back(answer.consistency_token.clone());
        if self.last_writes.len() > WATCHED_WRITES {
            self.last_writes.pop_front();
        }
    }
}

/// A bar in a terminal, a line for each tenth elsewhere.
struct Progress {
    bar: Option<ProgressBar>,
    total: usize,
    done: usize,
}

impl Progress {
    fn of(total: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(
                "{bar:40} {human_pos}/{human_len} commands, {per_sec}, {eta} left",
            );
            ProgressBar::new(total as u64)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, total, done: 0 }
    }

    fn step(&mut self) {
        self.done += 1;
        match &self.bar {
            Some(bar) => bar.inc(1),
            None if self.done * 10 / self.total > (self.done - 1) * 10 / self.total => {
                eprintln!("{:3}% of {} commands", self.done * 100 / self.total, self.total);
            }
            None => {}
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
