//! A new migration is a change of this crate: it is embedded. And what an alias stands for, macros
//! cannot see.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
    println!("cargo:rerun-if-changed=build.rs");
    let timestamp = ("Timestamp", "chrono::DateTime<chrono::Utc>");
    utoipa_config::Config::new().alias_for(timestamp.0, timestamp.1).write_to_file();
}
