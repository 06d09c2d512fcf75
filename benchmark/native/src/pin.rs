//! Runs a command on one core only: itself, its threads and its children.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Becomes `command` on core `core`; returns only the reason why it could not.
pub(crate) fn become_pinned(core: usize, command: &str, arguments: &[String]) -> io::Error {
    // SAFETY: an all-zero set is the empty one.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    if core >= 8 * size_of_val(&set) {
        return io::Error::other(format!("core {core} is beyond what a set can name"));
    }
    // SAFETY: `core` has just been found to lie within the set.
    unsafe { libc::CPU_SET(core, &mut set) };
    // SAFETY: the set is as long as said, and is only read.
    if unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) } < 0 {
        return io::Error::last_os_error();
    }
    Command::new(command).args(arguments).exec()
}
