//! A new migration is a change of this crate: it is embedded.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
