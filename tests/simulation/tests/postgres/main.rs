//! A real Postgres under load, killed, cut off and full: nothing is parked by it, and when it is
//! back every row comes right.

mod cut;
mod disk;
mod kill;
mod load;
mod small_disk;
