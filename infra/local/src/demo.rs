//! Real baskets through the HTTP API: loads them, waits until they are visible, and asks a few
//! questions. Everything carries an idempotency key, so a second run adds nothing.

mod answers;
mod baskets;
mod client;
mod load;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::stack::Stack;
use client::Client;

/// What the demo needs to load and to ask.
const SCOPE: &str = "import analyst";

/// The weeks that the baskets cover from Monday to Sunday.
const WHOLE_WEEKS: [(&str, &str); 3] =
    [("by", "week"), ("from", "2017-01-02"), ("to", "2017-03-27")];

/// The baskets that come with the repository.
#[must_use]
pub fn data_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/baskets")
}

/// Loads the baskets in `folder` into `stack` and prints what became of them.
///
/// # Errors
/// When a file is not there or a command is refused; the message names the line.
pub async fn run(stack: &Stack, folder: &Path) -> Result<()> {
    let client = Client::new(stack.url(), stack.token(SCOPE, None)?);
    let loaded = load::everything(&client, folder).await?;
    answers::wait_until_visible(&client, &loaded.last_writes)
        .await
        .context("waiting for the rows")?;
    answers::print(&client, &loaded, &stack.lag_ms()).await.context("asking for the answers")?;
    let drawn = client.picture("/reports/sales", &WHOLE_WEEKS).await?;
    let picture = stack.data_dir().join("sales.svg");
    fs::write(&picture, drawn).with_context(|| format!("writing {}", picture.display()))?;
    println!("Net sales by week, drawn\n  {}", picture.display());
    Ok(())
}
