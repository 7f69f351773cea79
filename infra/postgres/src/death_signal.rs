//! The one use of unsafe code: a child that is told when its parent is gone.

use std::io;
use std::os::unix::process::{CommandExt, parent_id};
use std::process::Command;

use rustix::process::{Signal, set_parent_process_death_signal};

/// Has the kernel send `signal` to the command's process when the *thread* that spawned it ends.
///
/// The kernel forgets the setting when a process changes its user; the closure runs after
/// `Command` has done that, and the programs started here carry no set-user-id bit.
#[allow(unsafe_code, reason = "there is no safe way to run code between fork and exec")]
pub(crate) fn on_death_of_parent(command: &mut Command, signal: Signal) {
    let parent = std::process::id();
    let arm = move || {
        set_parent_process_death_signal(Some(signal))?;
        // The parent may have died between fork and the line above; then no signal ever comes.
        if parent_id() == parent { Ok(()) } else { Err(io::ErrorKind::Other.into()) }
    };
    // SAFETY: between fork and exec only async-signal-safe calls are allowed. The closure makes
    // two plain system calls, takes no lock and allocates nothing, also in its errors.
    unsafe {
        command.pre_exec(arm);
    }
}
