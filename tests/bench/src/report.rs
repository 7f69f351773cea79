//! Where the figures go.

use std::{fmt::Write as _, fs, path::Path, process::Command};

use anyhow::Context;
use serde::Serialize;
use serde_json::Value;

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

/// Puts the figures of one part into `target/bench.json` and `BENCHMARKS.md`; what was measured of
/// other parts before stays there.
pub(crate) fn write(title: &str, picture: Option<&str>, figures: &[Figure]) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = root.join("target");
    fs::create_dir_all(&target)?;
    let list = target.join("bench.json");
    let before = fs::read_to_string(&list).unwrap_or_default();
    fs::write(&list, serde_json::to_string_pretty(&listed(&before, figures)?)?)?;
    let section = section(title, picture, figures)?;
    print!("{section}");
    let page = root.join("BENCHMARKS.md");
    let before = fs::read_to_string(&page).unwrap_or_default();
    fs::write(&page, paged(&before, title, &section)).context("BENCHMARKS.md")
}

/// The list with these figures in place of those of their names.
fn listed(before: &str, figures: &[Figure]) -> anyhow::Result<Vec<Value>> {
    let before: Vec<Value> = serde_json::from_str(before).unwrap_or_default();
    let measured = |name: &Value| figures.iter().any(|figure| name == figure.name);
    let kept = before.into_iter().filter(|figure| !measured(&figure["name"]));
    let new = figures.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    Ok(kept.chain(new).collect())
}

/// The page with this section in place of the one with its title.
fn paged(before: &str, title: &str, section: &str) -> String {
    let others = before.split("\n## ").skip(1);
    let others = others.filter(|other| other.lines().next() != Some(title));
    let mut sections: Vec<_> = others.map(|other| format!("## {other}")).collect();
    sections.push(section.to_owned());
    sections.sort_unstable_by_key(|section| section.lines().next().map(str::to_owned));
    let head = "# Benchmarks\n\n`make bench` writes this page. Each figure stands beside its floor \
                from the same run; the ratio is what counts.";
    let sections: Vec<_> = sections.iter().map(|section| section.trim_end()).collect();
    format!("{head}\n\n{}\n", sections.join("\n\n"))
}

fn section(title: &str, picture: Option<&str>, figures: &[Figure]) -> anyhow::Result<String> {
    let mut section = format!("## {title}\n\n");
    writeln!(
        section,
        "Measured on {} with {} cores. Where nothing else is said: PostgreSQL in memory, `fsync` \
         off, 2 GB of buffers, client and server on the same cores, over a Unix socket.",
        kernel(),
        cores()
    )?;
    writeln!(
        section,
        "\n| figure | value | floor | ratio | against |\n| --- | ---: | ---: | ---: | --- |"
    )?;
    for figure in figures {
        let Figure { name, unit, ratio, against, .. } = figure;
        let (value, floor) = (number(figure.value), number(figure.floor));
        writeln!(section, "| {name} | {value} {unit} | {floor} | {ratio:.2} | {against} |")?;
    }
    if let Some(picture) = picture {
        writeln!(section, "\n{picture}")?;
    }
    Ok(section)
}

/// Three digits at least, as long as they say something.
fn number(number: f64) -> String {
    let digits = if number < 1.0 {
        3
    } else if number < 100.0 {
        1
    } else {
        0
    };
    format!("{number:.digits$}")
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
