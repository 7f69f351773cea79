//! `local-stack dev`, `demo` and `token`: the whole system on one machine.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand};
use local_stack::{FaultPlan, Grant, Issuer, Options, Stack, demo, openapi};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// What is logged unless `RUST_LOG` says otherwise. To dynoxide a condition that fails is worth a
/// warning; to the event store it is an ordinary answer.
const LOG: &str = "warn,local_stack=info,local_postgres=info,dynoxide=error";

/// The deployed system in one process: no containers, no account.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    task: Task,
    /// Where everything is kept.
    #[arg(long, env = "DATA_DIR", default_value = ".millrace", global = true)]
    data_dir: PathBuf,
}

#[derive(Subcommand)]
enum Task {
    /// Runs the stack until Ctrl-C or SIGTERM.
    Dev(StackArgs),
    /// Runs the stack, loads the baskets through the HTTP API, and shows a few answers.
    Demo {
        #[command(flatten)]
        stack: StackArgs,
        /// The folder with products.ndjson, customers.ndjson and orders.ndjson.
        #[arg(long)]
        data: Option<PathBuf>,
    },
    /// Prints the OpenAPI document of both functions.
    Openapi,
    /// Prints a token for the HTTP API.
    Token {
        /// One or more of shop, staff, analyst and import, with spaces between them.
        #[arg(long)]
        scope: String,
        /// The customer that the bearer is.
        #[arg(long)]
        customer: Option<String>,
        /// How many seconds it is good for.
        #[arg(long, default_value_t = 86_400)]
        lifetime: u64,
    },
}

#[derive(Args)]
struct StackArgs {
    /// The gateway's port on 127.0.0.1; 0 is any that is free.
    #[arg(long, env = "PORT", default_value_t = 9000)]
    port: u16,
    /// The SAM template; by default the template.yaml here or in a folder above.
    #[arg(long)]
    template: Option<PathBuf>,
    /// What goes wrong between the stream and the projector, e.g. `twice=0.1`; may be repeated.
    /// There are twice, reorder, crash-before, crash-after, lose (probabilities) and seed.
    #[arg(long, env = "FAULTS", value_delimiter = ',')]
    fault: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOG));
    let ansi = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(ansi)
        .with_env_filter(filter)
        .init();
    match perform(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn perform(cli: Cli) -> Result<()> {
    match cli.task {
        Task::Dev(stack) => run(stack.options(cli.data_dir)?, None).await,
        Task::Demo { stack, data } => {
            run(stack.options(cli.data_dir)?, Some(data.unwrap_or_else(demo::data_folder))).await
        }
        Task::Openapi => {
            print!("{}", openapi::document()?);
            Ok(())
        }
        Task::Token { scope, customer, lifetime } => {
            ensure!(
                !scope.trim().is_empty(),
                "a token needs a scope: say which with --scope (make token SCOPE=\"staff import\")"
            );
            let customer_id = customer.as_deref().filter(|id| !id.is_empty());
            let subject = customer_id.unwrap_or("local");
            let grant = Grant {
                scope: scope.trim(),
                customer_id,
                subject,
                lifetime: Duration::from_secs(lifetime),
            };
            println!("{}", Issuer::open(&cli.data_dir)?.token(grant)?);
            Ok(())
        }
    }
}

impl StackArgs {
    fn options(self, data_dir: PathBuf) -> Result<Options> {
        let faults: FaultPlan = self.fault.join(",").parse()?;
        Ok(Options { port: self.port, data_dir, template: self.template, faults })
    }
}

/// Runs a stack until it is told to end; with `baskets` it loads them first.
async fn run(options: Options, baskets: Option<PathBuf>) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let told_to_end = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    tokio::pin!(told_to_end);
    let stack = tokio::select! {
        stack = Stack::start(options) => stack?,
        () = &mut told_to_end => return Ok(()),
    };
    let shown = async {
        match &baskets {
            Some(folder) => demo::run(&stack, folder).await,
            None => Ok(()),
        }
    };
    let outcome = tokio::select! {
        outcome = shown => outcome.map(|()| println!("ready {}", stack.url())),
        () = &mut told_to_end => {
            stack.stop().await;
            return Ok(());
        }
    };
    if outcome.is_ok() {
        told_to_end.await;
    }
    stack.stop().await;
    outcome
}
