//! Where the figures go.

use std::{fmt::Write as _, fs, path::Path, process::Command};

use anyhow::Context;
use serde::Serialize;

/// One figure beside its floor, both in the same unit.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) floor: f64,
    pub(crate) ratio: f64,
    /// What the floor is, and the ratio that is asked for.
    #[serde(skip)]
    pub(crate) against: &'static str,
}

impl Figure {
    pub(crate) fn rate(name: &'static str, value: f64, floor: f64, against: &'static str) -> Self {
        Self::new(name, value, "events/s", floor, against)
    }

    pub(crate) fn new(
        name: &'static str,
        value: f64,
        unit: &'static str,
        floor: f64,
        against: &'static str,
    ) -> Self {
        Self { name, value, unit, floor, ratio: value / floor, against }
    }
}

/// Writes `target/bench.json` and `BENCHMARKS.md`.
pub(crate) fn write(figures: &[Figure]) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = root.join("target");
    fs::create_dir_all(&target)?;
    fs::write(target.join("bench.json"), serde_json::to_string_pretty(figures)?)?;
    let page = page(figures)?;
    print!("{page}");
    fs::write(root.join("BENCHMARKS.md"), page).context("BENCHMARKS.md")
}

fn page(figures: &[Figure]) -> anyhow::Result<String> {
    let mut page = String::from("# Benchmarks\n\n`make bench` writes this page. ");
    page.push_str(
        "Each figure stands beside its floor from the same run; the ratio is what counts.\n\n",
    );
    writeln!(page, "- Measured on {} with {} cores.", kernel(), cores())?;
    writeln!(
        page,
        "- PostgreSQL in memory, `fsync` off, client and server on the same cores, over a Unix socket."
    )?;
    writeln!(
        page,
        "\n| figure | value | floor | ratio | against |\n| --- | ---: | ---: | ---: | --- |"
    )?;
    for Figure { name, value, unit, floor, ratio, against } in figures {
        writeln!(page, "| {name} | {value:.0} {unit} | {floor:.0} | {ratio:.2} | {against} |")?;
    }
    page.push_str("\n![What a query costs as orders become more](docs/growth.svg)\n");
    Ok(page)
}

fn kernel() -> String {
    let uname = Command::new("uname").arg("-sm").output();
    uname.map_or_else(
        |_| "?".to_owned(),
        |said| String::from_utf8_lossy(&said.stdout).trim().to_owned(),
    )
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
