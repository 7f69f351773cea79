//! Who may know whom. The arrows of the layout, and no others.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

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

/// What decides, and does nothing else.
const PURE: [&str; 2] = ["decider", "ordering"];

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

/// The kits that have the logs read of whoever uses them.
const WATCHED: [&str; 4] = ["witness::watch", "journeys::", "simulation::", "stage::"];

/// Tests in which nobody and nothing logs, beside those of the pure crates.
const SILENT: [(&str, &str); 3] = [
    // what is checked in, against what the code says
    ("local-stack", "openapi"),
    ("journeys", "corpora"),
    // a Postgres with nothing in it
    ("local-postgres", "life"),
];

#[test]
fn the_logs_of_every_test_are_read() -> anyhow::Result<()> {
    let metadata = MetadataCommand::new().no_deps().exec()?;
    let mut unread = Vec::new();
    for package in metadata.packages.iter().filter(|p| !PURE.contains(&p.name.as_str())) {
        for test in package.targets.iter().filter(|target| target.is_test()) {
            let sources = sources(test.src_path.as_std_path())?;
            let watches = |source: &String| WATCHED.iter().any(|kit| source.contains(kit));
            let test = (package.name.as_str(), test.name.as_str());
            if sources.iter().any(watches) == SILENT.contains(&test) {
                unread.push(format!("{test:?}"));
            }
        }
    }
    assert!(unread.is_empty(), "{unread:?}");
    Ok(())
}

/// A test's own files: the one, or those of its folder.
fn sources(root: &Path) -> anyhow::Result<Vec<String>> {
    let folder = root.parent().filter(|_| root.ends_with("main.rs"));
    let Some(folder) = folder else { return Ok(vec![fs::read_to_string(root)?]) };
    let files = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let files = files.into_iter().map(|file| file.path()).filter(|path| path.is_file());
    Ok(files.map(fs::read_to_string).collect::<Result<_, _>>()?)
}

#[test]
fn the_pure_crates_need_nothing_that_waits() -> anyhow::Result<()> {
    let metadata = MetadataCommand::new().no_deps().exec()?;
    for package in &metadata.packages {
        if !PURE.contains(&package.name.as_str()) {
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
