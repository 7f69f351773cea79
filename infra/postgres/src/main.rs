//! `with-postgres COMMAND [ARGUMENT...]` runs a command beside a throwaway PostgreSQL, whose URL
//! is in `TEST_POSTGRES_URL`, and ends as the command ends.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitCode;

use anyhow::{Context, Result};
use local_postgres::{Server, TEST_POSTGRES_URL};

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let program = arguments.next().context("usage: with-postgres COMMAND [ARGUMENT...]")?;
    let server = Server::throwaway().await?;
    let mut command = tokio::process::Command::new(&program);
    command.args(arguments).env(TEST_POSTGRES_URL, server.url("postgres")).kill_on_drop(true);
    let mut child = command.spawn().with_context(|| format!("running {}", program.display()))?;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.context("waiting for the command")?,
            // The command got it too, and ends in its own time; the server is stopped after it.
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    server.stop().await;
    let code = status
        .code()
        .or_else(|| Some(128 + status.signal()?))
        .and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}
