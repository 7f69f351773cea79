//! Who may know whom. The arrows of the layout, and no others.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// A crate and the crates of ours that it may name; `*` may see all.
const ARROWS: [(&str, &[&str]); 21] = [
    ("decider", &[]),
    ("ordering", &["decider"]),
    ("event-store", &["decider", "personal-data"]),
    // the keys to what is personal in events, see docs/adr
    ("personal-data", &["decider"]),
    ("projection", &["decider"]),
    ("projection-simulator", &["projection"]),
    ("ordering-views", &["ordering", "projection"]),
    // the HTTP edge that both functions share, see docs/adr
    ("edge", &["decider", "telemetry"]),
    // how a function tells what it does, see docs/adr
    ("telemetry", &[]),
    // the way into the database, see docs/adr
    ("database", &[]),
    ("command", &["edge", "event-store", "ordering", "personal-data", "telemetry"]),
    ("projector", &["database", "event-store", "ordering-views", "personal-data", "telemetry"]),
    ("query", &["database", "edge", "ordering-views", "telemetry"]),
    ("migrate", &["database", "ordering-views"]),
    // a Postgres to start, which knows nothing of ours
    ("local-postgres", &[]),
    // who reads the logs of the tests
    ("witness", &[]),
    ("local-stack", &["*"]),
    ("cli", &["*"]),
    ("journeys", &["*"]),
    ("bench", &["*"]),
    ("simulation", &["*"]),
];

#[test]
fn every_crate_knows_only_what_it_may() -> anyhow::Result<()> {
    let metadata = MetadataCommand::new().no_deps().exec()?;
    let ours: BTreeSet<String> = metadata.packages.iter().map(|p| p.name.to_string()).collect();
    let allowed = BTreeMap::from(ARROWS);
    for package in &metadata.packages {
        let name = package.name.to_string();
        let known = allowed.get(name.as_str());
        let known = known.unwrap_or_else(|| panic!("{name} is not in the layout"));
        let named = package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal);
        for dependency in named.filter(|dependency| ours.contains(&dependency.name)) {
            let may = known.contains(&"*") || known.contains(&dependency.name.as_str());
            assert!(may, "{name} must not know {}", dependency.name);
        }
    }
    Ok(())
}

#[test]
fn the_pure_crates_need_nothing_that_waits() -> anyhow::Result<()> {
    let metadata = MetadataCommand::new().no_deps().exec()?;
    for package in &metadata.packages {
        if !["decider", "ordering"].contains(&package.name.as_str()) {
            continue;
        }
        let named = package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal);
        for dependency in named {
            let waits =
                ["tokio", "sqlx", "reqwest", "axum", "futures"].contains(&dependency.name.as_str());
            assert!(!waits, "{} is pure, {} waits", package.name, dependency.name);
        }
    }
    Ok(())
}
